"""Whether a series of live memory grows with the iterations, and by how much.

The test reads the lower envelope: the run, without its first quarter, is cut into
:data:`SEGMENTS` equal segments, and only the minimum of each counts. A buffer that is sometimes
there and sometimes not leaves the minima alone; a leak lifts every one of them.
"""

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

SEGMENTS = 12
"""Segments of the run after its first quarter: four up to the half, eight after it, so that the
slope from n to 2n iterations can be held against the slope from 2n to 4n."""

RISING_SHARE = 0.6
"""Share of steps between segment minima that must rise: a leak in every tenth of 120 iterations
lifts three steps in four; chance lifts one in two of a series that goes nowhere."""

LARGEST_STEP_SHARE = 0.5
"""A step larger than this share of the whole rise is one event (a resize, a late import), not
growth per iteration."""

KEPT_PACE = 0.5
"""What grows has from 2n to 4n at least this share of the slope from n to 2n. A leak keeps 1, less
beside what was full by 2n; a cache that fills before 2n keeps 0; a list that over-allocates by an
eighth varies by a tenth."""

HELD_PACE = 0.8
"""At this share of the slope from n to 2n and above, the slope has held. Below, a cache of random
keys fills (a share of e^-0.5 = 0.6 where 2n calls fill it to e^-1), or something else was full."""

TAIL = 3
"""Segments at the end, over which a leak still rises."""

TAIL_PACE = 1 / 3
"""The slope over the tail must be at least this share of the slope from n to 2n. A list that
over-allocates may be between two resizes there; a cache that is full has stopped."""

STOPPED_PACE = 0.1
"""At this share of the slope from n to 2n and below, growth has stopped: a full cache of strings
still gains a few bytes when ``"v1000"`` replaces ``"v1"``."""


_PAIRS = SEGMENTS * (SEGMENTS - 1) // 2

_SCORE_SPREAD = math.sqrt(SEGMENTS * (SEGMENTS - 1) * (2 * SEGMENTS + 5) / 18)
"""Standard deviation of Kendall's score of a series that goes nowhere, without ties."""

_LOW = round((_PAIRS - 1.96 * _SCORE_SPREAD) / 2) - 1
"""Slopes below the 95 % interval, of all pairs in order (Sen 1968)."""


class Shape(StrEnum):
    """How a series of live memory behaved over one run."""

    GROWING = "growing"
    """Rose steadily to the end, from 2n to 4n at least at half of the slope from n to 2n."""
    FILLING = "filling"
    """Never fell and still rose at the end, but not at a held slope."""
    FILLED = "filled"
    """Rose after the first quarter, then stopped."""
    STEADY = "steady"
    """No lasting rise after the first quarter."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The shape of one series and its slope per iteration, in the unit of the series.

    ``interval`` is the 95 % confidence interval of the slope, ``pace`` the slope from 2n to 4n as a
    share of that from n to 2n: 0 where it fell or stood still before.
    """

    shape: Shape
    per_iteration: float
    interval: tuple[float, float]
    pace: float = 0.0

    @property
    def held(self) -> bool:
        """Whether it grows, and as fast as before."""
        return self.shape is Shape.GROWING and self.pace >= HELD_PACE


def growth(marks: tuple[int, ...], values: tuple[int, ...]) -> Growth:
    """Classify ``values``, taken after ``marks`` iterations (both ascending in time).

    The slope is the median over all pairs of segment minima (Theil 1950, Sen 1968): one late jump
    does not move it. Its interval is Sen's, from the variance of Kendall's score.

    Raises:
        ValueError: a segment holds no mark, so the run was too short to classify.
    """
    minima = segment_minima(marks, values)
    steps = [later - earlier for earlier, later in pairwise(minima)]
    total = minima[-1] - minima[0]
    per_call = SEGMENTS / (marks[-1] * 3 / 4)
    slopes = sorted(
        (minima[j] - minima[i]) / (j - i) * per_call
        for i in range(SEGMENTS)
        for j in range(i + 1, SEGMENTS)
    )
    slope = statistics.median(slopes)
    interval = (slopes[_LOW], slopes[-1 - _LOW])
    if total <= 0 or min(steps) < 0:
        return Growth(Shape.STEADY, slope, interval)
    half = SEGMENTS // 3 - 1
    early = (minima[half] - minima[0]) / half
    late = (minima[-1] - minima[half]) / (SEGMENTS - 1 - half)
    tail = (minima[-1] - minima[-1 - TAIL]) / TAIL
    pace = late / early if early > 0 else math.inf
    if tail <= STOPPED_PACE * early:
        return Growth(Shape.FILLED, slope, interval, pace)
    if (
        sum(step > 0 for step in steps) >= RISING_SHARE * len(steps)
        and max(steps) <= LARGEST_STEP_SHARE * total
        and late >= KEPT_PACE * early
        and tail >= TAIL_PACE * early
    ):
        return Growth(Shape.GROWING, slope, interval, pace)
    return Growth(Shape.FILLING, slope, interval, pace)


def segment_minima(marks: tuple[int, ...], values: tuple[int, ...]) -> list[int]:
    """Return the minimum of ``values`` in each segment of the run after its first quarter.

    Raises:
        ValueError: a segment holds no mark.
    """
    segments: list[list[int]] = [[] for _ in range(SEGMENTS)]
    for mark, value in zip(marks, values, strict=True):
        segment = _segment(mark, marks[-1])
        if segment >= 0:
            segments[segment].append(value)
    if not all(segments):
        message = f"{len(marks)} marks over {marks[-1]} iterations leave a segment empty"
        raise ValueError(message)
    return [min(segment) for segment in segments]


def covers(marks: tuple[int, ...]) -> bool:
    """Whether every segment holds a mark, so that series at these marks can be classified."""
    return set(range(SEGMENTS)) <= {_segment(mark, marks[-1]) for mark in marks}


def _segment(mark: int, end: int) -> int:
    """Return the segment a mark lies in, or ends; -1 in the first quarter."""
    # Whole numbers: (mark - end / 4) / (end * 3 / 4 / SEGMENTS), rounded up, less one.
    return max(-1, -((end - 4 * mark) * SEGMENTS // (3 * end)) - 1)
