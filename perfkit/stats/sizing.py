"""The size of a change: levels, and the interval of their ratio."""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perfkit.model import Interval
from perfkit.stats.noise import Noise
from perfkit.stats.pruning import median

Scale = Literal["log", "linear"]

_MEDIAN_ERROR = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean, normal noise."""


@lru_cache(maxsize=16)
def quantile_of_confidence(confidence: float) -> float:
    """Return the normal quantile z with P(|Z| <= z) = ``confidence``."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _reach_of_median(x: NDArray[np.float64], noise: Noise, z: float) -> tuple[float, float]:
    """Return how far the interval of the median of ``x`` reaches below and above it.

    The larger of the normal interval and, where there are enough points, the interval between
    order statistics (Woodruff, JASA 47, 1952) with the ranks' spread inflated for memory.
    """
    normal = z * _MEDIAN_ERROR * noise.longrun / math.sqrt(x.size)
    spread = z * math.sqrt(x.size * (1 + noise.rho) / (1 - noise.rho)) / 2
    low = math.floor(x.size / 2 - spread)
    high = math.ceil(x.size / 2 + spread) - 1
    if low < 0 or high > x.size - 1:
        return normal, normal
    ordered = np.sort(x)
    middle = median(x)
    return max(normal, middle - float(ordered[low])), max(normal, float(ordered[high]) - middle)


def step_interval(
    left: NDArray[np.float64], right: NDArray[np.float64], noise: Noise, confidence: float
) -> tuple[float, float]:
    """Return how far the interval of median(right) - median(left) reaches below and above it.

    The two intervals of the medians are combined by the method of variance estimates recovery
    (Zou and Donner, Statistics in Medicine 27, 2008).
    """
    z = quantile_of_confidence(confidence)
    below_left, above_left = _reach_of_median(left, noise, z)
    below_right, above_right = _reach_of_median(right, noise, z)
    return math.hypot(below_right, above_left), math.hypot(above_right, below_left)


def drift_interval(length: int, noise: Noise, confidence: float) -> float:
    """Return how far the interval of the rise of a line over ``length`` points reaches."""
    return quantile_of_confidence(confidence) * noise.longrun * math.sqrt(12 / length)


def ratio_interval(
    before: float, after: float, reach: tuple[float, float], scale: Scale, confidence: float
) -> Interval | None:
    """Return after / before with its interval; None where a ratio means nothing.

    ``reach`` is how far the difference may lie below and above, of logs on the log scale and in
    the unit of the values on the linear scale.
    """
    below, above = reach
    if scale == "log":
        ratio = after / before
        return Interval(ratio * math.exp(-below), ratio, ratio * math.exp(above), confidence)
    if before == 0 or before * after < 0:
        return None
    ends = sorted(((after - below) / before, (after + above) / before))
    return Interval(ends[0], after / before, ends[1], confidence)
