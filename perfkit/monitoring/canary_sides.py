"""The two sides of a canary from a telemetry store: two times, or two values of a label.

The store keeps durations in bins, whose width bounds what can be told apart; see ``BLUR``. Groups
are stretches of time, each at most a sixtieth of its side, since neighbouring calls are alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from perfkit.config.units import parse_duration
from perfkit.errors import MeasurementError, UsageError
from perfkit.monitoring.canary import Groups
from perfkit.runtime.bins import Bins, bounds_of
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Window
from perfkit.stats.two_sample import Design

MOST_GROUPS: Final = 60
MOST_DRAWN: Final = 100_000
"""Durations of a side that are looked at; of more, evenly spaced ranks of every group are taken."""
BLUR: Final = (1 + 1 / 64) / (1 - 1 / 64) - 1
"""A duration is within 1/64 of the middle of its bin, so a ratio of two is within this of theirs:
3.2 %. Source: :mod:`perfkit.runtime.bins`, whose bins are at most 1/32 of their values wide."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, Unix seconds."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Labelled:
    """Calls with this label."""

    name: str
    value: str


Side = Span | Labelled


@dataclass(frozen=True, slots=True)
class Sides:
    """Durations (seconds) of both sides, group by group."""

    base: Groups
    new: Groups
    design: Design
    """Interleaved where both sides were called at the same time, group beside group."""
    notes: tuple[str, ...]


def parse_side(text: str, at: float) -> Side | None:
    """Return what ``version=2`` or ``2h/1h`` or ``2026-11-26T01:00Z/now`` means at ``at``.

    A duration means so long ago. None is neither: a file.

    >>> parse_side("version=2", 0.0)
    Labelled(name='version', value='2')
    >>> parse_side("2h/30min", 10_000.0)
    Span(since=2800.0, until=8200.0)
    >>> parse_side("runs/base.csv", 0.0) is None
    True
    """
    name, equals, value = text.partition("=")
    begin, slash, end = text.partition("/")
    if slash and not equals:
        since, until = _moment(begin, at), _moment(end, at)
        if since is None or until is None:
            return None
        if since >= until:
            raise UsageError(f"--canary: found {text!r}, wanted an earlier time before the /")
        return Span(since, until)
    return Labelled(name, value) if equals and name else None


def sides_of(
    store: Store,
    base: Side,
    new: Side,
    *,
    component: str | None,
    call: str | None,
    lasting: Span,
) -> Sides:
    """Read both sides; ``lasting`` is when calls with labels are looked for.

    Raises:
        MeasurementError: a side has no call.
        StoreError: the store cannot be read.
    """
    spans = [side if isinstance(side, Span) else lasting for side in (base, new)]
    resolution = max(store.resolution_for(span.since, span.until) for span in spans)
    longest = max(span.until - span.since for span in spans)
    length = ceil(longest / MOST_GROUPS / resolution) * resolution
    found = [
        _groups(_chosen(store, side, span, component, call, resolution), length)
        for side, span in zip((base, new), spans, strict=True)
    ]
    for side, groups in zip((base, new), found, strict=True):
        if not groups:
            raise MeasurementError(
                f"{store.path}: no call of {_words(side)} was found; name another time, label, "
                "component or call."
            )
    counts = [sum(bins.count for bins in groups.values()) for groups in found]
    notes = [f"groups of {length} s", f"{counts[0]:,}+{counts[1]:,} calls"]
    both = sorted(set(found[0]) & set(found[1]))
    # Side by side in time: what the machine did, it did to both.
    beside = spans[0] == spans[1] and len(both) >= max(map(len, found)) / 2
    if beside:
        found = [{start: groups[start] for start in both} for groups in found]
    return Sides(
        base=_drawn(found[0].values()),
        new=_drawn(found[1].values()),
        design="interleaved" if beside else "sequential",
        notes=tuple(notes),
    )


def _moment(text: str, at: float) -> float | None:
    if text == "now":
        return at
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return at - parse_duration(text)
        except UsageError:
            return None
    if moment.tzinfo is None:
        raise UsageError(f"--canary: found {text!r} without a time zone, wanted one: {text}Z")
    return moment.timestamp()


def _words(side: Side) -> str:
    if isinstance(side, Labelled):
        return f"{side.name}={side.value}"
    return f"the {side.until - side.since:g} s from {side.since:.0f} on"


def _chosen(  # noqa: PLR0917  # one call
    store: Store,
    side: Side,
    span: Span,
    component: str | None,
    call: str | None,
    resolution: int,
) -> Iterable[Window]:
    for window in store.windows(
        component, call, since=span.since, until=span.until, resolution=resolution
    ):
        # An interval that begins before the span belongs to the time before.
        if window.start < span.since:
            continue
        if isinstance(side, Span) or window.key.label_values.get(side.name) == side.value:
            yield window


def _groups(windows: Iterable[Window], length: int) -> dict[int, Bins]:
    """The durations of each stretch, by its number."""
    found: dict[int, Bins] = {}
    for window in windows:
        found.setdefault(window.start // length, Bins()).merge(window.bins)
    return found


def _drawn(groups: Iterable[Bins]) -> Groups:
    every = list(groups)
    share = min(1.0, MOST_DRAWN / sum(bins.count for bins in every))
    return [_values(bins, max(1, round(bins.count * share))) for bins in every]


def _values(bins: Bins, most: int) -> Sequence[float]:
    """The middles of the bins of ``most`` evenly spaced ranks, ascending, seconds."""
    found: list[float] = []
    seen, count = 0, bins.count
    for number, times in bins.counts.items():
        seen += times
        # Rank k of the chosen ones stands at (k + 1/2) / most of all.
        upto = ceil(seen * most / count - 0.5)
        middle = max(bounds_of(number).middle_ns, 0.5) / 1e9
        found += [middle] * (upto - len(found))
    return found
