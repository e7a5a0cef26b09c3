from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from perfkit.errors import UsageError
from perfkit.model import Shift, Verdict
from perfkit.stats import (
    SequentialComparison,
    adjust,
    compare_samples,
    judge_suite,
    needs_confirmation,
)

RAMP = np.linspace(1.0, 1.01, 6)
SLOWER = compare_samples(RAMP, 1.5 * RAMP)
FASTER = compare_samples(1.5 * RAMP, RAMP)
SAME = compare_samples(np.linspace(1.0, 1.01, 12), np.linspace(1.0, 1.01, 12))
NOISE = replace(SAME, verdict=Verdict.INCONCLUSIVE, p_value=0.3)


def test_adjusted_p_values_of_benjamini_and_hochberg() -> None:
    assert adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert adjust([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusting_agrees_with_scipy(p_values: list[float]) -> None:
    assert adjust(p_values) == pytest.approx(false_discovery_control(p_values).tolist())


def test_a_lone_benchmark_keeps_its_verdict() -> None:
    assert judge_suite({"a": SLOWER})["a"].verdict is Verdict.REGRESSED


def test_a_suspect_among_many_needs_confirmation() -> None:
    suite = {"slow": SLOWER, **{f"same {i}": NOISE for i in range(99)}}
    assert needs_confirmation(suite) == ("slow",)
    alone = judge_suite(suite)["slow"]
    assert alone.verdict is Verdict.INCONCLUSIVE
    assert alone.p_adjusted == pytest.approx(100 * SLOWER.p_value)
    confirmed = judge_suite(suite, confirmations={"slow": SLOWER})["slow"]
    assert (confirmed.verdict, confirmed.confirmed) == (Verdict.REGRESSED, True)
    assert confirmed.p_adjusted == pytest.approx(SLOWER.p_value / 2)


@pytest.mark.parametrize(
    ("again", "verdict"),
    [
        (SLOWER, Verdict.REGRESSED),
        (SAME, Verdict.UNCHANGED),
        (FASTER, Verdict.INCONCLUSIVE),
        (NOISE, Verdict.INCONCLUSIVE),
        (replace(SLOWER, p_value=0.03), Verdict.INCONCLUSIVE),
    ],
)
def test_what_confirmation_makes_of_a_suspect(again: Shift, verdict: Verdict) -> None:
    assert judge_suite({"a": SLOWER}, confirmations={"a": again})["a"].verdict is verdict


def test_a_suspect_that_was_not_measured_again_is_inconclusive() -> None:
    assert judge_suite({"a": SLOWER}, confirmations={})["a"].verdict is Verdict.INCONCLUSIVE


def test_confirming_what_is_no_suspect_is_refused() -> None:
    with pytest.raises(UsageError, match="a was confirmed but is no suspect"):
        judge_suite({"a": SAME}, confirmations={"a": SAME})


def test_exact_metrics_stand_outside_the_adjustment() -> None:
    exact = compare_samples([100], [200], exact=True)
    suite = {"count": exact, **{f"same {i}": NOISE for i in range(99)}}
    assert needs_confirmation(suite) == ()
    judged = judge_suite(suite, confirmations={})["count"]
    assert (judged.verdict, judged.p_adjusted) == (Verdict.REGRESSED, None)


def test_an_empty_suite_has_no_verdicts() -> None:
    assert judge_suite({}) == {}


def test_a_suite_without_changes_stays_quiet() -> None:
    """40 suites of 100 equal benchmarks, watched and confirmed: none may be called changed."""
    random = np.random.default_rng(15)
    rule = SequentialComparison(floor=0.0)
    suspects = 0
    for _ in range(40):
        sides = np.exp(random.normal(0, 0.02, (100, 2, 20)))
        first = {i: rule.look(base, head) for i, (base, head) in enumerate(sides)}
        asked = needs_confirmation(first)
        suspects += len(asked)
        again = {i: rule.look(*np.exp(random.normal(0, 0.02, (2, 20)))) for i in asked}
        judged = judge_suite(first, confirmations=again)
        assert all(row.verdict is Verdict.INCONCLUSIVE for row in judged.values())
    assert suspects > 0
