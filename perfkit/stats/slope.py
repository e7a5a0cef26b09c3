"""How fast values rise with time, with an interval."""

from collections.abc import Sequence

import numpy as np

from perfkit.model import Interval


def slope_interval(
    times: Sequence[float], values: Sequence[float], *, confidence: float = 0.95
) -> Interval:
    """Return the slope of ``values`` over ``times``: its unit is theirs, divided.

    The median of the slopes of all pairs, with the interval of the rank correlation, which bears
    outliers (H. Theil 1950; P. K. Sen, Journal of the American Statistical Association 63, 1968).
    The values are taken as independent of each other but for the slope. Wants three or more, at
    two different times at least.

    >>> slope_interval([0, 1, 2, 3], [5, 7, 9, 11]).estimate
    2.0
    """
    from scipy.stats import theilslopes

    y, x = np.asarray(values, dtype=float), np.asarray(times, dtype=float)
    found = theilslopes(y, x, alpha=confidence)
    low, middle, high = float(found.low_slope), float(found.slope), float(found.high_slope)
    return Interval(min(low, middle), middle, max(high, middle), confidence)
