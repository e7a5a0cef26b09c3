"""Seeded binary segmentation: the clipped CUSUM over O(n log n) interval points.

Seeded intervals after Kovacs, Buhlmann, Li and Munk (Biometrika 110, 2023); the narrowest
interval over the threshold decides, after Baranowski, Chen and Fryzlewicz (JRSS B 81, 2019).
"""

import bisect
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perfkit.stats.noise import CLIP, Noise

SHORTEST = 3
"""The least number of points on either side of a change: one outlier or two are never one."""

_FIRST_LENGTH = 8
_LAST_LENGTH = 1024
"""A change worth reporting separates its sides with probability 0.75, about one sigma; 1024
points show that at rho = 0.8, so longer intervals add cost and drift but no power."""


class Weights(NamedTuple):
    """What the CUSUM of an interval of one length needs, shared by all series."""

    fraction: NDArray[np.float64]
    weight: NDArray[np.float64]


@lru_cache(maxsize=4096)
def cusum_weights(length: int) -> Weights:
    """Return k / L and sqrt(L / (k (L - k))) for the admissible splits of ``length`` points."""
    k = np.arange(SHORTEST, length - SHORTEST + 1, dtype=np.float64)
    return Weights(k / length, np.sqrt(length / (k * (length - k))))


@lru_cache(maxsize=4096)
def interval_lengths(n: int) -> tuple[int, ...]:
    """Return the lengths of the seeded intervals of a series of ``n`` points, ascending."""
    if n < 2 * SHORTEST:
        return ()
    longest = min(n, _LAST_LENGTH)
    lengths = [_FIRST_LENGTH << i for i in range(32) if _FIRST_LENGTH << i <= longest]
    if not lengths or lengths[-1] < longest:
        lengths.append(longest)
    return tuple(lengths)


def _rows(x: NDArray[np.float64], length: int) -> tuple[NDArray[np.float64], int]:
    """Return the half-overlapping intervals of ``length`` as rows, and the shift between them.

    The last row is the last ``length`` points, so that the newest points are always at an end.
    """
    n = x.size
    if length == n:
        return x[np.newaxis, :], n
    half = length // 2
    blocks = x[: n // half * half].reshape(-1, half)
    parts = [np.concatenate((blocks[:-1], blocks[1:]), axis=1)]
    if n % half:
        parts.append(x[np.newaxis, n - length :])
        return np.concatenate(parts), half
    return parts[0], half


def cusum(rows: NDArray[np.float64], noise: Noise) -> NDArray[np.float64]:
    """Return |CUSUM| of each row at splits SHORTEST .. L - SHORTEST, in long-run sigmas.

    Each row is centred on its median and clipped at ``CLIP`` sigma (Huber's score), so that what
    an outlier can contribute is bounded while a step of any size still shows.
    """
    length = rows.shape[1]
    fraction, weight = cusum_weights(length)
    middle = length // 2
    centre = np.partition(rows, middle, axis=1)[:, middle]
    scores = rows - centre[:, np.newaxis]
    limit = CLIP * noise.sigma
    np.minimum(scores, limit, out=scores)
    np.maximum(scores, -limit, out=scores)
    np.cumsum(scores, axis=1, out=scores)
    statistic = scores[:, -1:] * fraction
    np.subtract(scores[:, SHORTEST - 1 : length - SHORTEST], statistic, out=statistic)
    statistic *= weight / noise.longrun
    return np.abs(statistic, out=statistic)


def strongest(x: NDArray[np.float64], noise: Noise) -> float:
    """Return the maximum of the CUSUM over all seeded intervals of ``x``; 0 where none fits."""
    return max(
        (float(cusum(_rows(x, length)[0], noise).max()) for length in interval_lengths(x.size)),
        default=0.0,
    )


def candidates(x: NDArray[np.float64], noise: Noise, threshold: float) -> list[int]:
    """Return the sorted indices where a new level may begin, one per interval over ``threshold``.

    Within a length the strongest interval goes first; ties go to the earlier interval and split.
    An interval that holds an accepted index says nothing new and is passed over.
    """
    accepted: list[int] = []
    n = x.size
    for length in interval_lengths(n):
        rows, shift = _rows(x, length)
        statistic = cusum(rows, noise)
        best = statistic.max(axis=1)
        over = np.flatnonzero(best >= threshold)
        if not over.size:
            continue
        splits = statistic[over].argmax(axis=1) + SHORTEST
        starts = np.minimum(over * shift, n - length)
        order = np.argsort(-best[over], kind="stable")
        for start, split in zip(starts[order].tolist(), splits[order].tolist(), strict=True):
            place = bisect.bisect_right(accepted, start)
            if place < len(accepted) and accepted[place] < start + length:
                continue
            bisect.insort(accepted, start + split)
    return accepted
