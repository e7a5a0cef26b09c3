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
    medians = [stretch[len(stretch) // 2] if stretch else math.nan for stretch in stretches]
    known = [value for value in medians if math.isfinite(value)]
    if not known:
        return "·" * count
    low, high = min(known), max(known)
    step = (high - low) / len(BLOCKS)
    return "".join(
        "·"
        if math.isnan(value)
        else BLOCKS[0]
        if step == 0
        else BLOCKS[min(len(BLOCKS) - 1, int((value - low) / step))]
        for value in medians
    )
