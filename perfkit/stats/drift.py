"""Step or drift: a change must stand out from what the series does between its changes.

A slow movement, cut into levels, leaves two traces. Neighbouring cuts in one direction are
explained as well by one continuous ramp; and between the cuts the series keeps moving, so that
contrasts of block means inside a segment are larger than noise allows (the idea of the Allan
variance: noise as a function of the averaging length). Where either trace shows, a cut remains a
step only if its own short-range contrast is far beyond the contrasts between the cuts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perfkit.stats.noise import CLIP, Noise
from perfkit.stats.pruning import REACH, Split, median

_BLOCKS = (16, 32)
"""Block lengths of the contrasts: short against a slow movement, long against the noise."""
_WANDER = (1.25, 1.35)
"""Ratio of contrasts to noise at which a series is taken to move, per block length; for a series
of 300 still points with three steps these are the upper 5 to 10 %."""
_SLOPE = 1.6
"""The same for the root mean square of the slopes of the segments, in standard errors."""
_NEARLY = 0.85
"""The share of these limits from which on a split that does not stand out casts doubt on others."""
_NEAR = 2
"""How many splits to either side doubt reaches."""
_VISIBLE = 2.25
"""Standard errors, wander included, that the contrast at a step has in a still series: a step
shows within 16 points, not only on the long average."""
_STANDS_OUT = 4.0
"""The same in a moving series."""
_STANDS_OUT_LEFT = 5.5
"""The same where ramps were taken out, which leaves their misfit behind."""
_MEMORY = 0.5
"""By which share of rho (at most 0.5) these demands shrink: with memory, the contrast of 16
points carries less of what the CUSUM saw."""
_RAMP_COST = 3.7
"""Parameters counted for a ramp: two levels, and its two ends, which the fit hardly pins down."""
_SPREAD = 0.4
"""How far those chance ratios reach at rho = 0, for scaling the limits with the memory: contrasts
of a series with memory are fewer in effect, so their mean square varies more."""
_GRID = 13
"""Places tried for either end of a ramp."""
_NARROWEST = 8
"""The least width of a ramp; a change within fewer points is a step."""
_LONGEST_RUN = 8
"""The most splits in one direction that one ramp may replace; bounds the work."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A drift over ``start`` to ``end`` (exclusive), from level ``before`` to ``after``."""

    start: int
    end: int
    before: float
    after: float
    statistic: float
    superiority: float


@dataclass(frozen=True, slots=True)
class _Sums:
    """Running sums of a series y about its mean: plain and weighted by t."""

    plain: NDArray[np.float64]
    timed: NDArray[np.float64]
    mean: float


def _sums(flat: NDArray[np.float64]) -> _Sums:
    mean = float(flat.mean())
    centred = flat - mean
    sums = np.zeros((2, flat.size + 1))
    np.cumsum(centred, out=sums[0, 1:])
    np.cumsum(centred * np.arange(flat.size), out=sums[1, 1:])
    return _Sums(sums[0], sums[1], mean)


@dataclass(frozen=True, slots=True)
class _Motion:
    """How much the series moves around each split, as a multiple of what is taken for motion."""

    evidence: NDArray[np.float64]
    wander: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Separation:
    """The steps among the changes of a series, and the drifts that explain the others.

    ``fitted`` are the ramps that explain their changes as well as steps would; ``wandering``
    are single changes that do not stand out from the movement around them.
    """

    steps: list[Split]
    fitted: list[Ramp]
    wandering: list[Ramp]


def separate_drifts(
    x: NDArray[np.float64], splits: Sequence[Split], noise: Noise, *, moving: bool
) -> Separation:
    """Return which of ``splits`` are steps and which are part of a drift.

    ``splits`` are all the changes of level found in ``x``, in order, at least one. ``moving``
    tells that the series is known to move, so that every step must stand out.
    """
    bounds = [0, *(split.index for split in splits), x.size]
    flat = _winsorise(x, bounds, noise)
    sums = _sums(flat)
    motion = _motion(sums, bounds, noise)
    fitted, free = _ramps(sums, bounds, splits, noise)
    contrast = np.array(
        [_contrast(flat, bounds, i, noise, motion.wander[i]) for i in range(len(splits))]
    )
    contrast /= 1 - _MEMORY * min(noise.rho, 0.5)
    demand = _STANDS_OUT_LEFT if moving else _STANDS_OUT
    strict = (motion.evidence >= 1) | moving
    while True:
        drifting = ~free | (contrast < np.where(strict, demand, _VISIBLE))
        doubtful = strict | _spread(~free | (drifting & (motion.evidence >= _NEARLY)))
        if not (doubtful & ~strict).any():
            break
        strict = doubtful
    steps = [split for split, out in zip(splits, drifting, strict=True) if not out]
    wandering = [
        _between(x, bounds, i, split) for i, split in enumerate(splits) if drifting[i] and free[i]
    ]
    return Separation(steps, fitted, wandering)


def without_ramps(x: NDArray[np.float64], ramps: Sequence[Ramp]) -> NDArray[np.float64]:
    """Return ``x`` with each ramp's rise taken out."""
    level = x.copy()
    t = np.arange(0.5, x.size)
    for ramp in ramps:
        share = np.clip((t - ramp.start) / (ramp.end - ramp.start), 0.0, 1.0)
        level -= (ramp.after - ramp.before) * share
    return level


def _winsorise(x: NDArray[np.float64], bounds: list[int], noise: Noise) -> NDArray[np.float64]:
    limit = CLIP * noise.sigma
    pairs = pairwise(bounds)
    levels = np.repeat([median(x[a:b]) for a, b in pairs], np.diff(bounds))
    return np.minimum(np.maximum(x, levels - limit), levels + limit)


def _motion(sums: _Sums, bounds: list[int], noise: Noise) -> _Motion:
    """Pool the signs of motion over the two segments on either side of each split."""
    edges = np.asarray(bounds)
    splits = edges.size - 2
    first = np.maximum(np.arange(splits) - 1, 0)
    last = np.minimum(np.arange(splits) + 3, splits + 1)

    def pooled(per_segment: NDArray[np.float64]) -> NDArray[np.float64]:
        running = np.concatenate(([0.0], np.cumsum(per_segment)))
        return running[last] - running[first]

    total = sums.plain
    n = total.size - 1
    width = (1 + _SPREAD * math.sqrt((1 + noise.rho) / (1 - noise.rho))) / (1 + _SPREAD)
    evidence = np.zeros(splits)
    wander = np.ones(splits)
    for block, limit in zip(_BLOCKS, _WANDER, strict=True):
        if n < 2 * block:
            continue
        middle = total[block : total.size - block]
        contrast = total[2 * block :] + total[: -2 * block] - 2 * middle
        contrast *= contrast
        squares = np.concatenate(([0.0], np.cumsum(contrast)))
        low = edges[:-1]
        high = np.maximum(edges[1:] - 2 * block + 1, low)
        low, high = np.minimum(low, contrast.size), np.minimum(high, contrast.size)
        count = pooled((high - low).astype(np.float64))
        square = pooled(squares[high] - squares[low])
        enough = count >= block
        ratio = np.ones(splits)
        np.divide(square, count * (2 * block * noise.longrun**2), out=ratio, where=enough)
        np.sqrt(ratio, out=ratio)
        np.maximum(evidence, ratio / limit, out=evidence)
        if block == _BLOCKS[0]:
            np.maximum(wander, ratio, out=wander)
    size = np.diff(edges).astype(np.float64)
    centre = (edges[:-1] + edges[1:] - 1) / 2
    cross = np.diff(sums.timed[edges]) - centre * np.diff(total[edges])
    spread = size * (size * size - 1) / 12
    usable = size >= 2 * _BLOCKS[0] / 4
    slope = np.where(usable, cross * cross / spread, 0.0) / noise.longrun**2
    count = np.maximum(pooled(usable.astype(np.float64)), 1.0)
    np.maximum(evidence, np.sqrt(pooled(slope) / count) / _SLOPE, out=evidence)
    return _Motion(evidence / width, wander)


def _spread(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what lies within _NEAR places of a marked place."""
    count = np.concatenate(([0], np.cumsum(marked)))
    place = np.arange(marked.size)
    last = np.minimum(place + _NEAR + 1, marked.size)
    return count[last] > count[np.maximum(place - _NEAR, 0)]


def _contrast(
    flat: NDArray[np.float64], bounds: list[int], i: int, noise: Noise, wander: float
) -> float:
    """Return the contrast of the blocks on either side of split ``i`` in standard errors."""
    at = bounds[i + 1]
    left = flat[max(bounds[i], at - _BLOCKS[0]) : at]
    right = flat[at : min(bounds[i + 2], at + _BLOCKS[0])]
    error = noise.longrun * wander * (1 / left.size + 1 / right.size) ** 0.5
    return float(abs(right.sum() / right.size - left.sum() / left.size) / error)


def _ramps(
    sums: _Sums,
    bounds: list[int],
    splits: Sequence[Split],
    noise: Noise,
) -> tuple[list[Ramp], NDArray[np.bool_]]:
    """Return the ramps that explain runs of splits in one direction, longest runs first.

    The second value tells which splits no ramp explains. Steps and ramp are compared by squared
    loss and BIC: 2 m + 1 parameters for m steps, _RAMP_COST for a ramp.
    """
    free = np.ones(len(splits), dtype=bool)
    ramps = []
    for i, j in _runs(splits):
        if not free[i : j + 1].all():
            continue
        low = max(bounds[i], bounds[i + 1] - REACH)
        high = min(bounds[j + 2], bounds[j + 1] + REACH)
        edges = np.array([low, *bounds[i + 1 : j + 2], high])
        levels = np.diff(sums.plain[edges])
        by_steps = float((levels * levels / np.diff(edges)).sum())
        by_ramp, ramp = _fit_ramp(sums, low, high, bounds[i + 1], bounds[j + 1])
        spared = 2 * (j - i + 1) + 1 - _RAMP_COST
        if (by_ramp - by_steps) / noise.longrun**2 + spared * math.log(high - low) > 0:
            free[i : j + 1] = False
            best = max(splits[i : j + 1], key=lambda split: split.statistic)
            ramps.append(Ramp(*ramp, best.statistic, best.superiority))
    return ramps, free


def _runs(splits: Sequence[Split]) -> list[tuple[int, int]]:
    """Return the (first, last) of all runs of splits in one direction, the longest first."""
    up = [split.rises for split in splits]
    found = []
    for i in range(len(up)):
        for j in range(i, min(i + _LONGEST_RUN, len(up))):
            if up[j] != up[i]:
                break
            found.append((i, j))
    return sorted(found, key=lambda run: run[0] - run[1])


@lru_cache(maxsize=1)
def _unit_grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the relative places of ramp starts and ends, all pairs."""
    line = np.linspace(0, 1, _GRID)
    return np.repeat(line, _GRID), np.tile(line, _GRID)


def _fit_ramp(
    sums: _Sums, low: int, high: int, first: int, last: int
) -> tuple[float, tuple[int, int, float, float]]:
    """Return the best level-ramp-level curve through the points ``low`` to ``high``.

    The ramp starts between ``low`` and ``first`` and ends between ``last`` and ``high``. The
    first value is the sum of squares the curve explains beyond the zero line of ``sums``; then
    come the start, the end and the levels before and after. With C and T the running sums of y
    and t y, the ramp shape phi over s to e has sum(phi y) = (T - (s - 1/2) C over s..e) / (e - s)
    plus C over e..high, so that no pass over the points is needed.
    """
    from_start, to_end = _unit_grid()
    start = low + (from_start * (first - low)).astype(np.intp)
    end = high - (to_end * (high - last)).astype(np.intp)
    width = np.maximum(end - start, 1)
    plain, timed = sums.plain, sums.timed
    after = high - end
    n = high - low
    total = float(plain[high] - plain[low])
    cross = (timed[end] - timed[start] - (start - 0.5) * (plain[end] - plain[start])) / width
    cross += plain[high] - plain[end]
    weight = width / 2 + after
    spread = width / 3 - 1 / (12 * width) + after - weight * weight / n
    cross -= weight * (total / n)
    rise = cross / spread
    explained = np.where(width >= min(_NARROWEST, n), cross * rise, -math.inf)
    best = int(explained.argmax())
    before = sums.mean + total / n - float(rise[best] * weight[best]) / n
    curve = (int(start[best]), int(end[best]), before, before + float(rise[best]))
    return float(explained[best]) + total * total / n, curve


def _between(x: NDArray[np.float64], bounds: list[int], i: int, split: Split) -> Ramp:
    """Return split ``i`` as a drift from the middle of the segment before to that after."""
    a, at, b = bounds[i : i + 3]
    return Ramp(
        (a + at) // 2,
        (at + b) // 2,
        median(x[a:at]),
        median(x[at:b]),
        split.statistic,
        split.superiority,
    )


def join_ramps(ramps: Sequence[Ramp]) -> list[Ramp]:
    """Return the drifts in order, those in one direction that touch or overlap as one."""
    joined: list[Ramp] = []
    for ramp in sorted(ramps, key=lambda ramp: (ramp.start, ramp.end)):
        if joined:
            before = joined[-1]
            same = (ramp.after > ramp.before) == (before.after > before.before)
            if same and ramp.start <= before.end:
                joined[-1] = Ramp(
                    before.start,
                    max(ramp.end, before.end),
                    before.before,
                    ramp.after,
                    max(ramp.statistic, before.statistic),
                    max(ramp.superiority, before.superiority),
                )
                continue
        joined.append(ramp)
    return joined
