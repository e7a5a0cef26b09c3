"""Tails: the ratio of a high quantile, with an interval by bootstrap over processes.

A location test is blind to "2 % of the calls became five times slower"; the 99th percentile is
not. Values within a process depend on each other, so whole processes are drawn, with replacement,
and each keeps its own values: of the hierarchical schemes this one reproduces the variance between
and within processes (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section
3.8). Percentile intervals from few processes are too narrow; deviations are widened as Hesterberg
(The American Statistician 69 (2015) 371) widens percentiles.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfkit.errors import UsageError
from perfkit.model import Shift
from perfkit.stats.hodges_lehmann import Array, RankShift, smallest_p
from perfkit.stats.sides import Better, Sides, Values
from perfkit.stats.two_sample import Design, check_levels, check_rounds, judge

RESAMPLES = 2000
"""Bootstrap resamples; the bounds of a 99 % interval then rest on the 10 outermost."""

TAIL_VALUES = 5
"""Values that must lie beyond the quantile on each side: the bootstrap does not work for extremes,
and a quantile that rests on fewer values is one."""


def compare_quantiles(
    base: Values,
    head: Values,
    *,
    quantile: float = 0.95,
    design: Design = "interleaved",
    floor: float = 0.05,
    alpha: float = 0.01,
    better: Better = "lower",
    steady: bool = False,
    seed: int = 0,
) -> Shift:
    """Return how far the ``quantile`` of all values of ``head`` lies from that of ``base``.

    Sides are as for :func:`perfkit.stats.compare_samples`, best with many values per process.
    The quantile counts from the better end, so 0.99 is the slow tail of a time. Verdicts follow
    the rules of ``compare_samples``, with a bootstrap interval at ``1 - alpha`` (rounds are drawn
    together under the interleaved design). With too few processes for any rank test to reach
    ``alpha``, or fewer than 5 values beyond the quantile, the interval is unbounded and the verdict
    INCONCLUSIVE. ``steady`` is that of ``compare_samples``. ``seed`` fixes the resampling; the same
    input gives the same answer.

    Raises:
        UsageError: as ``compare_samples`` does, and for a quantile outside (0, 1).
    """
    check_levels(floor=floor, alpha=alpha)
    if not 0 < quantile < 1:
        raise UsageError(f"the quantile is {quantile}; wanted a number between 0 and 1, as 0.95")
    sides = Sides.of(base, head, floor=floor, better=better, quantile=quantile)
    check_rounds(sides, design)
    from_below = quantile if better == "lower" else 1 - quantile
    before, after = _Pool.of(base, sides), _Pool.of(head, sides)
    estimate = float(
        after.quantiles(np.ones((1, after.processes)), from_below)[0]
        - before.quantiles(np.ones((1, before.processes)), from_below)[0]
    )
    tail = (1 - quantile) * min(len(before.values), len(after.values))
    enough_processes = smallest_p(before.processes, after.processes, paired=False) <= alpha
    if tail >= TAIL_VALUES and enough_processes:
        random = np.random.default_rng(seed)
        drawn = _draw(before.processes, random)
        other = drawn if design == "interleaved" else _draw(after.processes, random)
        resampled = after.quantiles(other, from_below) - before.quantiles(drawn, from_below)
        rank = _interval(estimate, resampled, min(before.processes, after.processes), alpha)
    else:
        rank = RankShift(estimate, -math.inf, math.inf, 1.0)
    return judge(
        sides,
        rank,
        rank.p_value,
        design=design,
        floor=floor,
        alpha=alpha,
        confidence=1 - alpha,
        steady=steady,
        notes=(
            (f"{tail:.1f} values beyond the quantile; wanted {TAIL_VALUES}",)
            if tail < TAIL_VALUES
            else ()
        ),
    )


@dataclass(frozen=True, slots=True)
class _Pool:
    """All values of a side, ascending, and the process each came from; shapes (values,)."""

    values: Array
    owners: NDArray[np.int64]
    processes: int

    @classmethod
    def of(cls, side: Values, sides: Sides) -> "_Pool":
        processes = [np.atleast_1d(np.asarray(process, dtype=float)) for process in side]
        values = np.concatenate(processes)
        owners = np.repeat(np.arange(len(processes)), [len(process) for process in processes])
        order = np.argsort(values, kind="stable")
        ascending = np.log(values[order]) if sides.scale == "log" else values[order]
        return cls(ascending, owners[order], len(processes))

    def quantiles(self, counts: Array, quantile: float) -> Array:
        """Return one quantile a row of ``counts``, how often each process was drawn.

        The value is the smallest with at least the share ``quantile`` of the weight at or below.
        """
        found = np.empty(len(counts))
        for index, row in enumerate(counts):
            weight = np.cumsum(row[self.owners])
            place = np.searchsorted(weight, quantile * weight[-1] * (1 - 1e-12))
            found[index] = self.values[place]
        return found


def _draw(processes: int, random: np.random.Generator) -> Array:
    """How often each process is drawn, shape (RESAMPLES, processes)."""
    shares = np.full(processes, 1 / processes)
    return random.multinomial(processes, shares, size=RESAMPLES).astype(float)


def _interval(estimate: float, resampled: Array, processes: int, alpha: float) -> RankShift:
    """Widened percentile interval and its p-value, from resampled differences."""
    from scipy.special import ndtri, stdtrit

    narrow = -ndtri(alpha / 2)
    wide = math.sqrt(processes / (processes - 1)) * -stdtrit(processes - 1, alpha / 2)
    shifts = np.sort(estimate + (resampled - estimate) * wide / narrow)
    low, high = np.quantile(shifts, [alpha / 2, 1 - alpha / 2])
    against = min(np.count_nonzero(shifts <= 0), np.count_nonzero(shifts >= 0))
    p_value = min(1.0, 2 * (1 + against) / (1 + RESAMPLES))
    return RankShift(estimate, min(float(low), estimate), max(float(high), estimate), p_value)
