import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
import stamina
from recorded_telemetry import Recorded

from perfkit.runtime.breaker import Breaker, State
from perfkit.runtime.budget import RetryBudget
from perfkit.runtime.bulkhead import Bulkhead
from perfkit.runtime.degraded import (
    BreakerOpenError,
    DeadlineError,
    Degraded,
    ShedError,
)
from perfkit.runtime.guarding import Guard, guard, time_left
from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.retrying import Retry
from perfkit.runtime.store import Store
from perfkit.runtime.tracking import track


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _without_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


class Dependency:
    """Fails the first ``failures`` calls, sync or async."""

    def __init__(self, failures: int, error: type[Exception] = OSError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def answer(self, order: int = 0) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"call {self.calls}")
        return order

    async def answer_later(self, order: int = 0) -> int:
        await asyncio.sleep(0)
        return self.answer(order)

    def call(self, by: Guard, *, later: bool, order: int = 0) -> object:
        if later:
            return asyncio.run(by(self.answer_later)(order))
        return by(self.answer)(order)


either = pytest.mark.parametrize("later", [False, True])


@either
def test_an_error_is_tried_again_and_counted(recorded: Recorded, later: bool) -> None:
    dependency = Dependency(failures=2)
    assert dependency.call(guard("db", retry=Retry(OSError)), later=later, order=7) == 7
    assert dependency.calls == 3
    assert recorded.events() == {"guard.retry": 2}


@either
def test_attempts_end_and_the_last_error_is_raised(recorded: Recorded, later: bool) -> None:
    dependency = Dependency(failures=9)
    with pytest.raises(OSError, match="call 3"):
        dependency.call(guard("db", retry=Retry(OSError)), later=later)
    other = Dependency(failures=9, error=KeyError)
    with pytest.raises(KeyError):
        other.call(guard("db", retry=Retry(OSError)), later=later)
    assert (dependency.calls, other.calls) == (3, 1)
    assert recorded.events() == {"guard.retry": 2}


@either
def test_a_spent_budget_ends_retries(recorded: Recorded, later: bool) -> None:
    dependency = Dependency(failures=10**9)
    by = guard("db", retry=Retry(OSError), budget=RetryBudget(share=0.1, most=1))
    for _ in range(100):
        with pytest.raises(OSError, match="call"):
            dependency.call(by, later=later)
    assert dependency.calls <= 100 * 1.1 + 1
    assert dependency.calls >= 109
    events = recorded.events()
    assert events["guard.retry"] == dependency.calls - 100
    assert events["guard.retry_refused"] > 80


@either
def test_an_open_breaker_spares_the_dependency(recorded: Recorded, later: bool) -> None:
    clock = Clock()
    dependency = Dependency(failures=5)
    breaker = Breaker(0.5, least=4, cool_down=5, clock=clock)
    by = guard("db", breaker=breaker, clock=clock, retry=Retry(Exception, attempts=1))
    for _ in range(4):
        with pytest.raises(OSError, match="call"):
            dependency.call(by, later=later)
    with pytest.raises(BreakerOpenError, match="db: the breaker is open; not called"):
        dependency.call(by, later=later)
    clock.now += 5
    with pytest.raises(OSError, match="call 5"):
        dependency.call(by, later=later)  # the probe
    assert breaker.state is State.OPEN
    clock.now += 5
    assert dependency.call(by, later=later, order=3) == 3
    assert breaker.state is State.CLOSED
    assert recorded.events() == {
        "guard.breaker_open": 2,
        "guard.breaker_refused": 1,
        "guard.breaker_half_open": 2,
        "guard.breaker_closed": 1,
    }


@either
def test_a_fallback_gives_a_degraded_answer(recorded: Recorded, later: bool) -> None:
    async def later_fallback(order: int) -> int:
        return -order

    fallback = later_fallback if later else lambda order: -order
    dependency = Dependency(failures=1)
    found = dependency.call(guard("db", fallback=fallback), later=later, order=4)
    assert isinstance(found, Degraded)
    assert (found.value, found.reason) == (-4, "error")
    assert isinstance(found.cause, OSError)
    assert recorded.events() == {"guard.fallback": 1}


def test_a_tracked_guard_counts_degraded_answers_apart(recorded: Recorded) -> None:
    @track("answer")
    @guard("db", fallback=lambda fail: fail)
    def answer(fail: bool) -> bool:
        if fail:
            raise OSError
        return fail

    answer(fail=False)
    answer(True)
    assert recorded.outcomes() == {"answer": (1, 0, 1)}


def test_a_full_bulkhead_sheds(recorded: Recorded) -> None:
    inside, go_on = threading.Event(), threading.Event()
    bulkhead = Bulkhead(1)

    @guard("db", bulkhead=bulkhead)
    def answer() -> int:
        inside.set()
        go_on.wait(30)
        return 1

    thread = threading.Thread(target=answer)
    thread.start()
    assert inside.wait(30)
    with pytest.raises(ShedError, match="db: 1 calls are under way"):
        answer()
    go_on.set()
    thread.join()
    assert answer() == 1
    assert bulkhead.inside == 0
    assert recorded.events() == {"guard.shed": 1}


def test_the_states_of_guards_are_noted(recorded: Recorded) -> None:
    breaker = Breaker(least=1)

    @guard("db", component="api", breaker=breaker, bulkhead=4)
    def answer() -> None:
        RECORDER.tick()
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        answer()
    RECORDER.tick()
    with Store(recorded.path, read_only=True) as store:
        noted = {v.name: (v.min, v.max, v.labels) for v in store.values("api", resolution=3600)}
    assert noted["guard.in_use"] == (0, 0.25, '{"guard": "db"}')
    assert noted["guard.breaker"] == (0, 1, '{"guard": "db"}')


def test_coroutines_share_a_bulkhead(recorded: Recorded) -> None:
    @guard("db", bulkhead=3)
    async def answer() -> None:
        await asyncio.sleep(0)

    async def main() -> list[object]:
        return list(await asyncio.gather(*(answer() for _ in range(10)), return_exceptions=True))

    assert sum(isinstance(r, ShedError) for r in asyncio.run(main())) == 7
    assert recorded.events() == {"guard.shed": 7}


def test_a_late_synchronous_answer_is_none(recorded: Recorded) -> None:
    clock = Clock()
    breaker = Breaker(clock=clock, least=1)

    @guard("db", deadline=2, clock=clock, breaker=breaker, retry=Retry(Exception))
    def answer() -> int:
        clock.now += 3
        return 1

    with pytest.raises(DeadlineError, match=r"db: no answer within 2 s"):
        answer()
    assert breaker.state is State.OPEN
    assert recorded.events() == {"guard.deadline": 1, "guard.breaker_open": 1}


def test_no_attempt_begins_after_the_deadline(recorded: Recorded) -> None:
    clock = Clock()
    calls = []

    @guard("db", deadline=2, clock=clock, retry=Retry(OSError, attempts=9))
    def answer() -> int:
        calls.append(clock.now)
        clock.now += 0.9
        raise OSError("call")

    with pytest.raises(OSError, match="call"):
        answer()
    assert calls == [1000.0, 1000.9, 1001.8]
    assert recorded.events() == {"guard.retry": 2}


def test_a_late_coroutine_is_cancelled_and_its_own_timeouts_are_errors(recorded: Recorded) -> None:
    breaker = Breaker(least=1)

    @guard("db", deadline=0.02, breaker=breaker)
    async def hang() -> None:
        await asyncio.Event().wait()

    @guard("own", deadline=60)
    async def own() -> None:
        raise TimeoutError("its own")

    with pytest.raises(DeadlineError):
        asyncio.run(hang())
    assert breaker.state is State.OPEN
    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(own())
    assert recorded.events() == {"guard.deadline": 1, "guard.breaker_open": 1}


def test_the_nearest_deadline_is_told_inside() -> None:
    @guard("inner", deadline=500)
    def inner() -> float | None:
        return time_left()

    @guard("outer", deadline=50)
    def outer() -> float | None:
        return inner()

    found = outer()
    assert found is not None
    assert 40 < found <= 50
    assert 400 < (inner() or 0) <= 500
    assert time_left() is None


def test_a_cancelled_call_says_nothing_about_the_dependency() -> None:
    breaker = Breaker(least=1)

    @guard("db", breaker=breaker, bulkhead=1)
    async def hang() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(hang())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: guard("x", deadline=0), "more than 0 seconds away, not 0"),
        (lambda: guard("x", bulkhead=0), "room for at least one call, not 0"),
        (lambda: Retry(OSError, attempts=0), "at least one attempt, not 0"),
        (lambda: RetryBudget(share=2), "between 0 and 1"),
        (lambda: Breaker(0), "a ratio above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


class Queue:
    """A server that works off 50 requests a second, those whose clients gave up included.

    An attempt fails where it would wait longer than a second. That keeps an overload alive: the
    queue is full of requests that nobody waits for any more.
    """

    def __init__(self) -> None:
        self.waiting = 0.0
        self.attempts = 0
        self.down = False

    def second(self) -> None:
        if not self.down:
            self.waiting = max(0.0, self.waiting - 50)

    def answer(self) -> None:
        self.attempts += 1
        self.waiting += 1
        if self.down or self.waiting > 50:
            raise TimeoutError


def storm(budget: RetryBudget, *, broken_by: bool) -> tuple[float, list[int]]:
    """Return attempts per call while down, and the calls of 40 answered in each of 70 seconds."""
    clock, server = Clock(), Queue()
    breaker = Breaker(clock=clock) if broken_by else None
    answer = guard(
        "server", retry=Retry(TimeoutError), budget=budget, breaker=breaker, clock=clock
    )(server.answer)
    answered = []
    amplification = 0.0
    for second in range(70):
        server.down = 10 <= second < 20
        if second == 10:
            server.attempts = 0
        if second == 20:
            amplification = server.attempts / 400
        good = 0
        for _ in range(40):
            clock.now += 1 / 40
            try:
                answer()
            except (TimeoutError, BreakerOpenError):
                continue
            good += 1
        server.second()
        answered.append(good)
    return amplification, answered


def test_a_retry_storm_recovers_with_a_budget_and_not_without() -> None:
    amplification, answered = storm(RetryBudget(most=1e9), broken_by=False)
    assert amplification == 3
    assert answered[:10] == [40] * 10
    assert answered[-30:] == [0] * 30, "down for ten seconds, and for good"
    amplification, answered = storm(RetryBudget(share=0.1, most=0.0), broken_by=False)
    assert amplification <= 1.1
    amplification, answered = storm(RetryBudget(), broken_by=True)
    assert amplification <= 1.1
    assert answered[10:20] == [0] * 10
    assert answered[-30:] == [40] * 30


def test_a_generator_is_refused_where_it_is_decorated() -> None:
    @guard("rows", fallback=list)
    def rows() -> list[int]:
        return [1]

    def read() -> Iterator[int]:
        yield from rows()

    async def read_later() -> AsyncIterator[int]:
        yield 1

    for function in (read, read_later, functools.partial(read)):
        with pytest.raises(TypeError, match="is a generator, and a guard around its call would"):
            guard("reader", fallback=list)(function)
    with pytest.raises(TypeError, match="guards a function, not a classmethod"):
        guard("method")(classmethod(lambda cls: cls))
