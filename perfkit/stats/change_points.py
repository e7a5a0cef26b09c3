"""Change points of a benchmark's history: steps, which alarm, and drifts, which do not."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perfkit.errors import UsageError
from perfkit.model import Interval
from perfkit.stats.drift import Ramp, join_ramps, separate_drifts, without_ramps
from perfkit.stats.noise import Noise, estimate_noise
from perfkit.stats.pruning import Rule, Split, median, settle
from perfkit.stats.segmentation import SHORTEST, candidates
from perfkit.stats.sizing import Scale, drift_interval, ratio_interval, step_interval
from perfkit.stats.thresholds import critical_value, p_value

LARGEST_ALPHA = 0.2
"""The highest false alarm rate the threshold table covers."""

_CANDIDATE = 0.75
"""Share of the threshold at which an interval proposes a candidate. The seeded intervals seldom
fit a level; the change is tested at the full threshold on the whole levels at its sides."""
_SUPERIORITY = 0.7
"""The least probability that a value from the higher side exceeds one from the lower: a change of
0.74 sigma under normal noise. What is smaller cannot be seen in any single measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """One change of level, located, sized and dated.

    ``index`` counts the values as given, gaps included. For a ``step`` it is the first point of
    the new level, and ``end`` equals it; a ``drift`` goes from ``index`` to ``end`` (exclusive).
    ``before`` and ``after`` are levels in the unit of the values: medians of the neighbouring
    segments for a step, the fitted ends for a drift. ``ratio`` is after / before with its
    interval (it does not account for having searched for the place); None where ``before`` is
    zero or the two have different signs. A drift whose interval holds 1 is none. ``p_value`` is
    the probability that a change-free series of this length and memory shows a CUSUM this large
    anywhere. ``superiority`` is the probability that a value from the higher side exceeds one
    from the lower.
    """

    index: int
    end: int
    kind: Literal["step", "drift"]
    before: float
    after: float
    ratio: Interval | None
    p_value: float
    superiority: float
    n_before: int
    n_after: int
    scale: Scale = "log"

    @property
    def is_alarm(self) -> bool:
        """Whether this is a step; a drift is reported and never alarms."""
        return self.kind == "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesAnalysis:
    """All that was learnt about one series.

    ``sigma`` is the noise of one value and ``rho`` the correlation of neighbours; ``sigma`` is
    relative (a standard deviation of natural logs) on the log scale and in the unit of the values
    on the linear scale. ``level`` is the median since the last change, None without values.
    ``notes`` say what the reader must know: gaps, a linear scale, too few points.
    """

    change_points: tuple[ChangePoint, ...]
    n: int
    gaps: int
    level: float | None
    sigma: float
    rho: float
    scale: Scale
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[ChangePoint, ...]:
        """The change points that alarm."""
        return tuple(change for change in self.change_points if change.is_alarm)


def find_change_points(
    values: ArrayLike,
    *,
    alpha: float = 0.01,
    min_effect: float = 0.01,
    min_stay: int = 20,
    confidence: float = 0.95,
) -> list[ChangePoint]:
    """Return the change points of ``values``, in order.

    The arguments and errors are those of :func:`analyze_series`, which also returns notes.
    """
    analysis = analyze_series(
        values, alpha=alpha, min_effect=min_effect, min_stay=min_stay, confidence=confidence
    )
    return list(analysis.change_points)


def analyze_series(
    values: ArrayLike,
    *,
    alpha: float = 0.01,
    min_effect: float = 0.01,
    min_stay: int = 20,
    confidence: float = 0.95,
) -> SeriesAnalysis:
    """Return the change points of one series together with its noise, level and notes.

    Args:
        values: one number per commit, in commit order; NaN or None is a gap. Compared on the log
            scale, or on the linear scale when a value is zero or negative.
        alpha: the probability that a change-free series raises any alarm, in (0, 0.2].
        min_effect: the least relative change of level that is reported; 0.01 is one per cent.
        min_stay: a level that lasts fewer points and goes back to the one before is an excursion
            and is not reported; 0 reports it.
        confidence: of the intervals of the ratios, in (0, 1).

    Raises:
        UsageError: ``values`` is not a series of numbers, holds an infinite value, or a parameter
            lies outside its range.
    """
    _check(alpha, min_effect, min_stay, confidence)
    given = as_series(values)
    present = np.isfinite(given)
    gaps = given.size - int(present.sum())
    y = given[present] if gaps else given
    linear = bool(y.size) and float(y.min()) <= 0
    scale: Scale = "linear" if linear else "log"
    notes = []
    if gaps:
        notes.append(f"{gaps} of {given.size} points have no value and are passed over")
    if linear:
        notes.append("values at or below zero: compared on the linear scale")
    if y.size < 2 * SHORTEST:
        notes.append(f"too few values to see a change: {y.size} of the {2 * SHORTEST} needed")
    unit = math.ldexp(1.0, math.frexp(float(np.abs(y).max()))[1] - 1) if linear else 1.0
    x = y / unit if linear else np.log(y)
    noise = estimate_noise(x) if x.size > 1 else Noise(0.0, 0.0)
    changes: list[ChangePoint] = []
    if noise.sigma > 0 and x.size >= 2 * SHORTEST:
        rule = Rule(
            threshold=critical_value(x.size, noise.rho, alpha),
            min_effect=min_effect,
            superiority=_SUPERIORITY,
            linear=linear,
            min_stay=min_stay,
        )
        steps, ramps = _detect(x, noise, rule)
        if steps or ramps:
            changes = _describe(
                y,
                x,
                steps,
                ramps,
                unit=unit,
                noise=noise,
                scale=scale,
                confidence=confidence,
            )
    since = y[max((change.end for change in changes), default=0) :]
    if gaps:
        changes = [_with_gaps(change, present) for change in changes]
    return SeriesAnalysis(
        change_points=tuple(changes),
        n=y.size,
        gaps=gaps,
        level=median(since if since.size else y) if y.size else None,
        sigma=noise.sigma * unit,
        rho=noise.rho,
        scale=scale,
        notes=tuple(notes),
    )


def analyze_many(
    series: Iterable[ArrayLike],
    *,
    alpha: float = 0.01,
    min_effect: float = 0.01,
    min_stay: int = 20,
    confidence: float = 0.95,
    jobs: int = 1,
) -> list[SeriesAnalysis]:
    """Return the analysis of each series, in order; the rows of a matrix or any iterable.

    Lengths may differ. Interval weights and thresholds are shared by all series of a process.
    ``jobs`` processes work at once; they are spawned, so a script that asks for more than one
    needs the usual ``if __name__ == "__main__"``. The other arguments and the errors are those of
    :func:`analyze_series`.
    """
    analyze = partial(
        analyze_series, alpha=alpha, min_effect=min_effect, min_stay=min_stay, confidence=confidence
    )
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1, found {jobs}: give a number of processes")
    if jobs == 1:
        return [analyze(values) for values in series]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    rows = list(series)
    chunk = max(1, math.ceil(len(rows) / (4 * jobs)))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(analyze, rows, chunksize=chunk))


def _check(alpha: float, min_effect: float, min_stay: int, confidence: float) -> None:
    if not 0 < alpha <= LARGEST_ALPHA:
        raise UsageError(f"alpha must lie in (0, {LARGEST_ALPHA}], found {alpha}: 0.01 is usual")
    if not 0 <= min_effect < math.inf:
        raise UsageError(
            f"min_effect must be zero or more, found {min_effect}: 0.01 is one per cent"
        )
    if min_stay < 0:
        raise UsageError(f"min_stay must be zero or more points, found {min_stay}: 20 is usual")
    if not 0 < confidence < 1:
        raise UsageError(f"confidence must lie in (0, 1), found {confidence}: 0.95 is usual")


def as_series(values: ArrayLike) -> NDArray[np.float64]:
    """Return ``values`` as a vector, None as NaN; UsageError where it is no series."""
    try:
        given = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"a series must hold numbers only: {error}") from error
    if given.ndim != 1:
        raise UsageError(
            f"a series must have one dimension, found {given.ndim}: give one number per commit"
        )
    if np.isinf(given).any():
        place = int(np.flatnonzero(np.isinf(given))[0])
        raise UsageError(
            f"value {place} of the series is {given[place]}: a measurement is finite; "
            "remove the point or give NaN for a gap"
        )
    return given


def _detect(x: NDArray[np.float64], noise: Noise, rule: Rule) -> tuple[list[Split], list[Ramp]]:
    """Return steps and drifts of ``x``; where ramps are found, steps are sought on what is left."""
    splits = settle(x, candidates(x, noise, _CANDIDATE * rule.threshold), noise, rule)
    if not splits:
        return [], []
    found = separate_drifts(x, splits, noise, moving=False)
    ramps = found.fitted
    if ramps:
        level = without_ramps(x, ramps)
        splits = settle(level, candidates(level, noise, _CANDIDATE * rule.threshold), noise, rule)
        if not splits:
            return [], _reported(ramps, rule)
        found = separate_drifts(level, splits, noise, moving=True)
        ramps = ramps + found.fitted
    return found.steps, _reported(ramps + found.wandering, rule)


def _reported(ramps: list[Ramp], rule: Rule) -> list[Ramp]:
    return [ramp for ramp in join_ramps(ramps) if rule.large(ramp.before, ramp.after)]


def _with_gaps(change: ChangePoint, present: NDArray[np.bool_]) -> ChangePoint:
    """Return ``change`` with its indices counted in the values as given."""
    where = np.flatnonzero(present)
    end = int(where[change.end]) if change.end < where.size else present.size
    index = int(where[change.index])
    return replace(change, index=index, end=index if change.kind == "step" else end)


def _describe(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    steps: Sequence[Split],
    ramps: Sequence[Ramp],
    *,
    unit: float,
    noise: Noise,
    scale: Scale,
    confidence: float,
) -> list[ChangePoint]:
    """Return the public values, in order; indices count the present values ``y``."""
    ends = {end for ramp in ramps for end in (ramp.start, ramp.end)}
    edges = sorted({0, x.size, *(step.index for step in steps), *ends})
    found = []
    for step in steps:
        at = edges.index(step.index)
        left, right = slice(edges[at - 1], step.index), slice(step.index, edges[at + 1])
        before, after = median(y[left]), median(y[right])
        below, above = step_interval(x[left], x[right], noise, confidence)
        found.append(
            ChangePoint(
                index=step.index,
                end=step.index,
                kind="step",
                before=before,
                after=after,
                ratio=ratio_interval(
                    before, after, (below * unit, above * unit), scale, confidence
                ),
                p_value=p_value(step.statistic, x.size, noise.rho),
                superiority=step.superiority,
                n_before=left.stop - left.start,
                n_after=right.stop - right.start,
                scale=scale,
            )
        )
    for ramp in ramps:
        before, after = (
            (math.exp(ramp.before), math.exp(ramp.after))
            if scale == "log"
            else (ramp.before * unit, ramp.after * unit)
        )
        reach = drift_interval(ramp.end - ramp.start, noise, confidence) * unit
        ratio = ratio_interval(before, after, (reach, reach), scale, confidence)
        if ratio is not None and ratio.low <= 1 <= ratio.high:
            continue  # a movement whose ends cannot be told apart is none that anyone could act on
        found.append(
            ChangePoint(
                index=ramp.start,
                end=ramp.end,
                kind="drift",
                before=before,
                after=after,
                ratio=ratio,
                p_value=p_value(ramp.statistic, x.size, noise.rho),
                superiority=ramp.superiority,
                n_before=ramp.start - max((e for e in edges if e < ramp.start), default=0),
                n_after=min((e for e in edges if e > ramp.end), default=x.size) - ramp.end,
                scale=scale,
            )
        )
    return sorted(found, key=lambda change: (change.index, change.end))
