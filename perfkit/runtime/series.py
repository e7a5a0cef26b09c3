"""What a process has seen since it was last folded: appended by its threads, drained by one."""

import logging
import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

from perfkit.runtime.bins import Bins
from perfkit.runtime.windows import Calls, Key, Values, labels_text

MOST_WAITING = 2**22
"""Calls of one series and outcome that may wait to be folded. No thread makes more in a second;
where the folding stood still for long, the oldest go and ``runtime.lost`` is counted."""

MOST_LABELS = 100
"""Sets of labels of one name; further ones share the labels ``{"capped": "true"}``."""

MOST_SERIES = 2000
"""Series of a process; further names share the name ``(other)``."""

RUNTIME = "perfkit.runtime"
"""The component under which the runtime counts what happens to itself."""

CAPPED = '{"capped": "true"}'
OTHER = "(other)"

T = TypeVar("T")

logger = logging.getLogger(RUNTIME)


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
        self._labels_of: Counter[tuple[str, str]] = Counter()
        self._told: set[tuple[str, str]] = set()
        self._happened: deque[tuple[Key, int]] = deque(maxlen=MOST_WAITING)
        self._values: deque[tuple[Key, float]] = deque(maxlen=MOST_WAITING)

    def key(self, component: str, name: str, labels: Mapping[str, object] | None) -> Key:
        """Return the series to count under: what is asked for, or what stands for the surplus."""
        asked = Key(component, name, labels_text(labels))
        found = self._known.get(asked)
        return found if found is not None else self._new_key(asked)

    def _new_key(self, asked: Key) -> Key:
        if len(self._known) >= MOST_SERIES:
            self._tell(("", ""), "%d series: further names are counted as %s", MOST_SERIES, OTHER)
            return Key(asked.component, OTHER)
        of = (asked.component, asked.name)
        if self._labels_of[of] >= MOST_LABELS:
            self._tell(of, "%s has %d sets of labels: further ones are capped", of[1], MOST_LABELS)
            return Key(asked.component, asked.name, CAPPED)
        # Threads that come here together may go over the bounds by as many.
        self._labels_of[of] += 1
        self._known[asked] = asked
        return asked

    def _tell(self, about: tuple[str, str], text: str, *arguments: object) -> None:
        if about not in self._told:
            self._told.add(about)
            logger.warning(text, *arguments)
            self._happened.append((Key(RUNTIME, "runtime.capped"), 1))

    def timed(self, key: Key) -> Timed:
        """Return where the calls of a series are appended; the same one for the same series."""
        return self._timed.setdefault(key, Timed(key))

    def happened(self, key: Key, times: int = 1) -> None:
        """Count an event."""
        self._happened.append((key, times))

    def value(self, key: Key, value: float) -> None:
        """Note a value; one that is no finite number is counted as ``runtime.invalid_value``."""
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
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
