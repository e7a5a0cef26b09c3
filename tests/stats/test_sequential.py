import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.model import Shift, Verdict
from perfkit.stats import SequentialComparison
from perfkit.stats.sequential import spending


def watch(rule: SequentialComparison, base: np.ndarray, head: np.ndarray) -> tuple[Shift, int]:
    """Look after every round until decided."""
    for rounds in range(1, rule.max_rounds + 1):
        shift = rule.look(base[:rounds], head[:rounds])
        if shift.verdict is not Verdict.INCONCLUSIVE:
            return shift, rounds
    return shift, rule.max_rounds


def draw(random: np.random.Generator, sd: float, effect: float = 0.0) -> tuple[np.ndarray, ...]:
    base, head = np.exp(random.normal(0, sd, (2, 20)))
    return base, head * (1 + effect)


@given(
    alpha=st.sampled_from([0.2, 0.05, 0.01, 0.001, 1e-5]),
    rounds=st.integers(1, 60),
)
def test_no_more_than_all_of_alpha_is_spent(alpha: float, rounds: int) -> None:
    shares = spending(alpha, rounds)
    assert len(shares) == rounds
    assert min(shares) >= 0
    assert 0.999 <= sum(shares) <= 1
    assert shares[-1] > 0


def test_large_effects_are_decided_early_and_mostly() -> None:
    random = np.random.default_rng(11)
    rule = SequentialComparison()
    watched = [watch(rule, *draw(random, 0.02, 0.10)) for _ in range(60)]
    assert all(shift.verdict is Verdict.REGRESSED for shift, _ in watched)
    assert np.mean([rounds for _, rounds in watched]) <= 8


def test_quiet_equal_sides_are_settled_early() -> None:
    random = np.random.default_rng(12)
    watched = [watch(SequentialComparison(), *draw(random, 0.01)) for _ in range(60)]
    assert all(shift.verdict is Verdict.UNCHANGED for shift, _ in watched)
    assert np.mean([rounds for _, rounds in watched]) <= 8


def test_the_level_holds_under_continuous_looking() -> None:
    """400 watched A/A comparisons at floor 0, alpha 0.05: 20 false alarms are allowed."""
    random = np.random.default_rng(13)
    rule = SequentialComparison(alpha=0.05, floor=0.0)
    alarms = sum(
        watch(rule, *np.exp(0.02 * random.standard_t(3, (2, 20))))[0].verdict
        is not Verdict.INCONCLUSIVE
        for _ in range(400)
    )
    assert 2 <= alarms <= 20


def test_p_value_agrees_with_the_verdict_at_every_look() -> None:
    random = np.random.default_rng(14)
    rule = SequentialComparison(floor=0.0)
    seen = set()
    for _, effect in itertools.product(range(5), (0.0, 0.05)):
        base, head = draw(random, 0.02, effect)
        for rounds in range(1, 21):
            shift = rule.look(base[:rounds], head[:rounds])
            changed = shift.verdict in {Verdict.REGRESSED, Verdict.IMPROVED}
            assert changed == (shift.p_value <= rule.alpha)
            assert changed == (not shift.ratio.low <= 1 <= shift.ratio.high)
            seen.add(changed)
    assert seen == {True, False}


def test_a_single_look_at_the_only_round_planned_spends_everything() -> None:
    rule = SequentialComparison(max_rounds=5)
    base = np.array([1.0, 1.1, 1.2, 1.3, 1.4])
    assert rule.look(base, base * 2).verdict is Verdict.REGRESSED
    assert rule.look(base[:4], base[:4] * 2).verdict is Verdict.INCONCLUSIVE


def test_more_rounds_than_planned_are_refused() -> None:
    with pytest.raises(UsageError, match="round 3 of a comparison planned for 2"):
        SequentialComparison(max_rounds=2).look([1.0] * 3, [1.0] * 3)


@pytest.mark.parametrize("options", [{"max_rounds": 0}, {"alpha": 1.0}, {"floor": -1.0}])
def test_a_plan_that_cannot_be_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SequentialComparison(**options)
