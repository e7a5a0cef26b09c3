"""Whether the values of a measurement rise or fall while it goes on."""

import math
from collections.abc import Sequence

import numpy as np

LEAST_POINTS = 8
"""With fewer, even a perfectly monotone sequence is not unlikely enough to speak of a trend."""


def trend_p_value(values: Sequence[float]) -> float:
    """Return the two-sided p-value of the Mann-Kendall test for a monotone trend.

    ``values`` are in order of execution. Small means that later values tend to lie above, or
    below, earlier ones. Normal approximation with correction for continuity and ties (Kendall,
    Rank Correlation Methods, 1975); 1.0 below :data:`LEAST_POINTS` values or without variation.
    """
    n = len(values)
    if n < LEAST_POINTS:
        return 1.0
    y = np.asarray(values, dtype=float)
    score = float(np.sign(y[None, :] - y[:, None])[np.triu_indices(n, 1)].sum())
    _, ties = np.unique(y, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    if variance <= 0:
        return 1.0
    z = (abs(score) - 1) / math.sqrt(variance)
    return min(1.0, math.erfc(max(z, 0.0) / math.sqrt(2)))
