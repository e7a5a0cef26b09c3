"""Telemetry from the embedded store, as alert rules and objectives ask for it.

The store keeps what happened in each second, minute and hour, so nothing is extrapolated: a rate is
what happened divided by the time it happened in. A long window is read in coarse intervals, and in
finer ones at its edges, so that it holds neither more nor less than it should.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import ceil, floor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from perfkit.config.objectives import Objective
from perfkit.errors import MeasurementError
from perfkit.monitoring.metric_names import DEGRADED, ERROR, MEMORY_GAUGE, OK, OTHERS
from perfkit.monitoring.rules import good_of
from perfkit.monitoring.slo import Counted, Counts
from perfkit.monitoring.telemetry import Outcome, Selector
from perfkit.runtime.bins import Bins
from perfkit.runtime.bounds import RETENTION
from perfkit.runtime.store import Store
from perfkit.runtime.windows import ALL_TIME, RESOLUTIONS, Window

SECONDS_UP_TO: Final = 600.0
MINUTES_UP_TO: Final = 6 * 3600.0
"""Windows (seconds) up to which seconds and minutes are read; beyond, hours."""

MOST_BEFORE: Final = 3600.0
"""Seconds before now up to which a past evaluation may rely on the finest intervals of a window."""

MOST_NAMES: Final = 1000
"""Names of calls of one component that are told apart; the rest counts under OTHERS."""

_Answer = TypeVar("_Answer")


class StoreTelemetry:
    """What alert rules ask, answered from a store; ``notes`` are what the reader has to know."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._at = -1.0
        self._answers: dict[tuple[object, ...], object] = {}
        self._told: set[str] = set()
        self.notes: list[str] = []

    def calls(self, selector: Selector, window: float, at: float) -> Mapping[Outcome, float]:
        """Calls per second of each series."""

        def answer() -> Mapping[Outcome, float]:
            found: dict[Outcome, int] = {}
            pieces = _pieces(window, at)
            for one, name in self._named(selector, pieces):
                counts = ((OK, one.ok), (ERROR, one.errors), (DEGRADED, one.degraded))
                for outcome, count in counts:
                    if count:
                        key = Outcome(name, outcome)
                        found[key] = found.get(key, 0) + count
            # A name that is known and was not called has a rate, which is zero.
            names = {key.name for key in found}
            for one in self._store.windows(selector.component, selector.call, resolution=ALL_TIME):
                if one.name not in names and len(names) < MOST_NAMES:
                    names.add(one.name)
                    found[Outcome(one.name, OK)] = 0
            return {key: count / (at - pieces[0].since) for key, count in found.items()}

        return self._once(at, ("calls", selector, window), answer)

    def finished(self, selector: Selector, window: float, at: float) -> Mapping[str, float]:
        """Calls per second whose duration is known, by name: all of them."""
        found: dict[str, float] = {}
        for key, rate in self.calls(selector, window, at).items():
            found[key.name] = found.get(key.name, 0.0) + rate
        return found

    def within(
        self, selector: Selector, limit: float, window: float, at: float
    ) -> Mapping[str, float]:
        """Calls per second that took at most ``limit`` seconds, by name, to the width of a bin."""

        def answer() -> Mapping[str, float]:
            found: dict[str, int] = {}
            pieces = _pieces(window, at)
            nanoseconds = round(limit * 1e9)
            for one, name in self._named(selector, pieces):
                fast = one.calls - _above(one.encoded, nanoseconds)
                found[name] = found.get(name, 0) + fast
            return {name: count / (at - pieces[0].since) for name, count in found.items()}

        return self._once(at, ("within", selector, limit, window), answer)

    def quality(self, component: str, name: str, window: float, at: float) -> float | None:
        """Mean of the quality values of the window."""
        found = [
            one
            for piece in _pieces(window, at)
            for one in self._store.values(component, name, **piece._asdict())
        ]
        count = sum(one.count for one in found)
        return sum(one.sum for one in found) / count if count else None

    def memory(
        self, component: str, window: float, at: float
    ) -> Sequence[Sequence[tuple[float, float]]]:
        """Resident memory of each process: (time, bytes), ascending in time."""
        since, resolution = _span(window, at)
        found: dict[str, list[tuple[float, float]]] = {}
        for one in self._store.values(
            component, MEMORY_GAUGE, since=since, until=at, resolution=resolution
        ):
            found.setdefault(one.labels, []).append((float(one.start), one.max))
        return list(found.values())

    def _named(
        self, selector: Selector, pieces: "Sequence[_Piece]"
    ) -> Iterator[tuple[Window, str]]:
        """The intervals of a window, with the name they count under."""
        names: set[str] = set()
        for one in (
            one
            for piece in pieces
            for one in self._store.windows(selector.component, selector.call, **piece._asdict())
        ):
            if one.name in names or len(names) < MOST_NAMES:
                names.add(one.name)
                yield one, one.name
            else:
                self._tell(
                    f"{selector.component}: more than {MOST_NAMES} names of calls; the rest counts "
                    f"under {OTHERS!r}: give calls fewer names"
                )
                yield one, OTHERS

    def _tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            self.notes.append(note)

    def _once(self, at: float, key: tuple[object, ...], answer: Callable[[], _Answer]) -> _Answer:
        """Ask the store once a step, however many rules want to know."""
        if at != self._at:
            self._at, self._answers = at, {}
        if key not in self._answers:
            self._answers[key] = answer()
        return self._answers[key]  # type: ignore[return-value]  # the key says which answer it is


def open_store(path: Path) -> Store:
    """Open a store for reading.

    Raises:
        MeasurementError: there is none, or it cannot be read.
        NewerStoreError: a later version of perfkit wrote it.
    """
    if not path.exists():
        raise MeasurementError(
            f"{path}: no such telemetry store; let the application record with perfkit.runtime, or "
            "name its file with --store."
        )
    return Store(path, read_only=True)


def store_counts(store: Store) -> Counts:
    """Return counts of objectives from a store."""

    def counts(objective: Objective, at: float) -> Counted:
        good = good_of(objective)
        since, resolution = _span(objective.window, at)
        total = bad = 0
        earliest = at
        for one in store.windows(
            good.selector.component,
            good.selector.call,
            since=since,
            until=at,
            resolution=resolution,
        ):
            total += one.calls
            failed = one.errors + (0 if good.degraded_is_good else one.degraded)
            slow = 0 if good.within is None else _above(one.encoded, round(good.within * 1e9))
            # One call may have failed and been slow: it counts twice, and never for more than one.
            bad += min(failed + slow, one.calls)
            earliest = min(earliest, float(one.start))
        if total == 0:
            return Counted(0, 0, "the store has no calls in the window")
        missing = earliest - since > max(2 * resolution, objective.window / 100)
        first = next(
            store.windows(since=earliest, until=earliest + resolution, resolution=60), None
        )
        seen = _age(at - (earliest if first is None else first.start))
        return Counted(total, bad, f"calls of the last {seen} only" if missing else "")

    return counts


def _span(window: float, at: float) -> tuple[float, int]:
    """The start of a window at a whole interval, and the length of the intervals to read."""
    resolution = _resolution(window)
    since = ceil((at - window) / resolution) * resolution
    return float(since), resolution


def _resolution(window: float) -> int:
    return 1 if window <= SECONDS_UP_TO else 60 if window <= MINUTES_UP_TO else 3600


class _Piece(NamedTuple):
    """A part of a window, in whole intervals but for the one that just goes on."""

    since: float
    until: float
    resolution: int


def _pieces(window: float, at: float) -> list[_Piece]:
    """The parts that a window is read in, ascending; together they are all of it.

    Its beginning is cut at a whole second, or at a whole interval of what is surely kept that long.
    Coarse intervals end before ``at``, since they would hold what happened after it as well.
    """
    resolution = _resolution(window)
    kept = [one for one in RESOLUTIONS if window + MOST_BEFORE <= RETENTION[one]]
    finest = min(resolution, *kept) if kept else resolution
    since = float(ceil((at - window) / finest) * finest)
    return _cut(min(since, at), at, resolution)


def _cut(since: float, until: float, resolution: int) -> list[_Piece]:
    if resolution == 1:
        return [_Piece(since, until, 1)]
    first = float(ceil(since / resolution) * resolution)
    last = float(floor(until / resolution) * resolution)
    finer = RESOLUTIONS[RESOLUTIONS.index(resolution) - 1]
    if first >= last:
        return _cut(since, until, finer)
    head = _cut(since, first, finer) if since < first else []
    tail = _cut(last, until, finer) if last < until else []
    return [*head, _Piece(first, last, resolution), *tail]


@lru_cache(maxsize=65536)
def _above(encoded: bytes, nanoseconds: int) -> int:
    return Bins.from_bytes(encoded).above(nanoseconds)


def _age(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
