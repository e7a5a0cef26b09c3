"""What a process has seen since it was last folded: appended by its threads, drained by one."""

import logging
import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_text, readable_labels, storable, storable_labels
from perfkit.runtime.windows import Calls, Key, Values

MOST_WAITING = 2**22
"""Calls of one series and outcome that may wait to be folded. No thread makes more in a second;
where the folding stood still for long, the oldest go and ``runtime.lost`` is counted."""

MOST_LABELS = 100
"""Sets of labels of one name; further ones share the labels ``{"capped": "true"}``."""

MOST_SERIES = 2000
"""Series of a process; further names share the name ``(other)``."""

LARGEST_VALUE = 1e290
"""No value is larger: 10**18 of them, all that an integer of SQLite counts, still have a sum."""

RUNTIME = "perfkit.runtime"
"""The component under which the runtime counts what happens to itself."""

CAPPED = '{"capped": "true"}'
OTHER = "(other)"

T = TypeVar("T")

logger = logging.getLogger(RUNTIME)


def parts_of(
    component: str, name: str, labels: Mapping[str, object] | None
) -> tuple[str, ...] | None:
    """Return what tells a series from another without making its text; None where that differs.

    Only of plain strings is it certain that equal ones have the same text: 1 and True are equal.
    """
    try:
        parts = (component, name, *(labels or ()), *(labels.values() if labels else ()))
    except Exception:  # noqa: BLE001  # an application's object may raise anything
        return None
    return parts if all(type(part) is str for part in parts) else None


class Timed:
    """The durations (ns) of a series' calls by outcome; ``append`` is safe from any thread."""

    __slots__ = ("degraded", "errors", "key", "ok")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.ok: deque[int] = deque(maxlen=MOST_WAITING)
        self.errors: deque[int] = deque(maxlen=MOST_WAITING)
        self.degraded: deque[int] = deque(maxlen=MOST_WAITING)


class Collected:
    """Everything that waits to be folded. A component of "" stands for the application's own."""

    def __init__(self) -> None:
        self._timed: dict[Key, Timed] = {}
        self._known: dict[Key, Key] = {}
        self._keys: dict[tuple[object, ...], Key] = {}
        self._components = {""}
        self._labels_of: Counter[tuple[str, str]] = Counter()
        self._told: set[tuple[str, str]] = set()
        self._happened: deque[tuple[Key, int]] = deque(maxlen=MOST_WAITING)
        self._values: deque[tuple[Key, float]] = deque(maxlen=MOST_WAITING)

    def key(self, component: str, name: str, labels: Mapping[str, object] | None) -> Key:
        """Return the series to count under: what is asked for, or what stands for the surplus.

        Never raises: of names and labels that raise, what can be read is taken, and they count as
        ``runtime.invalid_label``.
        """
        try:
            if not labels:
                return self._keys[component, name]
            return self._keys[component, name, *labels, *labels.values()]
        except Exception:  # noqa: BLE001  # not seen before, or what can be no key of a dictionary
            key = self._look_up(component, name, labels)
        parts = parts_of(component, name, labels)
        if parts is not None and key in self._known and len(self._keys) < MOST_SERIES:
            self._keys[parts] = key
        return key

    def knows(self, parts: tuple[str, ...]) -> bool:
        """Return whether a series is found without making its text, and is not a capped one."""
        return parts in self._keys

    def _look_up(self, component: str, name: str, labels: Mapping[str, object] | None) -> Key:
        try:
            asked = Key(component, name, labels_text(labels))
            found = self._known.get(asked)
        except Exception:  # noqa: BLE001  # an application's objects may raise anything
            self._happened.append((Key(RUNTIME, "runtime.invalid_label"), 1))
            if self._is_news(("", "invalid")):
                logger.warning(
                    "%s has a name or labels that cannot be read: they are counted as"
                    " runtime.invalid_label",
                    storable(name),
                )
            return self._new_key(component, name, readable_labels(labels))
        return found if found is not None else self._new_key(*asked)

    def _new_key(self, component: object, name: object, labels: str) -> Key:
        new = Key(
            "" if component is None else storable(component),
            storable(name),
            storable_labels(labels),
        )
        if (known := self._known.get(new)) is not None:
            return known  # asked for in another way, such as with surrogates
        if len(self._known) >= MOST_SERIES:
            if self._is_capped(("", "")):
                logger.warning("%d series: further names are counted as %s", MOST_SERIES, OTHER)
            return Key(new.component if new.component in self._components else "", OTHER)
        of = (new.component, new.name)
        if self._labels_of[of] >= MOST_LABELS:
            if self._is_capped(of):
                logger.warning(
                    "%s has %d sets of labels: further ones are capped", new.name, MOST_LABELS
                )
            return Key(new.component, new.name, CAPPED)
        # Threads that come here together may go over the bounds by as many.
        self._labels_of[of] += 1
        self._components.add(new.component)
        self._known[new] = new
        return new

    def _is_capped(self, about: tuple[str, str]) -> bool:
        """Count what is capped once; return whether it is to be told."""
        news = self._is_news(about)
        if news:
            self._happened.append((Key(RUNTIME, "runtime.capped"), 1))
        return news

    def _is_news(self, about: tuple[str, str]) -> bool:
        news = about not in self._told
        self._told.add(about)
        return news

    def timed(self, key: Key) -> Timed:
        """Return where the calls of a series are appended; the same one for the same series."""
        found = self._timed.get(key)
        return found if found is not None else self._timed.setdefault(key, Timed(key))

    def happened(self, key: Key, times: int = 1) -> None:
        """Count an event."""
        self._happened.append((key, times))

    def value(self, key: Key, value: float) -> None:
        """Note a value; one that is no finite number is counted as ``runtime.invalid_value``.

        So is one above LARGEST_VALUE. Never raises.
        """
        try:
            number = float(value)
        except Exception:  # noqa: BLE001  # an application's object may raise anything
            number = math.nan
        if abs(number) <= LARGEST_VALUE:  # what is no number is not
            self._values.append((key, number))
        else:
            self._happened.append((Key(RUNTIME, "runtime.invalid_value"), 1))

    def clear(self) -> None:
        """Forget what waits, as the child of a fork does: its parent counts it."""
        for timed in self._timed.values():
            for waiting in (timed.ok, timed.errors, timed.degraded):
                waiting.clear()
        self._happened.clear()
        self._values.clear()

    def drain(self, component: str) -> tuple[dict[Key, Calls], dict[Key, Values], dict[Key, int]]:
        """Take what waits: calls, values and events, ``component`` in place of an empty one."""

        def named(key: Key) -> Key:
            return key if key.component else Key(component, key.name, key.labels)

        events: defaultdict[Key, int] = defaultdict(int)
        calls: dict[Key, Calls] = {}
        for timed in list(self._timed.values()):
            waiting = (timed.ok, timed.errors, timed.degraded)
            if any(waiting):
                events[Key(RUNTIME, "runtime.lost")] += sum(
                    len(some) == MOST_WAITING for some in waiting
                )
                found = _calls(*map(_taken, waiting))
                key = named(timed.key)
                if key in calls:  # the same series with and without its component
                    calls[key].merge(found)
                else:
                    calls[key] = found
        values: dict[Key, Values] = {}
        for key, value in _taken(self._values):
            one = Values(1, value, value, value, value)
            known = values.setdefault(named(key), one)
            if known is not one:
                known.merge(one)
        for key, times in _taken(self._happened):
            events[named(key)] += times
        return calls, values, {key: times for key, times in events.items() if times}


def _taken(waiting: deque[T]) -> list[T]:
    """Take what is in a deque now, while others append."""
    return list(islice(iter(waiting.popleft, None), len(waiting)))


def _calls(ok: list[int], errors: list[int], degraded: list[int]) -> Calls:
    durations = [*ok, *errors, *degraded]
    return Calls(
        ok=len(ok),
        errors=len(errors),
        degraded=len(degraded),
        sum_ns=max(0, sum(durations)),
        max_ns=max(0, *durations) if len(durations) > 1 else max(0, durations[0]),
        bins=Bins(durations),
    )
