"""How large the clipped CUSUM gets by chance: a Monte Carlo table, interpolated."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from perfkit.stats.threshold_table import ALPHAS, LENGTHS, QUANTILES, RHOS

_LOG_LENGTHS = [math.log(n) for n in LENGTHS]
_LOG_ALPHAS = [math.log(alpha) for alpha in ALPHAS]


def critical_value(n: int, rho: float, alpha: float) -> float:
    """Return what the largest CUSUM of a change-free series exceeds with probability ``alpha``.

    ``n`` is the number of points, ``rho`` the estimated correlation of neighbours. The table is
    linear in log n and in rho; between its levels the square of the value is linear in log alpha,
    as in the normal tail, and beyond the last level it keeps the slope of the last two.
    """
    longer = max(1.0, n / LENGTHS[-1])
    squares = _squares(min(n, LENGTHS[-1]), round(rho, 2))
    return math.sqrt(max(_line(math.log(alpha / longer), _LOG_ALPHAS, squares), squares[0]))


def p_value(statistic: float, n: int, rho: float) -> float:
    """Return the probability that a change-free series shows ``statistic`` or more anywhere.

    Inverse of :func:`critical_value`; at most the largest tabulated alpha.
    """
    longer = max(1.0, n / LENGTHS[-1])
    squares = _squares(min(n, LENGTHS[-1]), round(rho, 2))
    log_p = _line(statistic * statistic, squares, _LOG_ALPHAS)
    return min(math.exp(log_p) * longer, ALPHAS[0])


@lru_cache(maxsize=4096)
def _squares(n: int, rho: float) -> list[float]:
    """Return the squared critical values at ``ALPHAS``, increasing.

    A series longer than the table's last is treated by the callers as so many of its length: the
    intervals are bounded, so distant stretches are nearly independent.
    """
    row, share = _between(math.log(n), _LOG_LENGTHS)
    column, part = _between(rho, RHOS)
    corners = [
        (weight, QUANTILES[i][j])
        for i, by_row in ((row - 1, 1 - share), (row, share))
        for j, weight in ((column - 1, by_row * (1 - part)), (column, by_row * part))
    ]
    line = [sum(weight * values[k] for weight, values in corners) for k in range(len(ALPHAS))]
    return [value * value for value in line]


def _between(at: float, grid: Sequence[float]) -> tuple[int, float]:
    """Return i and the share s with at = (1 - s) grid[i - 1] + s grid[i]; s may pass 1."""
    i = min(max(bisect_right(grid, at), 1), len(grid) - 1)
    return i, max((at - grid[i - 1]) / (grid[i] - grid[i - 1]), 0.0)


def _line(at: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the piecewise linear curve through (xs, ys) at ``at``, end pieces prolonged."""
    inner = range(1, len(xs) - 1)
    place = next((i for i in inner if (at < xs[i]) == (xs[0] < xs[-1])), len(xs) - 1)
    x0, x1, y0, y1 = xs[place - 1], xs[place], ys[place - 1], ys[place]
    return y0 + (at - x0) * (y1 - y0) / (x1 - x0)
