"""The loop under a clock that moves only when it waits: what a stall does is exact."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from perfkit.model import LoadObjective, Status
from perfkit.reliability.arrivals import Arrivals, Stage, arrivals
from perfkit.reliability.drive import Limits, LoadProgress, RequestFailedError, Sender, drive
from perfkit.reliability.judge import judge_load
from perfkit.reliability.record import LoadRecord, Outcome
from perfkit.reliability.summary import summarize

STAGES = (Stage("hold", 10, 10, 10),)
LAST_DUE = 9.9


class Time:
    """Moves by what the driver waits, and by steps of 10 ms once everything is sent."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(3):
            await asyncio.sleep(0)

    async def until(self, moment: float) -> None:
        while self.now < moment - 1e-12:  # noqa: ASYNC110 - the clock is no event
            await asyncio.sleep(0)

    async def run_out(self) -> None:
        while True:
            await asyncio.sleep(0)
            if self.now > LAST_DUE - 1e-6:
                self.now += 0.01


class Server:
    """Answers after what ``service`` says of the moment at which a request comes."""

    def __init__(self, time: Time, service: Callable[[float], float]) -> None:
        self.time, self.service, self.indices = time, service, list[int]()

    async def send(self, index: int) -> None:
        self.indices.append(index)
        await self.time.until(self.time.now + self.service(self.time.now))


def run(
    sender: Sender, time: Time, *, most_waiting: int = 100, stop_after: float = float("inf")
) -> LoadRecord:
    async def whole() -> LoadRecord:
        stop = asyncio.Event()

        def progress(now: LoadProgress) -> None:
            if now.seconds >= stop_after:
                stop.set()

        running_out = asyncio.create_task(time.run_out())
        try:
            return await drive(
                arrivals(STAGES, "constant", np.random.default_rng(0)),
                STAGES,
                sender,
                limits=Limits(timeout=3600, most_waiting=most_waiting),
                clock=time.clock,
                cpu_clock=lambda: 0.0,
                stop=stop,
                on_progress=progress,
                sleep=time.sleep,
            )
        finally:
            running_out.cancel()

    return asyncio.run(whole())


def test_every_request_is_sent_when_it_is_due_whatever_the_server_does() -> None:
    time = Time()
    server = Server(time, lambda _: 5.0)
    record = run(server, time)
    assert server.indices == list(range(100))
    assert record.sent[:-1] == pytest.approx(record.due[:-1], abs=1e-9)
    assert record.count(Outcome.OK) == 100


def test_latency_counts_from_when_a_request_was_due_in_a_stall() -> None:
    time = Time()
    # Nothing is answered between 4 s and 6 s.
    server = Server(time, lambda now: max(0.0, 6.0 - now) if 4.0 <= now < 6.0 else 0.0)
    record = run(server, time)
    stalled = (record.due >= 4.0) & (record.due < 6.0)
    assert record.latency[stalled] == pytest.approx(6.0 - record.due[stalled], abs=0.15)
    assert (record.latency[~stalled] < 0.15).all()


def test_beyond_the_allowed_number_a_request_is_missed_and_fails() -> None:
    time = Time()
    record = run(Server(time, lambda _: 20.0), time, most_waiting=7)
    assert record.count(Outcome.MISSED) == 93
    assert np.isnan(record.sent[record.outcome == Outcome.MISSED]).all()
    assert record.errors == {"not sent: 7 were waiting for an answer": 93}


class Refusing:
    async def send(self, index: int) -> None:
        if index % 2:
            raise RequestFailedError("HTTP 503")
        raise ConnectionResetError(104, "Connection reset by peer")


class HalfDegraded:
    async def send(self, index: int) -> str | None:
        return "stale" if index % 2 else None


def test_degraded_answers_are_neither_ok_nor_failures() -> None:
    record = run(HalfDegraded(), Time())
    assert (record.count(Outcome.OK), record.count(Outcome.DEGRADED)) == (50, 50)
    assert (record.degradations, record.errors) == ({"stale": 50}, {})
    assert not record.failed.any()
    assert np.isfinite(record.latency).all()
    (judged,) = judge_load(record, [LoadObjective("availability", 0.99)])
    assert judged.status is Status.FAILED
    assert judged.measured is not None
    assert judged.measured.estimate == 0.5
    (stage,) = summarize(record, [judged], target="", arrivals="").stages
    assert (stage.ok, stage.degraded, stage.failed) == (50, 50, 0)


def test_errors_are_failures_with_their_reasons() -> None:
    record = run(Refusing(), Time())
    assert record.count(Outcome.ERROR) == 100
    assert record.errors == {"HTTP 503": 50, "[Errno 104] Connection reset by peer": 50}


class Numbered:
    async def send(self, index: int) -> None:
        raise RequestFailedError(f"error {index}")


def test_reasons_are_bounded() -> None:
    record = run(Numbered(), Time())
    assert len(record.errors) == 21
    assert record.errors["other"] == 80


class Broken:
    async def send(self, index: int) -> None:
        raise LookupError(f"no request {index}")


def test_what_no_sender_should_raise_ends_the_load() -> None:
    with pytest.raises(LookupError, match="no request 0"):
        run(Broken(), Time())


def test_an_interrupted_load_keeps_what_was_sent() -> None:
    time = Time()
    record = run(Server(time, lambda _: 0.0), time, stop_after=5.0)
    assert record.interrupted
    assert 45 <= record.count(Outcome.OK) <= 60
    assert record.count(Outcome.UNSENT) == 100 - record.count(Outcome.OK)
    assert not record.failed.any()


class Slow:
    async def send(self, index: int) -> None:
        del index
        await asyncio.Event().wait()


def test_a_request_without_an_answer_times_out() -> None:
    async def whole() -> LoadRecord:
        return await drive(
            Arrivals(np.zeros(3), np.zeros(3, dtype=np.int64)),
            STAGES,
            Slow(),
            limits=Limits(timeout=0.01, most_waiting=3),
            clock=asyncio.get_running_loop().time,
            cpu_clock=lambda: 0.0,
            stop=asyncio.Event(),
            on_progress=lambda _: None,
        )

    record = asyncio.run(whole())
    assert record.count(Outcome.TIMEOUT) == 3
    assert record.errors == {"no answer within 0.01 s": 3}
