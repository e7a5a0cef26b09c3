"""The Hodges-Lehmann shift with its exact rank interval, unpaired and paired.

Both forms are one idea. Take the elementary shifts between the sides (all pairwise differences,
or the Walsh averages of the per-round differences), sorted. Their median estimates the shift; how
many of them lie on either side of zero is the Mann-Whitney U, respectively the Wilcoxon signed
rank statistic, whose null distribution is known exactly for every n; and an order statistic of
them bounds the shift at the level of the matching count.

Sources: Hodges and Lehmann, Ann. Math. Statist. 34 (1963) 598; Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd ed., sections 3.1-3.3 (paired) and 4.1-4.3 (unpaired).
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TIE = 1e-12
"""Elementary shifts this close to zero count as ties: two logarithms of equal times, each rounded
to about 1e-15, may differ by their rounding, and no clock resolves one part in 1e12."""

LARGEST_EXACT = 100
"""Sides longer than this use the normal approximation of U, whose error in the tail probability
is below 2e-4 there, because the exact distribution costs O((n m)^2)."""


@dataclass(frozen=True, slots=True)
class RankShift:
    """``low <= estimate <= high``, in the unit of the values; bounds are infinite where n is small.

    ``p_value`` is two-sided, of the hypothesis of no shift; ties count against significance, so
    zero lies outside the interval at level alpha exactly when ``p_value <= alpha``.
    """

    estimate: float
    low: float
    high: float
    p_value: float

    @property
    def half_width(self) -> float:
        """The larger distance from the estimate to a bound; infinite where a bound is."""
        return max(self.high - self.estimate, self.estimate - self.low)


def unpaired_shift(base: Array, head: Array, alpha: float) -> RankShift:
    """Shift of ``head`` against ``base`` (one dimension each, n >= 1), at level ``alpha``.

    Exact when all values are exchangeable under no shift. Where values of one round resemble each
    other (positive correlation between the sides), it is conservative.
    """
    differences = np.sort(np.subtract.outer(head, base).ravel())
    return _from_elementary(differences, mann_whitney_cdf(len(base), len(head)), alpha)


def paired_shift(base: Array, head: Array, alpha: float) -> RankShift:
    """Shift of ``head[i]`` against ``base[i]`` over rounds i, at level ``alpha``.

    Exact when, under no shift, the two values of a round may trade places; rounds may drift and
    depend on each other in any way that keeps the signs of the differences independent.
    """
    differences = head - base
    rows, columns = np.triu_indices(len(differences))
    walsh = np.sort((differences[rows] + differences[columns]) / 2)
    return _from_elementary(walsh, signed_rank_cdf(len(differences)), alpha)


def interleaved_shift(base: Array, head: Array, alpha: float) -> RankShift:
    """Shift of ``head[i]`` against ``base[i]`` of the same round, at level ``alpha``.

    With few rounds the paired form cannot reach ``alpha`` however clear the data (its smallest p
    is 2^(1-n)), so the unpaired form has all of it. From where it can, each form is given half of
    ``alpha`` and what both allow is the answer: by the union bound the level holds, for noise of
    either kind. Skewed and heavy-tailed noise favours the unpaired form, slow changes of the
    machine the paired one; see docs/statistics/two-sample.md for the figures.
    """
    n = len(base)
    if smallest_p(n, n, paired=True) > alpha / 2:
        return unpaired_shift(base, head, alpha)
    forms = (unpaired_shift(base, head, alpha / 2), paired_shift(base, head, alpha / 2))
    narrower = min(forms, key=lambda form: form.high - form.low)
    low, high = max(form.low for form in forms), min(form.high for form in forms)
    if low > high:  # Seen only at levels no one uses, such as 0.9; either form holds alone.
        return replace(narrower, p_value=min(1.0, 2 * narrower.p_value))
    estimate = min(max(narrower.estimate, low), high)
    return RankShift(estimate, low, high, min(1.0, 2 * min(form.p_value for form in forms)))


def smallest_p(n_base: int, n_head: int, *, paired: bool) -> float:
    """Return the two-sided p-value of fully separated sides: no data of this size gives less."""
    arrangements = 2**n_base if paired else math.comb(n_base + n_head, n_base)
    return min(1.0, 2 / arrangements)


@lru_cache(maxsize=512)
def mann_whitney_cdf(n: int, m: int) -> Array:
    """P(U <= u) for u = 0 ... n*m under exchangeability, for sides of n and m values.

    Mann and Whitney, Ann. Math. Statist. 18 (1947) 50, equation (1), in probabilities.
    """
    if max(n, m) > LARGEST_EXACT:
        spread = math.sqrt(n * m * (n + m + 1) / 12)
        z = (np.arange(n * m + 1) + 0.5 - n * m / 2) / (spread * math.sqrt(2))
        return np.array([0.5 * math.erfc(-value) for value in z])
    row = [np.ones(1) for _ in range(m + 1)]
    for i in range(1, n + 1):
        previous, row = row, [np.ones(1)]
        for j in range(1, m + 1):
            pmf = np.zeros(i * j + 1)
            # The largest of all i + j values is on the first side with probability i / (i + j),
            # and is then above all j values of the other.
            pmf[j:] += previous[j] * (i / (i + j))
            pmf[: i * (j - 1) + 1] += row[j - 1] * (j / (i + j))
            row.append(pmf)
    return np.minimum(1.0, np.cumsum(row[m]))


@lru_cache(maxsize=512)
def signed_rank_cdf(n: int) -> Array:
    """P(T <= t) for t = 0 ... n(n+1)/2 when every sign is a fair coin.

    Wilcoxon, Biometrics Bulletin 1 (1945) 80.
    """
    pmf = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(pmf) + rank)
        longer[: len(pmf)] += pmf / 2
        longer[rank:] += pmf / 2
        pmf = longer
    return np.minimum(1.0, np.cumsum(pmf))


def _from_elementary(shifts: Array, cdf: Array, alpha: float) -> RankShift:
    """Estimate, interval and p-value from the sorted elementary shifts."""
    total = len(shifts)
    middle = total // 2
    estimate = shifts[middle] if total % 2 else (shifts[middle - 1] + shifts[middle]) / 2
    depth = int(np.searchsorted(cdf, alpha / 2, side="right"))  # counts with P(T < count) <= a/2
    low, high = -math.inf, math.inf
    if depth > 0:
        low, high = float(shifts[depth - 1]), float(shifts[total - depth])
    not_above = int(np.searchsorted(shifts, TIE, side="right"))
    not_below = total - int(np.searchsorted(shifts, -TIE, side="left"))
    p_value = min(1.0, 2 * float(cdf[min(not_above, not_below)]))
    return RankShift(float(estimate), low, high, p_value)
