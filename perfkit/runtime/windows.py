"""What a telemetry store holds: one series in one interval."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_of

RESOLUTIONS = (1, 60, 3600)
"""Lengths of the intervals in seconds; every count is kept in one of each."""

ALL_TIME = 0
"""In place of a length: the one interval of each series that has counted everything since the store
exists, and that no retention ends. So a counter never falls."""


class Key(NamedTuple):
    """Which series it is; ``labels`` is a JSON object with sorted keys."""

    component: str
    name: str
    labels: str = "{}"

    @property
    def label_values(self) -> dict[str, str]:
        """The labels by their names, as :func:`labels_of` reads them."""
        return dict(labels_of(self.labels))


class _Row(NamedTuple):
    """The columns of a window. A tuple, since a query makes thousands of them."""

    start: int
    seconds: int
    component: str
    name: str
    labels: str
    ok: int
    errors: int
    degraded: int
    sum_ns: int
    max_ns: int
    encoded: bytes


class Window(_Row):
    """The calls of one series that ended in one interval.

    ``start`` is in Unix seconds and a multiple of ``seconds``. ``ok``, ``errors`` and ``degraded``
    exclude each other; bins, ``sum_ns`` and ``max_ns`` are about all three.
    """

    @property
    def calls(self) -> int:
        """The number of all calls."""
        return self.ok + self.errors + self.degraded

    @property
    def key(self) -> Key:
        """The series."""
        return Key(self.component, self.name, self.labels)

    @cached_property
    def bins(self) -> Bins:
        """The durations of the calls, decoded on first use."""
        return Bins.from_bytes(self.encoded)


@dataclass(frozen=True)
class ValueWindow:
    """The values that one quality or gauge took in one interval."""

    start: int
    seconds: int
    component: str
    name: str
    labels: str
    count: int
    sum: float
    min: float
    max: float
    last: float

    @property
    def mean(self) -> float:
        """The mean of the values; there is at least one."""
        return self.sum / self.count


@dataclass(frozen=True)
class EventWindow:
    """How often one event happened in one interval."""

    start: int
    seconds: int
    component: str
    name: str
    labels: str
    count: int


@dataclass(slots=True)
class Calls:
    """Calls to be stored: counts, and their durations in bins."""

    ok: int
    errors: int
    degraded: int
    sum_ns: int
    max_ns: int
    bins: Bins

    def merge(self, other: "Calls") -> None:
        """Add the calls of another one."""
        self.ok += other.ok
        self.errors += other.errors
        self.degraded += other.degraded
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)
        self.bins.merge(other.bins)


@dataclass(slots=True)
class Values:
    """Values to be stored."""

    count: int
    sum: float
    min: float
    max: float
    last: float

    def merge(self, later: "Values") -> None:
        """Add values that came later."""
        self.count += later.count
        self.sum += later.sum
        self.min = min(self.min, later.min)
        self.max = max(self.max, later.max)
        self.last = later.last
