"""Sending every request when it is due, whatever became of those before."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perfkit.reliability.arrivals import Arrivals, Stage
from perfkit.reliability.record import LoadRecord, Outcome

MOST_REASONS = 20
"""Different reasons that are told apart; a server that numbers its errors would fill a report."""

PROGRESS_EVERY = 0.25
"""Seconds between two reports of progress."""


class RequestFailedError(Exception):
    """A request was answered with an error; the text is short and the same for the same cause."""


class Sender(Protocol):
    """Something that sends one request and waits for the whole answer."""

    async def send(self, index: int) -> str | None:
        """Send request number ``index``; return why the answer is degraded, None for a real one.

        Raises RequestFailedError, OSError or TimeoutError.
        """


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load is: seconds since its start, requests sent, waiting and failed."""

    seconds: float
    total_seconds: float
    sent: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a load: seconds for each request from its sending, and how many may wait."""

    timeout: float
    most_waiting: int


async def drive(
    planned: Arrivals,
    stages: Sequence[Stage],
    sender: Sender,
    *,
    limits: Limits,
    clock: Callable[[], float],
    cpu_clock: Callable[[], float],
    stop: asyncio.Event,
    on_progress: Callable[[LoadProgress], None],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> LoadRecord:
    """Send what is planned, wait for the answers, and return what happened.

    Args:
        planned: When requests are due.
        stages: What ``planned.stage`` counts.
        sender: Sends one request.
        limits: Beyond ``most_waiting`` a request that is due is missed, which is a failure.
        clock: Monotonic seconds.
        cpu_clock: Processor seconds of this process.
        stop: When set, nothing more is sent and what waits is given up.
        on_progress: Is told how far it is, four times a second.
        sleep: Waits so many seconds of ``clock``.

    Raises what a sender raises besides the errors that :class:`Sender` names.
    """
    cpu_before = cpu_clock()
    flight = _Flight(planned, sender, limits, clock)
    ends = sum(stage.seconds for stage in stages)
    told = -PROGRESS_EVERY
    while flight.sent_so_far < len(planned) and not stop.is_set() and not flight.broken:
        now = flight.now()
        if now - told >= PROGRESS_EVERY:
            told = now
            on_progress(flight.progress(now, ends))
        # Slices, so that an interruption and the progress are seen in a slow load as well. Zero
        # where something is due: answers have to be read between two requests.
        left = planned.due[flight.sent_so_far] - now
        if left <= 0:
            flight.send_next()
        await sleep(max(0.0, min(left, PROGRESS_EVERY)))
    await flight.land(stop)
    return LoadRecord(
        due=planned.due,
        sent=flight.sent,
        done=flight.done,
        ended=flight.ended,
        outcome=flight.outcome,
        stage=planned.stage,
        stages=tuple(stages),
        errors=dict(flight.reasons.most_common()),
        degradations=dict(flight.degradations.most_common()),
        seconds=flight.now(),
        cpu_seconds=cpu_clock() - cpu_before,
        interrupted=stop.is_set(),
    )


class _Flight:
    """The requests that wait for an answer, and what became of the others."""

    def __init__(
        self, planned: Arrivals, sender: Sender, limits: Limits, clock: Callable[[], float]
    ) -> None:
        count = len(planned)
        self.sent, self.done = np.full(count, np.nan), np.full(count, np.nan)
        self.ended = np.full(count, np.nan)
        self.outcome = np.full(count, Outcome.UNSENT, dtype=np.int8)
        self.reasons: Counter[str] = Counter()
        self.degradations: Counter[str] = Counter()
        self.broken: list[BaseException] = []
        self.sent_so_far = 0
        self._failures = 0
        self._waiting: set[asyncio.Task[None]] = set()
        self._sender = sender
        self._limits = limits
        self._clock = clock
        self._start = clock()

    def now(self) -> float:
        """Return seconds since the load began."""
        return self._clock() - self._start

    def progress(self, now: float, ends: float) -> LoadProgress:
        """Return how far it is."""
        return LoadProgress(now, ends, self.sent_so_far, len(self._waiting), self._failures)

    def send_next(self) -> None:
        """Send the next request, or note that it was missed."""
        index, most = self.sent_so_far, self._limits.most_waiting
        self.sent_so_far += 1
        if len(self._waiting) >= most:
            self._fail(index, Outcome.MISSED, f"not sent: {most} were waiting for an answer")
            return
        task = asyncio.create_task(self._one(index))
        self._waiting.add(task)
        task.add_done_callback(self._ended)

    async def land(self, stop: asyncio.Event) -> None:
        """Wait for every answer, which their timeout bounds, or give them up at ``stop``."""
        stopped = asyncio.create_task(stop.wait())
        while self._waiting and not stop.is_set() and not self.broken:
            await asyncio.wait([*self._waiting, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in list(self._waiting):
            task.cancel()
        if self._waiting:
            await asyncio.wait(list(self._waiting))
        if self.broken:
            raise self.broken[0]

    async def _one(self, index: int) -> None:
        self.sent[index] = self.now()
        try:
            async with asyncio.timeout(self._limits.timeout):
                degraded = await self._sender.send(index)
        except TimeoutError:
            self._fail(index, Outcome.TIMEOUT, f"no answer within {self._limits.timeout:g} s")
        except (RequestFailedError, OSError) as error:
            self._fail(index, Outcome.ERROR, str(error) or type(error).__name__)
        except asyncio.CancelledError:
            self._fail(index, Outcome.TIMEOUT, "given up when the load was interrupted")
            raise
        else:
            self.done[index] = self.ended[index] = self.now()
            self.outcome[index] = Outcome.OK if degraded is None else Outcome.DEGRADED
            if degraded is not None:
                _tally(self.degradations, degraded)

    def _fail(self, index: int, how: Outcome, reason: str) -> None:
        self._failures += 1
        self.outcome[index] = how
        self.ended[index] = self.now()
        _tally(self.reasons, reason)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broken.append(error)


def _tally(counts: Counter[str], reason: str) -> None:
    known = reason in counts or len(counts) < MOST_REASONS
    counts[reason if known else "other"] += 1
