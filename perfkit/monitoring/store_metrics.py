"""The metrics of a telemetry store, under the names of :mod:`perfkit.monitoring.metric_names`.

Counters are the totals that the store keeps of every series: no retention ends these, so a counter
falls neither with old intervals nor with a restart of whoever reads. A failure's counter exists at
0 as soon as its call was seen, so that the first failure is a rise. Sets of labels that the
application adds are summed up: names alone say what a rule is about.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from perfkit.config.load import Settings
from perfkit.monitoring import metric_names as names
from perfkit.monitoring.exposition import Family, Sample
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import ALL_TIME, EventWindow, Key, ValueWindow, Window

MOST_NAMES: Final = 1000
"""Names of calls, of qualities and of events, each; those that appeared later count together."""

FRESH_SECONDS: Final = 60
"""Age beyond which a gauge is no longer given: its process does not run, or does not record."""

_GAUGES: Final = {names.MEMORY_GAUGE, names.BREAKER_GAUGE, names.BULKHEAD_GAUGE}


@dataclass(frozen=True, slots=True)
class Totals:
    """What a store has counted since it exists, and the values of the last minute."""

    calls: Sequence[Window]
    values: Sequence[ValueWindow]
    events: Sequence[EventWindow]
    recent: Sequence[ValueWindow]


def read_totals(store: Store, at: float) -> Totals:
    """Read the totals, and the values since a minute before ``at`` (Unix seconds).

    Raises:
        StoreError: the file could not be read.
    """
    return Totals(
        calls=tuple(store.windows(resolution=ALL_TIME)),
        values=tuple(store.values(resolution=ALL_TIME)),
        events=tuple(store.events(resolution=ALL_TIME)),
        recent=tuple(store.values(since=at - FRESH_SECONDS, resolution=1)),
    )


def store_bounds(settings: Settings) -> tuple[float, ...]:
    """Return the boundaries (seconds) that the configured objectives and alerts need."""
    return names.duration_bounds(settings.thresholds.objectives, settings.monitoring.alerts)


def families(totals: Totals, bounds: Sequence[float]) -> tuple[Family, ...]:
    """Return every metric; ``bounds`` are the upper limits (seconds) of the duration histogram."""
    together = _Together()
    summed = _summed_calls(totals.calls, together)
    qualities, left_out = _quality(totals.values, together)
    events = _events(totals.events, together)
    return (
        Family(
            names.CALLS,
            "counter",
            "Finished calls by how they ended.",
            [
                Sample((*_named(key), ("outcome", outcome)), count)
                for key, one in summed.items()
                for outcome, count in one.outcomes
            ],
        ),
        _durations(summed, bounds),
        Family(names.QUALITY, "summary", "Values of qualities and gauges.", qualities),
        Family(names.EVENTS, "counter", "Things that happened.", events),
        *_of_parts("cache", names.CACHE_EVENTS, names.CACHE_WORDS, totals),
        *_of_parts("guard", names.GUARD_EVENTS, names.GUARD_WORDS, totals),
        *_recent(totals.recent, {one.labels for one in qualities}),
        Family(
            names.LEFT_TOGETHER,
            "gauge",
            f"Names counted together as {names.OTHERS}, beyond {MOST_NAMES} of a kind.",
            [Sample((), together.count)],
        ),
        Family(
            names.SUMS_LEFT_OUT,
            "gauge",
            "Qualities without a sum, as they were negative and a counter cannot fall.",
            [Sample((), left_out)],
        ),
    )


def duration_family(calls: Sequence[Window], bounds: Sequence[float]) -> Family:
    """Return the histogram of the durations (seconds) of some calls."""
    return _durations(_summed_calls(calls, _Together()), bounds)


class _Named(Protocol):
    @property
    def component(self) -> str: ...
    @property
    def name(self) -> str: ...


_Any = TypeVar("_Any", bound=_Named)


@dataclass(slots=True)
class _Together:
    """Which names are counted together.

    Series come in the order in which they first appeared, so that the choice never changes and the
    sum of the surplus never falls.
    """

    count: int = 0

    def __call__(self, found: Iterable[_Any]) -> Iterator[tuple[tuple[str, str], _Any]]:
        known: set[tuple[str, str]] = set()
        surplus: set[tuple[str, str]] = set()
        for one in found:
            key = (one.component, one.name)
            if key not in known:
                if len(known) >= MOST_NAMES:
                    surplus.add(key)
                    key = (one.component, names.OTHERS)
                else:
                    known.add(key)
            yield key, one
        self.count += len(surplus)


@dataclass(slots=True)
class _Summed:
    """Calls of one name."""

    ok: int = 0
    errors: int = 0
    degraded: int = 0
    sum_ns: int = 0
    bins: Bins = field(default_factory=Bins)

    @property
    def outcomes(self) -> tuple[tuple[str, int], ...]:
        return (names.OK, self.ok), (names.ERROR, self.errors), (names.DEGRADED, self.degraded)


def _summed_calls(found: Iterable[Window], together: _Together) -> dict[tuple[str, str], _Summed]:
    summed: dict[tuple[str, str], _Summed] = {}
    for key, one in together(found):
        total = summed.setdefault(key, _Summed())
        total.ok += one.ok
        total.errors += one.errors
        total.degraded += one.degraded
        total.sum_ns += one.sum_ns
        total.bins.merge(one.bins)
    return summed


def _durations(summed: Mapping[tuple[str, str], _Summed], bounds: Sequence[float]) -> Family:
    return Family(
        names.DURATION,
        "histogram",
        "Durations of finished calls, of every outcome; known to within 3.2 %.",
        [sample for key, one in summed.items() for sample in _histogram(key, one, bounds)],
        unit="seconds",
    )


def _histogram(key: tuple[str, str], one: _Summed, bounds: Sequence[float]) -> Iterator[Sample]:
    labels, count = _named(key), one.bins.count
    for bound in bounds:
        within = count - one.bins.above(round(bound * 1e9))
        yield Sample((*labels, ("le", names.bound_label(bound))), within, "_bucket")
    yield Sample((*labels, ("le", "+Inf")), count, "_bucket")
    yield Sample(labels, one.sum_ns / 1e9, "_sum")
    yield Sample(labels, count, "_count")


def _quality(found: Iterable[ValueWindow], together: _Together) -> tuple[list[Sample], int]:
    """The sums and counts, and how many sums are left out."""
    sums: dict[tuple[str, str], tuple[float, int, float]] = {}
    for key, one in together(one for one in found if one.name not in _GAUGES):
        total, count, least = sums.get(key, (0.0, 0, one.min))
        sums[key] = total + one.sum, count + one.count, min(least, one.min)
    samples = []
    for key, (total, count, least) in sums.items():
        if least >= 0:
            samples.append(Sample(_named(key), total, "_sum"))
        samples.append(Sample(_named(key), count, "_count"))
    return samples, sum(least < 0 for _, _, least in sums.values())


def _events(found: Iterable[EventWindow], together: _Together) -> list[Sample]:
    counts: dict[tuple[str, str], int] = {}
    for key, one in together(one for one in found if not _of_a_part(one.name)):
        counts[key] = counts.get(key, 0) + one.count
    return [Sample(_named(key), count) for key, count in counts.items()]


def _of_a_part(name: str) -> bool:
    kind, _, word = name.partition(".")
    return word in {"cache": names.CACHE_WORDS, "guard": names.GUARD_WORDS}.get(kind, ())


def _of_parts(kind: str, metric: str, words: Sequence[str], totals: Totals) -> Iterator[Family]:
    """What caches or guards did: every word at 0 for every one that is known."""
    counts: dict[tuple[str, str], dict[str, int]] = {}

    def counted(one: EventWindow | ValueWindow) -> dict[str, int]:
        part = _label(one, kind)
        return counts.setdefault((one.component, part), dict.fromkeys(words, 0))

    for event in totals.events:
        known, _, word = event.name.partition(".")
        if known == kind and word in words:
            counted(event)[word] += event.count
    for value in totals.values:
        if kind == "guard" and value.name in {names.BREAKER_GAUGE, names.BULKHEAD_GAUGE}:
            counted(value)
    samples = [
        Sample((("component", component), (kind, part), ("event", word)), count)
        for (component, part), of in counts.items()
        for word, count in of.items()
    ]
    yield Family(metric, "counter", f"What a {kind} did.", samples)


def _recent(
    found: Sequence[ValueWindow], known: Collection[Sequence[tuple[str, str]]]
) -> Iterator[Family]:
    """Gauges: of each series its newest interval; over several processes the largest value.

    ``known`` are the labels that are not counted together: what is has no last value.
    """
    newest: dict[Key, ValueWindow] = {}
    for one in found:  # in the order of time
        newest[Key(one.component, one.name, one.labels)] = one

    def guards(gauge: str, one: ValueWindow) -> tuple[tuple[str, str], ...] | None:
        if one.name != gauge:
            return None
        return ("component", one.component), ("guard", _label(one, "guard"))

    def memory(one: ValueWindow) -> tuple[tuple[str, str], ...] | None:
        if one.name != names.MEMORY_GAUGE:
            return None
        process = _label(one, "process")  # stores of earlier versions have none
        return ("component", one.component), *([("process", process)] if process else [])

    yield _largest(names.MEMORY, "Resident memory of each process.", newest, memory, unit="bytes")
    yield _largest(
        names.BREAKER,
        "State of a circuit breaker: 0 closed, 0.5 half open, 1 open.",
        newest,
        lambda one: guards(names.BREAKER_GAUGE, one),
    )
    yield _largest(
        names.BULKHEAD,
        "Share of a bulkhead that is taken.",
        newest,
        lambda one: guards(names.BULKHEAD_GAUGE, one),
    )
    last: dict[tuple[tuple[str, str], ...], ValueWindow] = {}
    for one in sorted(newest.values(), key=lambda one: one.start):
        labels = _named((one.component, one.name))
        if labels in known:
            last[labels] = one
    yield Family(
        names.LAST_VALUE,
        "gauge",
        f"The last value of a quality or gauge, of the last {FRESH_SECONDS} s.",
        [Sample(labels, one.last) for labels, one in last.items()],
    )


def _largest(
    metric: str,
    help_: str,
    newest: Mapping[Key, ValueWindow],
    labels_of: Callable[[ValueWindow], tuple[tuple[str, str], ...] | None],
    unit: str = "",
) -> Family:
    found: dict[tuple[tuple[str, str], ...], float] = {}
    for one in newest.values():
        labels = labels_of(one)
        if labels is not None:
            found[labels] = max(found.get(labels, one.max), one.max)
    samples = [Sample(labels, value) for labels, value in found.items()]
    return Family(metric, "gauge", help_, samples, unit)


def _label(one: EventWindow | ValueWindow, name: str) -> str:
    return Key(one.component, one.name, one.labels).label_values.get(name, "")


def _named(key: tuple[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("component", key[0]), ("name", key[1])
