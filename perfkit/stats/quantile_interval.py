"""A quantile of all calls with its interval, from values that come in processes."""

import math
from collections.abc import Sequence

import numpy as np

from perfkit.errors import UsageError
from perfkit.model import Interval

RESAMPLES = 2000
"""Bootstrap resamples; the Monte Carlo error of a 95 % bound is then about half a percentile."""

SEED = 20_250_101
"""Any fixed number: the same values always give the same interval."""

LEAST_PROCESSES = 3
"""With fewer, resampling processes cannot show how much they differ."""


def quantile_interval(
    processes: Sequence[Sequence[float]], quantile: float, *, confidence: float = 0.95
) -> Interval:
    """Return the ``quantile`` of all values, with a hierarchical bootstrap interval.

    ``processes`` are the values per process, in any unit, none empty. Processes are drawn with
    replacement, then values within each (Davison and Hinkley, Bootstrap Methods and their
    Application, 1997, section 3.8), so that values of one process do not count as independent.
    With fewer than three processes the interval is ``[-inf, inf]``: it is not known.

    Raises:
        UsageError: no value, an empty process, or a value that is not finite.
    """
    if not processes or not all(len(values) for values in processes):
        raise UsageError("a quantile needs processes with values; found none, or an empty one")
    pooled = np.concatenate([np.asarray(values, dtype=float) for values in processes])
    if not np.isfinite(pooled).all():
        raise UsageError("a quantile needs finite values; found infinity or NaN among them")
    estimate = float(np.quantile(pooled, quantile))
    if len(processes) < LEAST_PROCESSES:
        return Interval(-math.inf, estimate, math.inf, confidence)
    generator = np.random.default_rng(SEED)
    arrays = [np.asarray(values, dtype=float) for values in processes]
    found = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = generator.integers(len(arrays), size=len(arrays))
        resampled = [
            arrays[which][generator.integers(len(arrays[which]), size=len(arrays[which]))]
            for which in drawn
        ]
        found[index] = np.quantile(np.concatenate(resampled), quantile)
    tail = (1 - confidence) / 2
    low, high = (float(bound) for bound in np.quantile(found, [tail, 1 - tail]))
    return Interval(min(low, estimate), estimate, max(high, estimate), confidence)
