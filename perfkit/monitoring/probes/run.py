"""Running probes on schedule, each in a thread of its own, and storing what they find.

A run that hangs is a failed call, and so is every run that it keeps from beginning; the other
probes go on meanwhile. Python cannot end a thread, so one that does not obey is left behind: one
of each probe at most.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from perfkit.monitoring.probes.attempt import Outcome, ProbeFailedError, Reason
from perfkit.monitoring.probes.opening import Planned
from perfkit.monitoring.probes.schedule import Schedule
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store_errors import StoreError
from perfkit.runtime.windows import Calls, Key

MOST_BATCHES: Final = 600
"""Batches that wait for a store that cannot be written; beyond, the oldest go and that is told."""


class Found(NamedTuple):
    """What one run found."""

    number: int
    outcome: Outcome
    counts: bool
    """Whether it is a call; not where the run had been called failed before it ended."""


@dataclass(slots=True)
class Probing:
    """Probes and the way to the store; clocks are arguments.

    ``store`` takes a batch or raises StoreError; ``clock`` is Unix time, ``monotonic`` only goes
    on. ``tell`` gets one line where the state of a probe or of the store changes.
    ``longest_wait`` is after how many seconds it is looked whether to end.
    """

    probes: Sequence[Planned]
    store: Callable[[Batch], None]
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    longest_wait: float = 0.5
    _found: "queue.SimpleQueue[tuple[int, Outcome]]" = field(default_factory=queue.SimpleQueue)
    _began: dict[int, float] = field(default_factory=dict)
    _failing: set[int] = field(default_factory=set)
    _waiting: deque[Batch] = field(default_factory=deque)
    _blocked: bool = False

    def run(self, ended: threading.Event) -> None:
        """Run every probe on its schedule until ``ended`` is set, and end what runs then."""
        schedule = self._schedule()
        try:
            while not ended.is_set():
                self._advance(schedule)
        finally:
            self._stop()

    def once(self) -> dict[int, Outcome]:
        """Run every probe once; return the outcome of each by its number."""
        schedule = self._schedule()
        outcomes: dict[int, Outcome] = {}
        try:
            while len(outcomes) < len(self.probes):
                for one in self._advance(schedule):
                    outcomes.setdefault(one.number, one.outcome)
        finally:
            self._stop()
        return outcomes

    def _schedule(self) -> Schedule:
        return Schedule([one.timing for one in self.probes], self.monotonic())

    def _advance(self, schedule: Schedule) -> list[Found]:
        """Begin what is due, wait for the next moment or outcome, and store what was found."""
        now = self.monotonic()
        step = schedule.step(now)
        for number in step.begin:
            self._begin(number, now)
        found = [
            Found(number, self._late(number, now), counts=True)
            for number in (*step.overdue, *step.hanging)
        ]
        for number in step.overdue:
            # From a thread of its own: ending a process may take a while.
            threading.Thread(target=self.probes[number].attempt.stop, daemon=True).start()
        found += [
            Found(number, outcome, schedule.ended(number))
            for number, outcome in self._ended(min(schedule.next() - now, self.longest_wait))
        ]
        self._keep([one for one in found if one.counts], step.missed)
        return found

    def _begin(self, number: int, now: float) -> None:
        self._began[number] = now
        threading.Thread(
            target=self._look, args=(number,), name=f"probe {number}", daemon=True
        ).start()

    def _look(self, number: int) -> None:
        """One run, in a thread of its own."""
        began = self.monotonic()
        reason: Reason | None = None
        detail, seconds = "", None
        try:
            seconds = self.probes[number].attempt()
        except ProbeFailedError as error:
            reason, detail = error.reason, error.detail
        except Exception as error:  # noqa: BLE001  # told as a failure of this probe; others go on
            reason, detail = "error", f"{type(error).__name__}: {error}"
        taken = self.monotonic() - began if seconds is None else seconds
        self._found.put((number, Outcome(taken, reason, detail)))

    def _late(self, number: int, now: float) -> Outcome:
        limit = self.probes[number].timing.timeout
        seconds = now - self._began[number]
        return Outcome(seconds, "timeout", f"still runs, {limit:g} s were given")

    def _ended(self, seconds: float) -> Iterator[tuple[int, Outcome]]:
        """Every outcome that is there; wait for the first one."""
        wait = max(0.0, seconds)
        while True:
            try:
                yield self._found.get(timeout=wait) if wait else self._found.get_nowait()
            except queue.Empty:
                return
            wait = 0.0

    def _keep(self, found: Sequence[Found], missed: Sequence[tuple[int, int]]) -> None:
        batch = Batch(int(self.clock()))
        for number, outcome, _ in found:
            one = self.probes[number]
            key = Key(one.component, one.name, labels_text({"probe": one.kind}))
            calls = _calls(outcome)
            if key in batch.calls:
                batch.calls[key].merge(calls)
            else:
                batch.calls[key] = calls
            if outcome.reason is not None:
                labels = labels_text({"probe": one.name, "reason": outcome.reason})
                failed = Key(one.component, "probe.failed", labels)
                batch.events[failed] = batch.events.get(failed, 0) + 1
            self._say(number, outcome)
        for number, times in missed:
            one = self.probes[number]
            key = Key(one.component, "probe.missed", labels_text({"probe": one.name}))
            batch.events[key] = batch.events.get(key, 0) + times
        if batch:
            self._waiting.append(batch)
        self._write()

    def _say(self, number: int, outcome: Outcome) -> None:
        one = self.probes[number]
        if outcome.reason is not None and number not in self._failing:
            self._failing.add(number)
            self.tell(f"{one.component}: {one.name} fails ({outcome.reason}): {outcome.detail}")
        elif outcome.reason is None and number in self._failing:
            self._failing.remove(number)
            self.tell(f"{one.component}: {one.name} answers again")

    def _write(self) -> None:
        while len(self._waiting) > MOST_BATCHES:
            self._waiting.popleft()
            self.tell(f"the oldest outcomes of probes were dropped: more than {MOST_BATCHES} wait")
        try:
            while self._waiting:
                self.store(self._waiting[0])
                self._waiting.popleft()
        except StoreError as error:
            if not self._blocked:
                self.tell(str(error))
            self._blocked = True
        else:
            self._blocked = False

    def _stop(self) -> None:
        """End the runs that go on, all at once, and wait for their processes to be gone."""
        stopping = [
            threading.Thread(target=self.probes[number].attempt.stop, daemon=True)
            for number in self._began
        ]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join(timeout=LONGEST_STOP)


LONGEST_STOP: Final = 5.0
"""Seconds that a run has to end: twice what a process group gets, and some."""


def _calls(outcome: Outcome) -> Calls:
    nanoseconds = max(0, round(outcome.seconds * 1e9))
    failed = int(outcome.reason is not None)
    return Calls(1 - failed, failed, 0, nanoseconds, nanoseconds, Bins([nanoseconds]))
