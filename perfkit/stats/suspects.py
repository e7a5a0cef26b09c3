"""The newest points of a history: what is worth measuring again. A suspect is not an alarm."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perfkit.errors import UsageError
from perfkit.stats.change_points import analyze_series, as_series
from perfkit.stats.noise import CLIP, Noise, estimate_noise
from perfkit.stats.pruning import Rule, median
from perfkit.stats.segmentation import SHORTEST
from perfkit.stats.thresholds import critical_value

_REFERENCE = 50
"""Points of the present level that the newest are held against."""
_PATIENCE = 50
"""The most confirmations worth asking for."""
_ALARM_ALPHA = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """The newest values, from ``index`` on, look like a new level: measure again.

    ``index`` counts the values as given, gaps included. ``before`` is the median of the present
    level, ``after`` the median since ``index``, in the unit of the values. ``statistic`` is in
    standard errors, each value counting for at most three sigma. ``confirmations`` is how many
    further values at the same level :func:`~perfkit.stats.find_change_points` needs for an alarm;
    None if more than 50.
    """

    index: int
    before: float
    after: float
    statistic: float
    confirmations: int | None


def suspects(
    values: ArrayLike, *, newest: int = 5, alpha: float = 0.01, min_effect: float = 0.01
) -> list[Suspect]:
    """Return at most one suspect: the newest stretch that differs most from the present level.

    The stretch has 1 to ``newest`` points. Scores are clipped at three sigma, so that a single
    outlier, however large, stays below the threshold, and two in a row are at most a suspect.

    Args:
        values: one number per commit, in commit order; NaN or None is a gap.
        newest: the longest stretch looked at, 1 to 50 points.
        alpha: the probability of a suspect in a change-free series, at each call.
        min_effect: the least relative change of level.

    Raises:
        UsageError: as :func:`~perfkit.stats.analyze_series`, or ``newest`` is out of range.
    """
    if not 1 <= newest <= _REFERENCE:
        raise UsageError(f"newest must lie in 1 to {_REFERENCE}, found {newest}: 5 is usual")
    given = as_series(values)
    where = np.flatnonzero(np.isfinite(given))
    y = given[where]
    known = y[: max(0, y.size - newest)]
    earlier = analyze_series(known, min_effect=min_effect)
    start = max((change.end for change in earlier.change_points), default=0)
    reference_y = known[max(start, known.size - _REFERENCE) :]
    if reference_y.size < 2 * SHORTEST:
        return []
    linear = float(y.min()) <= 0
    x = y if linear else np.log(y)
    noise = estimate_noise(x)
    reference = x[known.size - reference_y.size : known.size]
    tail = x[known.size :]
    if noise.sigma == 0:
        return []
    level = median(reference)
    scores = np.clip(tail - level, -CLIP * noise.sigma, CLIP * noise.sigma)[::-1]
    length = np.arange(1, tail.size + 1)
    error = noise.longrun * np.sqrt(length * (1 + length / reference.size))
    statistic = np.abs(np.cumsum(scores)) / error
    longest = int(statistic.argmax()) + 1
    threshold = max(CLIP, NormalDist().inv_cdf(1 - alpha / (2 * newest)))
    first = y.size - longest
    rule = Rule(threshold=threshold, min_effect=min_effect, superiority=0.0, linear=linear)
    if statistic[longest - 1] <= threshold or not rule.large(level, median(x[first:])):
        return []
    return [
        Suspect(
            index=int(where[first]),
            before=median(reference_y),
            after=median(y[first:]),
            statistic=float(statistic[longest - 1]),
            confirmations=_confirmations(x, level, first, reference.size, noise),
        )
    ]


def _confirmations(
    x: NDArray[np.float64], level: float, first: int, before: int, noise: Noise
) -> int | None:
    """Return how many further points like ``x[first:]`` the alarm's CUSUM needs."""
    score = min(abs(median(x[first:]) - level), CLIP * noise.sigma) / noise.longrun
    seen = x.size - first
    for total in range(max(seen, SHORTEST), seen + _PATIENCE + 1):
        needed = critical_value(x.size + total - seen, noise.rho, _ALARM_ALPHA)
        if score * math.sqrt(total * before / (total + before)) >= needed:
            return total - seen
    return None
