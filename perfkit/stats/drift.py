"""Step or drift: a change must stand out from what the series does between its changes.

A slow movement, cut into levels, leaves two traces. Neighbouring cuts in one direction are
explained as well by one continuous ramp; and between the cuts the series keeps moving, so that
contrasts of block means inside a segment are larger than noise allows (the idea of the Allan
variance: noise as a function of the averaging length). Where either trace shows, a cut remains a
step only if its own short-range contrast is far beyond the contrasts between the cuts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perfkit.stats.noise import CLIP, Noise
from perfkit.stats.pruning import REACH, Rule, Split, median

_BLOCKS = (16, 32)
"""Block lengths of the contrasts: short against a slow movement, long against the noise."""
_WANDER = (1.25, 1.35)
"""Ratio of contrasts to noise at which a series is taken to move, per block length; for a series
of 300 still points with three steps these are the upper 5 to 10 %."""
_SLOPE = 1.6
"""The same for the root mean square of the slopes of the segments, in standard errors."""
_STANDS_OUT = 4.2
"""How many standard errors, wander included, the contrast at a step has in a moving series."""
_SUSPICION = 0.8
"""Share of the above from which on a ramp is tried at all; saves time on still series."""
_GRID = 9
"""Places tried for either end of a ramp."""
_NARROWEST = 8
"""The least width of a ramp; a change within fewer points is a step."""


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
class _Motion:
    """How much the series moves around each split, as a multiple of what is taken for motion."""

    evidence: NDArray[np.float64]
    wander: NDArray[np.float64]


def separate_drifts(
    x: NDArray[np.float64], splits: Sequence[Split], noise: Noise, rule: Rule
) -> tuple[list[Split], list[Ramp]]:
    """Return the splits that are steps, and the drifts that explain the others.

    ``splits`` are all the changes of level found in ``x``, in order, at least one. A drift too
    small for ``rule`` is not reported.
    """
    bounds = [0, *(split.index for split in splits), x.size]
    flat = _winsorise(x, bounds, noise)
    motion = _motion(flat, bounds, noise)
    fitted, free = _ramps(flat, bounds, splits, noise, motion)
    steps: list[Split] = []
    left_over: list[Ramp] = []
    for i, split in enumerate(splits):
        if not free[i]:
            continue
        near_ramp = not all(free[max(0, i - 2) : i + 3])
        moving = near_ramp or motion.evidence[i] >= 1
        if not moving or _contrast(flat, bounds, i, noise, motion.wander[i]) >= _STANDS_OUT:
            steps.append(split)
        else:
            left_over.append(_between(x, bounds, i, split))
    ramps = _join(sorted([*fitted, *left_over], key=lambda ramp: ramp.start))
    return steps, [ramp for ramp in ramps if rule.large(ramp.before, ramp.after)]


def _winsorise(x: NDArray[np.float64], bounds: list[int], noise: Noise) -> NDArray[np.float64]:
    limit = CLIP * noise.sigma
    pairs = pairwise(bounds)
    levels = np.repeat([median(x[a:b]) for a, b in pairs], np.diff(bounds))
    return np.minimum(np.maximum(x, levels - limit), levels + limit)


def _motion(flat: NDArray[np.float64], bounds: list[int], noise: Noise) -> _Motion:
    """Pool the signs of motion over the two segments on either side of each split."""
    edges = np.asarray(bounds)
    splits = edges.size - 2
    first = np.maximum(np.arange(splits) - 1, 0)
    last = np.minimum(np.arange(splits) + 3, splits + 1)

    def pooled(per_segment: NDArray[np.float64]) -> NDArray[np.float64]:
        running = np.concatenate(([0.0], np.cumsum(per_segment)))
        return running[last] - running[first]

    centred = flat - flat.mean()
    total = np.concatenate(([0.0], np.cumsum(centred)))
    evidence = np.zeros(splits)
    wander = np.ones(splits)
    for block, limit in zip(_BLOCKS, _WANDER, strict=True):
        if flat.size < 2 * block:
            continue
        middle = total[block : total.size - block]
        contrast = total[2 * block :] + total[: -2 * block] - 2 * middle
        contrast *= contrast
        sums = np.concatenate(([0.0], np.cumsum(contrast)))
        low = edges[:-1]
        high = np.maximum(edges[1:] - 2 * block + 1, low)
        low, high = np.minimum(low, contrast.size), np.minimum(high, contrast.size)
        count = pooled((high - low).astype(np.float64))
        square = pooled(sums[high] - sums[low])
        enough = count >= block
        ratio = np.ones(splits)
        np.divide(square, count * (2 * block * noise.longrun**2), out=ratio, where=enough)
        np.sqrt(ratio, out=ratio)
        np.maximum(evidence, ratio / limit, out=evidence)
        if block == _BLOCKS[0]:
            np.maximum(wander, ratio, out=wander)
    moments = np.concatenate(([0.0], np.cumsum(centred * np.arange(flat.size))))
    size = np.diff(edges).astype(np.float64)
    centre = (edges[:-1] + edges[1:] - 1) / 2
    cross = np.diff(moments[edges]) - centre * np.diff(total[edges])
    spread = size * (size * size - 1) / 12
    usable = size >= 2 * _BLOCKS[0] / 4
    slope = np.where(usable, cross * cross / spread, 0.0) / noise.longrun**2
    count = np.maximum(pooled(usable.astype(np.float64)), 1.0)
    np.maximum(evidence, np.sqrt(pooled(slope) / count) / _SLOPE, out=evidence)
    return _Motion(evidence, wander)


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
    flat: NDArray[np.float64],
    bounds: list[int],
    splits: Sequence[Split],
    noise: Noise,
    motion: _Motion,
) -> tuple[list[Ramp], list[bool]]:
    """Return the ramps that explain runs of splits in one direction, longest runs first.

    The second value tells which splits no ramp explains. Steps and ramp are compared by
    truncated squared loss and BIC: 2 m + 1 parameters for m steps, 4 for a ramp.
    """
    free = [True] * len(splits)
    ramps = []
    for i, j in _runs(splits):
        if not all(free[i : j + 1]) or motion.evidence[i : j + 1].max() < _SUSPICION:
            continue
        low = max(bounds[i], bounds[i + 1] - REACH)
        high = min(bounds[j + 2], bounds[j + 1] + REACH)
        edges = [low, *bounds[i + 1 : j + 2], high]
        loss, start, end, before, after = _fit_ramp(
            flat[low:high], edges[1] - low, edges[-2] - low, CLIP * noise.sigma
        )
        steps_loss = sum(
            _truncated(flat[a:b] - flat[a:b].mean(), CLIP * noise.sigma) for a, b in pairwise(edges)
        )
        spared = 2 * (j - i + 1) + 1 - 4
        if (steps_loss - loss) / noise.longrun**2 + spared * np.log(high - low) > 0:
            free[i : j + 1] = [False] * (j - i + 1)
            best = max(splits[i : j + 1], key=lambda split: split.statistic)
            ramps.append(
                Ramp(low + start, low + end, before, after, best.statistic, best.superiority)
            )
    return ramps, free


_LONGEST_RUN = 8


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


def _truncated(residual: NDArray[np.float64], limit: float) -> float:
    return float(np.minimum(residual * residual, limit * limit).sum())


def _fit_ramp(
    y: NDArray[np.float64], first: int, last: int, limit: float
) -> tuple[float, int, int, float, float]:
    """Return loss, start, end, and the levels of the best level-ramp-level curve through ``y``.

    The ramp starts at or before ``first`` and ends at or after ``last``.
    """
    n = y.size
    starts = np.unique(np.linspace(0, first, _GRID).astype(np.intp))
    ends = np.unique(np.linspace(last, n, _GRID).astype(np.intp))
    start, end = (grid.ravel() for grid in np.meshgrid(starts, ends, indexing="ij"))
    wide = end - start >= min(_NARROWEST, n)
    start, end = start[wide], end[wide]
    shape = (np.arange(0.5, n) - start[:, np.newaxis]) / (end - start)[:, np.newaxis]
    np.minimum(shape, 1.0, out=shape)
    np.maximum(shape, 0.0, out=shape)
    mean = shape.mean(axis=1, keepdims=True)
    shape -= mean
    level = y.mean()
    rise = (shape * (y - level)).sum(axis=1) / (shape * shape).sum(axis=1)
    residual = (y - level) - rise[:, np.newaxis] * shape
    residual *= residual
    loss = np.minimum(residual, limit * limit, out=residual).sum(axis=1)
    best = int(loss.argmin())
    before = float(level - rise[best] * mean[best, 0])
    return float(loss[best]), int(start[best]), int(end[best]), before, before + float(rise[best])


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


def _join(ramps: list[Ramp]) -> list[Ramp]:
    """Join neighbouring drifts in one direction where they touch or overlap."""
    joined: list[Ramp] = []
    for ramp in ramps:
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
