import math

import numpy as np
import pytest

from perfkit.errors import UsageError
from perfkit.model import Verdict
from perfkit.stats import compare_quantiles, compare_samples


def calls(seed: int, processes: int = 12, n: int = 200, slow: float = 0.0) -> np.ndarray:
    """Times of n calls in each process, a share of them five times slower."""
    random = np.random.default_rng(seed)
    times = np.exp(random.normal(0, 0.02, (processes, 1)) + random.gamma(1.5, 0.03, (processes, n)))
    times[random.random(times.shape) < slow] *= 5
    return times


def test_two_percent_of_calls_five_times_slower_is_seen_in_the_tail_only() -> None:
    base, head = calls(1), calls(2, slow=0.02)
    tail = compare_quantiles(base, head, quantile=0.99)
    assert tail.verdict is Verdict.REGRESSED
    assert tail.ratio.estimate > 2
    assert compare_samples(base, head).verdict is Verdict.UNCHANGED


def test_equal_tails_are_unchanged() -> None:
    shift = compare_quantiles(calls(3), calls(4), quantile=0.95, floor=0.1)
    assert shift.verdict is Verdict.UNCHANGED
    assert shift.ratio.low < 1 < shift.ratio.high


def test_the_slow_tail_of_a_throughput_is_the_low_one() -> None:
    shift = compare_quantiles(1 / calls(1), 1 / calls(2, slow=0.02), quantile=0.99, better="higher")
    assert shift.verdict is Verdict.REGRESSED
    assert shift.ratio.estimate < 0.5


def test_few_processes_or_few_values_leave_the_interval_unbounded() -> None:
    few_processes = compare_quantiles(calls(5, 4, 1000), calls(6, 4, 1000, slow=0.5))
    few_values = compare_quantiles(calls(5, 10, 20), calls(6, 10, 20, slow=0.5), quantile=0.99)
    for shift in (few_processes, few_values):
        assert shift.verdict is Verdict.INCONCLUSIVE
        assert (shift.ratio.low, shift.ratio.high) == (0.0, math.inf)
        assert shift.p_value == 1.0
    assert few_values.notes == ("2.0 values beyond the quantile; wanted 5",)


def test_swapping_the_sides_mirrors_and_scaling_changes_nothing() -> None:
    base, head = calls(7), calls(8, slow=0.1)
    forward = compare_quantiles(base, head)
    back = compare_quantiles(head, base)
    scaled = compare_quantiles(60 * base, 60 * head)
    assert (forward.verdict, back.verdict) == (Verdict.REGRESSED, Verdict.IMPROVED)
    assert back.ratio.low == pytest.approx(1 / forward.ratio.high, rel=0.05)
    assert scaled.ratio.low == pytest.approx(forward.ratio.low)
    assert scaled.p_value == forward.p_value


def test_the_same_seed_gives_the_same_answer() -> None:
    base, head = calls(9), calls(10)
    assert compare_quantiles(base, head, seed=3) == compare_quantiles(base, head, seed=3)
    assert compare_quantiles(base, head, seed=3) != compare_quantiles(base, head, seed=4)


def test_sequential_sides_may_differ_in_length() -> None:
    shift = compare_quantiles(calls(1, 8), calls(2, 12, slow=0.1), design="sequential")
    assert (shift.n_base, shift.n_head, shift.verdict) == (8, 12, Verdict.REGRESSED)
    with pytest.raises(UsageError, match="both sides of every round"):
        compare_quantiles(calls(1, 8), calls(2, 12))


def test_the_level_holds_where_nothing_changed() -> None:
    """60 A/A comparisons at alpha 0.1; 6 are expected, 12 would be 2.6 standard errors above."""
    p_values = [
        compare_quantiles(calls(i, 10, 40), calls(i + 500, 10, 40), alpha=0.1).p_value
        for i in range(60)
    ]
    assert sum(p <= 0.1 for p in p_values) <= 12
    assert min(p_values) < 0.3


def test_a_quantile_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match="the quantile is 95"):
        compare_quantiles([1.0], [1.0], quantile=95)
