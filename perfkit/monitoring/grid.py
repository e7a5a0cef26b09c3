"""Which intervals of the store one frame of the dashboard reads, and its steps on the time axis."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from perfkit.runtime.bounds import RETENTION

MOST_CELLS: Final = 10_000
"""Intervals times series that are read for a frame, a tenth of a second on an idle core; beyond, a
coarser resolution is."""
MOST_STEPS: Final = 180
"""Steps of the time axis; no plot is wide enough for more."""
FEWEST_INTERVALS: Final = 2
"""A window of fewer intervals is read at a finer resolution, whatever that costs."""

WRITING_SECONDS: Final = 1.0
"""The runtime writes a second when it is over; before this much later a step may not be whole."""
TELLING_SECONDS: Final = 10.0
"""A step that still goes on is shown from its middle on, and not before this much of it is over."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A window that ends at ``at``, begins at a whole step, and is read in whole intervals."""

    since: int
    at: float
    resolution: int
    """Seconds: 1, 60 or 3600."""
    step: int
    """Seconds, a multiple of the resolution."""

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.at - self.since

    @property
    def starts(self) -> tuple[int, ...]:
        """The steps that are shown: those that are whole, and one that has lasted long enough."""
        every = range(self.since, ceil(self.at), self.step)
        return tuple(start for start in every if self._shown(start))

    def covered(self, start: int) -> float:
        """Seconds of a step that are over."""
        return min(float(self.step), self.at - start)

    def _shown(self, start: int) -> bool:
        if start + self.step + WRITING_SECONDS <= self.at:
            return True
        return self.covered(start) >= max(self.step / 2, TELLING_SECONDS)


def grid_for(window: float, at: float, *, series: int) -> Grid:
    """Return the grid of a window (seconds), the finest that ``series`` series leave affordable."""
    resolution = 3600
    for seconds, kept in sorted(RETENTION.items()):
        intervals = window / seconds
        affordable = intervals * max(1, series) <= MOST_CELLS and window <= kept
        too_coarse_next = window / (seconds * 60) < FEWEST_INTERVALS
        if affordable or too_coarse_next:
            resolution = seconds
            break
    step = resolution * max(1, ceil(window / resolution / MOST_STEPS))
    return Grid(ceil((at - window) / step) * step, at, resolution, step)
