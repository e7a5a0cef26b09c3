import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from perfkit.model import Shift, Verdict
from perfkit.stats import SequentialComparison, judge_suite, needs_confirmation
from perfkit.stats.first_sight import STUDENT

FAST, SLOW = [1.00, 1.01, 0.99], [1.20, 1.21, 1.19]
RULE = SequentialComparison()


def test_the_quantiles_are_students() -> None:
    for rounds, quantile in STUDENT.items():
        assert quantile == pytest.approx(student.ppf(1 - 0.005 / 2, 2 * rounds - 2), abs=1e-4)


@pytest.mark.parametrize(
    ("base", "head", "suspected"),
    [
        (FAST, SLOW, Verdict.REGRESSED),
        (SLOW, FAST, Verdict.IMPROVED),
        (FAST, [1.04, 1.05, 1.03], None),  # apart, by less than the floor
        (FAST, [1.05, 1.6, 1.3], None),  # apart, but noisy
        (FAST, [1.20, 1.21, 1.00], None),  # overlapping
        ([1.0] * 3, [2.0] * 3, None),  # no noise to judge by
        (FAST[:2], SLOW[:2], None),  # too few to know the noise
    ],
)
def test_who_is_suspected(base: list[float], head: list[float], suspected: Verdict | None) -> None:
    shift = RULE.look(base, head)
    assert (shift.verdict, shift.suspected) == (Verdict.INCONCLUSIVE, suspected)
    assert shift.apparent is (suspected or Verdict.INCONCLUSIVE)


def test_steady_values_need_no_noise_to_be_suspected() -> None:
    steady = SequentialComparison(steady=True)
    assert steady.look([1.0] * 3, [2.0] * 3).suspected is Verdict.REGRESSED
    assert steady.look([2.0] * 3, [1.0] * 3).suspected is Verdict.IMPROVED
    assert steady.look([1.0] * 3, [1.04] * 3).suspected is None
    assert steady.look([1.0] * 3, [1.0] * 3).suspected is None
    # Those with noise are held to it as any others are.
    assert steady.look(FAST, [1.05, 1.6, 1.3]).suspected is None


def test_where_more_is_better_less_is_suspected() -> None:
    assert SequentialComparison(better="higher").look(SLOW, FAST).suspected is Verdict.REGRESSED


def test_a_look_that_can_decide_suspects_nobody() -> None:
    shift = RULE.look(FAST * 2, SLOW * 2)
    assert (shift.verdict, shift.suspected) == (Verdict.REGRESSED, None)


@given(st.integers(0, 2**32), st.sampled_from(sorted(STUDENT)), st.floats(0.001, 0.2))
def test_a_suspect_is_apart_by_that_many_standard_errors(seed: int, n: int, sd: float) -> None:
    base, head = np.exp(np.random.default_rng(seed).normal([[0.0], [0.1]], sd, (2, n)))
    shift = SequentialComparison(floor=0).look(base, head)
    error = math.sqrt((np.log(base).var(ddof=1) + np.log(head).var(ddof=1)) / n)
    apart = np.log(head).mean() - np.log(base).mean()
    expected = None
    if max(base) < min(head) and apart >= STUDENT[n] * error:
        expected = Verdict.REGRESSED
    elif max(head) < min(base) and -apart >= STUDENT[n] * error:
        expected = Verdict.IMPROVED
    assert shift.suspected is expected


def confirmed(again: Shift | None) -> Verdict:
    first = {"a": RULE.look(FAST, SLOW)}
    assert needs_confirmation(first) == ("a",)
    return judge_suite(first, confirmations=None if again is None else {"a": again})["a"].verdict


def test_only_new_rounds_make_a_verdict_of_a_suspicion() -> None:
    assert confirmed(RULE.look(FAST * 2, SLOW * 2)) is Verdict.REGRESSED
    assert confirmed(RULE.look(SLOW * 2, FAST * 2)) is Verdict.INCONCLUSIVE
    assert confirmed(RULE.look(FAST, SLOW)) is Verdict.INCONCLUSIVE
    assert confirmed(RULE.look(FAST * 4, FAST * 4)) is Verdict.UNCHANGED
    assert confirmed(None) is Verdict.INCONCLUSIVE
