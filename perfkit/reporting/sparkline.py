"""A series as a line of block characters."""

import itertools
import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 30) -> str:
    """Return ``values`` as at most ``width`` characters between their lowest and highest.

    Longer series are reduced by the median of each stretch; a stretch without any value is a dot.
    """
    if not values:
        return ""
    count = min(width, len(values))
    bounds = [round(index * len(values) / count) for index in range(count + 1)]
    stretches = [
        sorted(value for value in values[start:end] if math.isfinite(value))
        for start, end in itertools.pairwise(bounds)
    ]
    # An eighth of each: the range of two very large values is then still a number.
    medians = [stretch[len(stretch) // 2] / 8 if stretch else math.nan for stretch in stretches]
    known = [value for value in medians if math.isfinite(value)]
    if not known:
        return "·" * count
    low, high = min(known), max(known)
    span = high - low
    return "".join(
        "·"
        if math.isnan(value)
        else BLOCKS[0]
        if span == 0
        else BLOCKS[min(len(BLOCKS) - 1, int((value - low) / span * len(BLOCKS)))]
        for value in medians
    )
