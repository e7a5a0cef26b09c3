"""The noise of a history, estimated from differences so that steps do not bias it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLIP = 3.0
"""Where scores are cut, in standard deviations: far enough out to keep 99 % efficiency under
normal noise, near enough that one or two outliers cannot reach the threshold of an alarm."""

_MAD_TO_SIGMA = 1.4826
_MEAN_DEVIATION_TO_SIGMA = 1.2533
_MAX_RHO = 0.9
_LAGS = 2


@dataclass(frozen=True, slots=True)
class Noise:
    """Scale and memory of a series, in the unit of its values.

    ``sigma`` is the standard deviation of one clipped value about its level, ``rho`` the
    correlation of neighbours in [0, 0.9], and ``longrun`` the standard deviation that a mean of m
    values has times sqrt(m) (the square root of the long-run variance of an AR(1) process,
    sigma^2 (1 + rho) / (1 - rho)).
    """

    sigma: float
    rho: float

    @property
    def longrun(self) -> float:
        """Long-run standard deviation; equals ``sigma`` for independent values."""
        return self.sigma * math.sqrt((1 + self.rho) / (1 - self.rho))


def estimate_noise(x: NDArray[np.float64]) -> Noise:
    """Return the noise of ``x`` (1-D, finite, at least two values).

    Half the clipped mean square of the lag-h differences estimates gamma(0) - gamma(h), whatever
    the levels do between rare steps. Lags 1 and 2 give sigma and rho of an AR(1) process:
    (1 - rho^2) / (1 - rho) = 1 + rho; clipping both lags alike reads a rho of 0.8 as 0.73, which
    the threshold table, made with this estimate, allows for. The clipping point is iterated as in Huber's proposal 2,
    so that two-mode and heavy-tailed noise are not judged by their inner half. Quantised data
    have at least the noise of rounding, grain / sqrt(12), the grain being the smallest
    difference that occurs. A constant series has sigma 0.
    """
    first = np.abs(x[1:] - x[:-1])
    half = first.size // 2
    scale = float(np.partition(first, half)[half]) * _MAD_TO_SIGMA
    tied = scale == 0.0
    if tied:
        scale = float(first.sum()) / first.size * _MEAN_DEVIATION_TO_SIGMA
        if scale == 0.0:
            return Noise(0.0, 0.0)
    for _ in range(3):
        cut = np.minimum(first, CLIP * scale)
        scale = math.sqrt(float(cut @ cut) / cut.size)
    variance = scale * scale / 2
    rho = 0.0
    if x.size > _LAGS + 1:
        second = np.minimum(np.abs(x[2:] - x[:-2]), CLIP * scale)
        ratio = float(second @ second) / second.size / (scale * scale) if scale else 1.0
        rho = min(max(ratio - 1, 0.0), _MAX_RHO)
    sigma = math.sqrt(variance / (1 - rho))
    if tied:
        grain = float(first[first > 0].min())
        sigma = max(sigma, grain / math.sqrt(12))
    return Noise(sigma, rho)
