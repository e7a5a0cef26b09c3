"""When each request of a load is due: stages of constant or changing rate, decided beforehand.

An open loop: nothing that the server does changes what is due, so a server that stalls does not
quieten the load (G. Tene, "How NOT to measure latency", 2013; B. Schroeder, A. Wierman and
M. Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Process = Literal["constant", "poisson"]
"""Equal distances, or independent users: exponential distances of the same mean."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of time over which the rate goes from ``start`` to ``end`` requests a second."""

    name: str
    seconds: float
    start: float
    end: float
    judged: bool = True
    """Whether objectives look at its requests."""

    @property
    def expected(self) -> float:
        """Requests that are due in it, on average."""
        return self.seconds * (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Every request in order: seconds from the start of the load, and the index of its stage."""

    due: Floats
    stage: Integers

    def __len__(self) -> int:
        return len(self.due)


def arrivals(stages: Sequence[Stage], process: Process, rng: np.random.Generator) -> Arrivals:
    """Return when requests are due; deterministic for ``constant``, seeded for ``poisson``.

    A Poisson process of changing rate is one of rate 1 seen through the inverse of the
    cumulative rate (E. Çinlar, Introduction to Stochastic Processes, 1975, section 4.7).
    """
    total = sum(stage.expected for stage in stages)
    if process == "constant":
        # The half keeps a request that is due exactly at the end out, whatever the rounding.
        counted = np.arange(int(np.ceil(total - 0.5)), dtype=np.float64)
    else:
        most = int(total + 10 * np.sqrt(total) + 10)
        counted = np.cumsum(rng.exponential(size=most))
        counted = counted[counted < total]
    due, where = np.zeros_like(counted), np.zeros(len(counted), dtype=np.int64)
    begun, before = 0.0, 0.0
    for index, stage in enumerate(stages):
        inside = (counted >= before) & (counted < before + stage.expected)
        due[inside] = begun + _time_of(counted[inside] - before, stage)
        where[inside] = index
        begun += stage.seconds
        before += stage.expected
    return Arrivals(due, where)


def _time_of(count: Floats, stage: Stage) -> Floats:
    """Return after how many seconds of ``stage`` so many requests were due.

    The root of start*t + slope*t**2/2 = count, in the form that also holds for a slope of zero.
    """
    slope = (stage.end - stage.start) / stage.seconds
    root = np.sqrt(np.maximum(stage.start**2 + 2 * slope * count, 0.0))
    below = stage.start + root
    return np.divide(2 * count, below, out=np.zeros_like(count), where=below > 0)
