"""From candidates to changes: locate each by truncated loss, drop what is small or weak."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perfkit.stats.noise import CLIP, Noise
from perfkit.stats.segmentation import SHORTEST, cusum_weights

_NEWEST = 8
_NEWEST_CLIP = 3.5
_NEWEST_SHARE = 1.2
"""While the new level has at most _NEWEST points and ends the series, scores are cut at
_NEWEST_SHARE of its height, from CLIP up to _NEWEST_CLIP sigma: the first three points of a step of
three sigma need all of their height to be seen. One or two outliers do not raise the median that is
the height."""
REACH = 256
"""How many points on either side speak about a change: see ``_LAST_LENGTH`` of segmentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a change must be to be reported, all of it at once.

    ``threshold`` is for the CUSUM (long-run sigmas), ``min_effect`` the least relative change of
    level, ``superiority`` the least probability that a value from the higher side exceeds one
    from the lower. A level that lasts fewer than ``min_stay`` points and goes back is an
    excursion and no change. ``linear`` tells that the values are not logs.
    """

    threshold: float
    min_effect: float
    superiority: float
    linear: bool
    min_stay: int = 0

    def large(self, before: float, after: float) -> bool:
        """Return whether two levels differ enough to matter.

        Levels are logs, or on the linear scale values whose change is taken relative to the
        larger of the two.
        """
        if self.linear:
            return abs(after - before) >= self.min_effect * max(abs(before), abs(after))
        return abs(after - before) >= math.log1p(self.min_effect)


@dataclass(frozen=True, slots=True)
class Split:
    """A change at ``index`` with its evidence.

    Levels are medians; ``support`` is the least number of points on a side that lie nearer to
    their own level than to the other.
    """

    index: int
    statistic: float
    before: float
    after: float
    superiority: float
    support: int

    @property
    def rises(self) -> bool:
        """Whether the later level is the higher."""
        return self.after > self.before

    def passes(self, rule: Rule) -> bool:
        """Return whether every demand of ``rule`` is met."""
        return (
            self.statistic >= rule.threshold
            and self.superiority >= rule.superiority
            and self.support >= SHORTEST
            and rule.large(self.before, self.after)
        )


def median(x: NDArray[np.float64]) -> float:
    """Return the median of ``x`` (1-D, not empty, no NaN); numpy's is ten times slower."""
    half = x.size // 2
    if x.size % 2:
        return float(np.partition(x, half)[half])
    low, high = np.partition(x, (half - 1, half))[half - 1 : half + 1].tolist()
    return float(low + high) / 2


def locate(x: NDArray[np.float64], start: int, index: int, end: int, noise: Noise) -> int:
    """Return the split of ``x[start:end]`` near ``index`` with the least truncated squared loss.

    The two levels are the medians on either side of ``index``; the earliest of equal splits wins.
    """
    low, high = max(start, index - REACH), min(end, index + REACH)
    left, right = median(x[low:index]), median(x[index:high])
    limit = (CLIP * noise.sigma) ** 2
    window = x[low:high]
    from_left, from_right = (window - left) ** 2, (window - right) ** 2
    np.minimum(from_left, limit, out=from_left)
    np.minimum(from_right, limit, out=from_right)
    from_left -= from_right
    loss = np.cumsum(from_left)[SHORTEST - 1 : window.size - SHORTEST]
    return low + SHORTEST + int(loss.argmin())


def examine(
    x: NDArray[np.float64], start: int, index: int, end: int, *, noise: Noise, rule: Rule
) -> Split:
    """Return the evidence for a change at ``index`` between ``start`` and ``end``.

    Where the CUSUM fails ``rule``, superiority and support are not worked out and given as 0.
    """
    low, high = max(start, index - REACH), min(end, index + REACH)
    left, right = x[low:index], x[index:high]
    before, after = median(left), median(right)
    window = x[low:high]
    cut = CLIP
    if index >= x.size - _NEWEST:
        height = abs(after - before) / noise.sigma
        cut = max(CLIP, min(_NEWEST_CLIP, _NEWEST_SHARE * height))
    limit = cut * noise.sigma
    scores = window - median(window)
    np.minimum(scores, limit, out=scores)
    np.maximum(scores, -limit, out=scores)
    fraction, weight = cusum_weights(window.size)
    k = left.size
    part = float(scores[:k].sum())
    total = part + float(scores[k:].sum())
    statistic = abs(part - total * float(fraction[k - SHORTEST])) * float(weight[k - SHORTEST])
    statistic /= noise.longrun
    if statistic < rule.threshold:
        return Split(index, statistic, before, after, superiority=0.0, support=0)
    ordered = np.sort(left)
    below = np.searchsorted(ordered, right, side="left")
    above = np.searchsorted(ordered, right, side="right")
    wins = float(below.sum() + above.sum()) / (2 * left.size * right.size)
    middle = (before + after) / 2
    high_left, high_right = int((left > middle).sum()), int((right > middle).sum())
    own = (
        (left.size - high_left, high_right)
        if after >= before
        else (high_left, right.size - high_right)
    )
    return Split(
        index=index,
        statistic=statistic,
        before=before,
        after=after,
        superiority=wins if after >= before else 1 - wins,
        support=min(own),
    )


def settle(x: NDArray[np.float64], cuts: list[int], noise: Noise, rule: Rule) -> list[Split]:
    """Return what remains when the weakest failing change is dropped, again and again.

    Excursions go last, both of their changes at once.

    ``cuts`` are sorted candidate indices, at least SHORTEST apart. After each drop the two
    neighbours are located and examined anew, because their segments grew.
    """
    bounds = [0, *cuts, x.size]

    def look(place: int) -> Split:
        start, end = bounds[place - 1], bounds[place + 1]
        bounds[place] = locate(x, start, bounds[place], end, noise)
        return examine(x, start, bounds[place], end, noise=noise, rule=rule)

    for place in range(1, len(bounds) - 1):
        bounds[place] = locate(x, bounds[place - 1], bounds[place], bounds[place + 1], noise)
    splits = [look(place) for place in range(1, len(bounds) - 1)]
    while True:
        failing = [i for i, split in enumerate(splits) if not split.passes(rule)]
        if failing:
            dropped = min(failing, key=lambda i: splits[i].statistic)
            count = 1
        else:
            dropped, count = _excursion(splits, rule), 2
            if dropped < 0:
                return splits
        del splits[dropped : dropped + count]
        del bounds[dropped + 1 : dropped + 1 + count]
        for i in (dropped - 1, dropped):
            if 0 <= i < len(splits):
                splits[i] = look(i + 1)


def _excursion(splits: list[Split], rule: Rule) -> int:
    """Return the first split of the shortest excursion, -1 if there is none.

    An excursion lasts fewer than ``rule.min_stay`` points and comes back to within a third of its
    height of the level before.
    """
    stays = [
        (second.index - first.index, i)
        for i, (first, second) in enumerate(pairwise(splits))
        if second.index - first.index < rule.min_stay
        and 3 * abs(second.after - first.before) <= abs(first.after - first.before)
    ]
    return min(stays)[1] if stays else -1
