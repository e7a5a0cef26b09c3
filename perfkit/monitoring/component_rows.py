"""From the intervals of a store to the row of a component on the dashboard. No file, no clock."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from perfkit.model.dashboard import (
    BreakerState,
    CacheRow,
    CallRow,
    ComponentRow,
    ComponentState,
    Durations,
    EventRow,
    GuardRow,
    Timeline,
    Traffic,
    ValueRow,
)
from perfkit.monitoring.bins_sum import BinsSum, Decoded
from perfkit.monitoring.grid import Grid
from perfkit.monitoring.metric_names import MEMORY_GAUGE
from perfkit.runtime.storable import labels_of
from perfkit.runtime.windows import EventWindow, ValueWindow, Window

MOST_NAMES: Final = 1000
"""Names of calls that are told apart; the rest counts under OTHERS."""
OTHERS: Final = "(others)"
MOST_ROWS: Final = 50
"""Rows of each kind (calls, guards, caches, values, events) in a frame."""

IN_USE: Final = "guard.in_use"
BREAKER: Final = "guard.breaker"
"""Names of the gauges that a guard of perfkit.runtime writes, with the label ``guard``."""
_GUARD: Final = "guard."
_CACHE: Final = "cache."
"""Beginnings of the names of events that guards and caches write, with a label of that name."""

_Row = TypeVar("_Row")


class Fold:
    """What the intervals of one component add up to."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._outcomes: dict[str, Counter[str]] = {}
        self._bins: dict[str, BinsSum] = {}
        self._largest: dict[str, int] = {}
        self._steps: defaultdict[int, _Step] = defaultdict(_Step)
        self._values: defaultdict[tuple[str, str], list[ValueWindow]] = defaultdict(list)
        self._events: Counter[tuple[str, str]] = Counter()
        self._fresh: dict[tuple[str, str], ValueWindow] = {}
        self.first_seen: float | None = None
        self.last_seen: float | None = None
        self.names_capped = False

    def add_calls(self, one: Window) -> None:
        """Add an interval of calls."""
        name = one.name
        if name not in self._bins and len(self._bins) >= MOST_NAMES:
            name, self.names_capped = OTHERS, True
        bins = Decoded(one.encoded)
        counts = self._outcomes.setdefault(name, Counter())
        counts["ok"] += one.ok
        counts["errors"] += one.errors
        counts["degraded"] += one.degraded
        self._bins.setdefault(name, BinsSum()).add(bins)
        self._largest[name] = max(self._largest.get(name, 0), one.max_ns)
        step = self._step(one.start)
        step.calls += one.calls
        step.bad += one.errors + one.degraded
        step.bins.add(bins)
        step.largest_ns = max(step.largest_ns, one.max_ns)
        self._saw(one.start, one.seconds)

    def add_value(self, one: ValueWindow) -> None:
        """Add an interval of a quality or a gauge."""
        self._values[one.name, one.labels].append(one)
        step = self._step(one.start)
        if one.name == MEMORY_GAUGE:
            step.memory = max(step.memory or 0.0, one.max)
        elif one.name == IN_USE:
            step.in_use = max(step.in_use or 0.0, one.max)
        self._saw(one.start, one.seconds)

    def add_event(self, one: EventWindow) -> None:
        """Add an interval of an event."""
        self._events[one.name, one.labels] += one.count
        if one.name.startswith(_CACHE):
            self._step(one.start).cache[one.name.removeprefix(_CACHE)] += one.count
        self._saw(one.start, one.seconds)

    def now(self, one: ValueWindow) -> None:
        """Note what a gauge shows now; later ones count more."""
        self._fresh[one.name, one.labels] = one

    def row(
        self, name: str, *, why: str, state: ComponentState, minimums: Mapping[str, float]
    ) -> ComponentRow:
        """Return the row; ``minimums`` are what alert rules want of qualities, by name."""
        traffic, calls = self._traffic()
        guards, caches = self._guards(), self._caches()
        values = [
            self._value(key, windows, minimums)
            for key, windows in sorted(self._values.items())
            if key[0] not in {MEMORY_GAUGE, IN_USE, BREAKER}
        ]
        events: Counter[str] = Counter()
        for (event, _), count in self._events.items():
            if not event.startswith((_GUARD, _CACHE)):
                events[event] += count
        counted = [EventRow(*pair) for pair in sorted(events.items())]
        memory = [one.max for (value, _), one in self._fresh.items() if value == MEMORY_GAUGE]
        everything: tuple[list[object], ...] = (calls, guards, caches, values, counted)  # type: ignore[assignment]  # lists of several kinds, only counted
        return ComponentRow(
            name=name,
            why=why,
            state=state,
            traffic=traffic,
            last_seen=self.last_seen,
            in_use=max((one.in_use for one in guards if one.in_use is not None), default=None),
            memory=max(memory, default=None),
            memory_peak=max(
                (step.memory for step in self._steps.values() if step.memory is not None),
                default=None,
            ),
            hit_ratio=_hit_ratio(
                sum(one.hits for one in caches),
                sum(one.misses for one in caches),
                sum(one.stale for one in caches),
            ),
            calls=_first(calls),
            guards=_first(guards),
            caches=_first(caches),
            values=_first(values),
            events=_first(counted),
            timeline=self._timeline(),
            left_out=sum(max(0, len(rows) - MOST_ROWS) for rows in everything),
        )

    @property
    def breaker_open(self) -> bool:
        """Whether a breaker refuses calls now."""
        return any(
            key[0] == BREAKER and _breaker(one.last) == "open" for key, one in self._fresh.items()
        )

    def _saw(self, start: int, seconds: int) -> None:
        end = min(float(start + seconds), self._grid.at)
        self.first_seen = start if self.first_seen is None else min(self.first_seen, start)
        self.last_seen = end if self.last_seen is None else max(self.last_seen, end)

    def _step(self, start: int) -> "_Step":
        return self._steps[start - (start - self._grid.since) % self._grid.step]

    def _traffic(self) -> tuple[Traffic, list[CallRow]]:
        whole, rows = BinsSum(), []
        for name, bins in self._bins.items():
            whole.merge(bins)
            found = _traffic(self._outcomes[name], bins, self._largest[name], self._grid.seconds)
            rows.append(CallRow(name, found))
        rows.sort(key=lambda row: (-_slowness(row.traffic), row.name))
        totals: Counter[str] = Counter()
        for counts in self._outcomes.values():
            totals.update(counts)
        largest = max(self._largest.values(), default=0)
        return _traffic(totals, whole, largest, self._grid.seconds), rows

    def _guards(self) -> list[GuardRow]:
        decisions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (event, labels), count in self._events.items():
            if event.startswith(_GUARD):
                decisions[_label(labels, "guard")][event.removeprefix(_GUARD)] += count
        breakers, used, peaks = self._gauge(BREAKER), self._gauge(IN_USE), dict[str, float]()
        for (value, labels), windows in self._values.items():
            if value in {IN_USE, BREAKER}:
                guard = _label(labels, "guard")
                decisions.setdefault(guard, Counter())
                if value == IN_USE:
                    peak = max(one.max for one in windows)
                    peaks[guard] = max(peak, peaks.get(guard, 0.0))
        return [
            GuardRow(
                name=name,
                breaker=_breaker(breakers[name].last) if name in breakers else None,
                in_use=used[name].max if name in used else None,
                in_use_peak=peaks.get(name),
                decisions=dict(sorted(counts.items())),
            )
            for name, counts in sorted(decisions.items())
        ]

    def _gauge(self, name: str) -> dict[str, ValueWindow]:
        """Return what a gauge of guards shows now, by guard."""
        return {
            _label(labels, "guard"): one
            for (value, labels), one in self._fresh.items()
            if value == name
        }

    def _caches(self) -> list[CacheRow]:
        answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (event, labels), count in self._events.items():
            if event.startswith(_CACHE):
                answers[_label(labels, "cache")][event.removeprefix(_CACHE)] += count
        return [
            CacheRow(
                name=name,
                hits=_hits(found),
                misses=found["miss"],
                stale=found["stale"],
                evictions=found["eviction"],
                hit_ratio=_hit_ratio(_hits(found), found["miss"], found["stale"]),
            )
            for name, found in sorted(answers.items())
        ]

    def _value(
        self, key: tuple[str, str], windows: list[ValueWindow], minimums: Mapping[str, float]
    ) -> ValueRow:
        sums: defaultdict[int, list[ValueWindow]] = defaultdict(list)
        for one in windows:
            sums[one.start - (one.start - self._grid.since) % self._grid.step].append(one)
        return ValueRow(
            name=key[0],
            labels=labels_of(key[1]),
            count=sum(one.count for one in windows),
            mean=_mean(windows),
            least=min(one.min for one in windows),
            largest=max(one.max for one in windows),
            last=max(windows, key=lambda one: one.start).last,
            minimum=minimums.get(key[0]),
            means=tuple(
                _mean(sums[start]) if start in sums else None for start in self._grid.starts
            ),
        )

    def _timeline(self) -> Timeline:
        starts = self._grid.starts
        steps = [self._steps.get(start) or _Step() for start in starts]
        covered = [self._grid.covered(start) for start in starts]
        quantiles = [_durations(step.bins, step.largest_ns) for step in steps]
        return Timeline(
            step=self._grid.step,
            starts=starts,
            rate=tuple(step.calls / over for step, over in zip(steps, covered, strict=True)),
            bad_ratio=tuple(step.bad / step.calls if step.calls else None for step in steps),
            p50=tuple(found.p50 if found else None for found in quantiles),
            p95=tuple(found.p95 if found else None for found in quantiles),
            p99=tuple(found.p99 if found else None for found in quantiles),
            hit_ratio=tuple(
                _hit_ratio(_hits(step.cache), step.cache["miss"], step.cache["stale"])
                for step in steps
            ),
            in_use=tuple(step.in_use for step in steps),
            memory=tuple(step.memory for step in steps),
        )


class _Step:
    """What happened in one step of the time axis."""

    __slots__ = ("bad", "bins", "cache", "calls", "in_use", "largest_ns", "memory")

    def __init__(self) -> None:
        self.calls = self.bad = self.largest_ns = 0
        self.bins = BinsSum()
        self.cache: Counter[str] = Counter()
        self.in_use: float | None = None
        self.memory: float | None = None


def _traffic(counts: Mapping[str, int], bins: BinsSum, largest_ns: int, seconds: float) -> Traffic:
    calls = sum(counts.values())
    errors, degraded = counts.get("errors", 0), counts.get("degraded", 0)
    return Traffic(
        calls=calls,
        errors=errors,
        degraded=degraded,
        rate=calls / seconds,
        error_ratio=errors / calls if calls else None,
        degraded_ratio=degraded / calls if calls else None,
        durations=_durations(bins, largest_ns),
    )


def _durations(bins: BinsSum, largest_ns: int) -> Durations | None:
    # The middle of a bin may lie above everything in it.
    found = bins.quantiles(0.5, 0.95, 0.99)
    if not found:
        return None
    p50, p95, p99 = (min(one.middle_ns, largest_ns) / 1e9 for one in found)
    return Durations(p50, p95, p99, largest_ns / 1e9)


def _slowness(traffic: Traffic) -> float:
    return traffic.durations.p99 if traffic.durations else 0.0


def _mean(windows: Iterable[ValueWindow]) -> float:
    found = list(windows)
    return sum(one.sum for one in found) / sum(one.count for one in found)


def _hits(answers: Mapping[str, int]) -> int:
    return answers.get("hit", 0) + answers.get("shared", 0)


def _hit_ratio(hits: int, misses: int, stale: int) -> float | None:
    asked = hits + misses + stale
    return hits / asked if asked else None


def _breaker(openness: float) -> BreakerState:
    """The state that a gauge of 0, 0.5 or 1 stands for."""
    if openness >= 1:
        return "open"
    return "half open" if openness > 0 else "closed"


def _first(rows: list[_Row]) -> tuple[_Row, ...]:
    return tuple(rows[:MOST_ROWS])


def _label(labels: str, name: str) -> str:
    return labels_of(labels).get(name, "")
