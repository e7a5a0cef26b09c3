"""One factor per session that takes out what made all of its functions slow or fast alike.

The median of ratios of Anders and Huber (Genome Biology 2010, 11:R106), weighted: most functions
are taken to cost the same in every session, so the middle of their ratios to the functions' usual
cost is the session's own speed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REFERENCE_SAMPLES = 5.0
"""Samples per session that a function needs on average to be a reference: a ratio of fewer is
mostly chance."""

FULL_WEIGHT_SAMPLES = 100.0
"""Samples at which counting noise (10 %) is no longer what limits a ratio: functions themselves
differ by about as much from process to process. The weight n / (1 + n / 100) saturates there, so
that no single large function is the middle by itself."""

ENOUGH_REFERENCES = 5.0
"""Effective number of references, (sum w)^2 / sum w^2, below which no majority can be trusted."""


def size_factors(
    costs: "NDArray[np.float64]", quantum: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], float]":
    """Return one factor per session, geometric mean 1, and the effective number of references.

    Args:
        costs: Sessions x functions, what each function cost per call.
        quantum: Sessions, what one sample stands for in the same unit.

    All factors are 1 when there are fewer than :data:`ENOUGH_REFERENCES`: then nothing tells a
    slow session from a change of its functions.

    >>> import numpy as np
    >>> costs = np.outer([1.0, 2.0, 1.0], [8.0, 9.0, 10.0, 11.0, 12.0, 13.0])
    >>> costs[2, 5] *= 3  # one function is slow in the last session
    >>> factors, references = size_factors(costs, np.array([0.1, 0.2, 0.1]))
    >>> [round(float(factor), 3) for factor in factors], round(references, 1)
    ([0.794, 1.587, 0.794], 5.9)
    """
    import numpy as np

    none = np.ones(len(costs))
    samples = (costs / quantum[:, None]).mean(axis=0)
    usable = (costs > 0).all(axis=0) & (samples >= REFERENCE_SAMPLES)
    if not usable.any():
        return none, 0.0
    weights = samples[usable] / (1 + samples[usable] / FULL_WEIGHT_SAMPLES)
    references = float(weights.sum() ** 2 / (weights**2).sum())
    if references < ENOUGH_REFERENCES:
        return none, references
    logs = np.log(costs[:, usable])
    ratios = logs - logs.mean(axis=0)
    middle = np.array([_weighted_median(row, weights) for row in ratios])
    return np.exp(middle - middle.mean()), references


def _weighted_median(values: "NDArray[np.float64]", weights: "NDArray[np.float64]") -> float:
    """Return where half of the weight lies on either side, between two values in equal parts."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    half = reached[-1] / 2
    low = int(np.searchsorted(reached, half * (1 - 1e-12)))
    high = int(np.searchsorted(reached, half * (1 + 1e-12)))
    return float(values[order[low]] + values[order[min(high, len(values) - 1)]]) / 2
