import itertools

import numpy as np
import pytest
from scipy import stats

from perfkit.stats.hodges_lehmann import (
    LARGEST_EXACT,
    interleaved_shift,
    mann_whitney_cdf,
    paired_shift,
    signed_rank_cdf,
    smallest_p,
    unpaired_shift,
)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (5, 5), (8, 3), (12, 9)])
def test_unpaired_p_value_is_that_of_scipy(n: int, m: int) -> None:
    random = np.random.default_rng(n * m)
    for shift in (0.0, 0.5, 3.0):
        base, head = random.normal(size=n), random.normal(size=m) + shift
        expected = stats.mannwhitneyu(head, base, method="exact").pvalue
        assert unpaired_shift(base, head, 0.05).p_value == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 20])
def test_paired_p_value_is_that_of_scipy(n: int) -> None:
    random = np.random.default_rng(n)
    for shift in (0.0, 0.5, 3.0):
        base, head = random.normal(size=n), random.normal(size=n) + shift
        expected = stats.wilcoxon(head - base, method="exact").pvalue
        assert paired_shift(base, head, 0.05).p_value == pytest.approx(expected)


def test_mann_whitney_distribution_by_counting_every_arrangement() -> None:
    counts = np.zeros(13)
    for places in itertools.combinations(range(7), 3):
        counts[sum(places) - 3] += 1
    assert mann_whitney_cdf(3, 4) == pytest.approx(np.cumsum(counts) / counts.sum())


def test_long_sides_use_a_close_approximation() -> None:
    n = LARGEST_EXACT
    exact = mann_whitney_cdf(n, n)
    u = np.arange(n * n + 1)
    normal = stats.norm.cdf((u + 0.5 - n * n / 2) / np.sqrt(n * n * (2 * n + 1) / 12))
    assert np.abs(exact - normal).max() < 1e-3
    assert np.abs(exact - normal)[exact < 0.01].max() < 2e-4
    assert mann_whitney_cdf(n + 1, n)[-1] == pytest.approx(1.0)


def test_estimates_are_medians_of_elementary_shifts() -> None:
    base, head = np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0, 9.0])
    unpaired = unpaired_shift(base, head, 0.5)
    assert unpaired.estimate == np.median([h - b for h in head for b in base])
    d = head - base
    walsh = [(d[i] + d[j]) / 2 for i in range(3) for j in range(i, 3)]
    assert paired_shift(base, head, 0.5).estimate == np.median(walsh)


@pytest.mark.parametrize("shift_of", [unpaired_shift, paired_shift, interleaved_shift])
def test_interval_excludes_zero_exactly_when_significant(shift_of) -> None:  # noqa: ANN001 - three functions
    random = np.random.default_rng(3)
    seen = set()
    for n in range(1, 16):
        for scale in (0.0, 0.4, 1.5):
            base, head = np.round(random.normal(size=(2, n)), 1)
            rank = shift_of(base, head + scale, 0.05)
            outside = rank.low > 1e-12 or rank.high < -1e-12
            assert outside == (rank.p_value <= 0.05)
            seen.add(outside)
    assert seen == {True, False}


def test_coverage_is_at_least_nominal() -> None:
    random = np.random.default_rng(4)
    misses = dict.fromkeys([unpaired_shift, paired_shift, interleaved_shift], 0)
    for _ in range(1000):
        round_effect = random.normal(size=10)
        base, head = random.normal(size=(2, 10)) + round_effect
        for form in misses:
            rank = form(base, head + 2, 0.1)
            misses[form] += not rank.low <= 2 <= rank.high
    # Three standard errors of 10 % in 1 000 are 28.
    assert max(misses.values()) <= 128
    assert misses[paired_shift] >= 60


def test_forms_change_where_the_paired_one_can_reach_the_level() -> None:
    assert smallest_p(5, 5, paired=False) == pytest.approx(2 / 252)
    assert smallest_p(9, 9, paired=True) == pytest.approx(2 / 512)
    random = np.random.default_rng(5)
    base, head = random.normal(size=(2, 8))
    assert interleaved_shift(base, head, 0.01) == unpaired_shift(base, head, 0.01)
    drift = np.arange(20.0)
    base, head = drift + random.normal(size=20) / 50, drift + random.normal(size=20) / 50
    paired = paired_shift(base, head, 0.005)
    chosen = interleaved_shift(base, head, 0.01)
    assert (chosen.low, chosen.high) == (paired.low, paired.high)
    assert chosen.p_value == min(1.0, 2 * paired.p_value)


def test_forms_that_exclude_each_other_fall_back_to_the_narrower() -> None:
    base = np.array([1.3, 2.0, 3.6, 0.1, -1.4, -5.6, -0.3, -0.2, 0.33, -0.01, 0.6, 0.18])
    head = np.array([7.6, -0.7, 47.9, 5.1, -0.84, -0.27, -0.57, -0.37, 0.76, -1.2, -1.5, 22.7])
    unpaired, paired = unpaired_shift(base, head, 0.45), paired_shift(base, head, 0.45)
    assert unpaired.high < paired.low
    rank = interleaved_shift(base, head, 0.9)
    assert (rank.low, rank.high, rank.p_value) == (unpaired.low, unpaired.high, 1.0)


def test_signed_rank_distribution_is_symmetric_and_complete() -> None:
    pmf = np.diff(signed_rank_cdf(9), prepend=0.0)
    assert pmf == pytest.approx(pmf[::-1])
    assert signed_rank_cdf(9)[0] == pytest.approx(2.0**-9)
