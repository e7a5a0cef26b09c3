import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from recorded_telemetry import Recorded

from perfkit.runtime.cache import cached
from perfkit.runtime.copies import freeze
from perfkit.runtime.degraded import Degraded


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Answers with the number of its calls; fails while ``broken``."""

    def __init__(self) -> None:
        self.calls = 0
        self.broken = False

    def answer(self, order: object = None) -> list[object]:
        self.calls += 1
        if self.broken:
            raise OSError(f"call {self.calls}")
        return [self.calls, order]

    async def answer_later(self, order: object = None) -> list[object]:
        await asyncio.sleep(0)
        return self.answer(order)


def asker(source: Source, *, later: bool, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401  # those of cached
    """Return the source's answer behind a cache, synchronous for the test either way."""
    make = cached("answers", **settings)
    if not later:
        return make(source.answer)
    answer = make(source.answer_later)
    return lambda *args, **kwargs: asyncio.run(answer(*args, **kwargs))


either = pytest.mark.parametrize("later", [False, True])


@either
def test_an_answer_is_kept_for_its_time_and_copied(recorded: Recorded, later: bool) -> None:
    clock, source = Clock(), Source()
    ask = asker(source, later=later, ttl=10, clock=clock)
    first = ask("x")
    first.append("changed by the one who got it")
    second = ask("x")
    second.append("and by another")
    assert ask("x") == [1, "x"]
    clock.now = 10
    assert ask("x") == [2, "x"]
    assert ask(order="x") == [3, "x"], "another spelling is another key"
    assert recorded.events() == {"cache.hit": 2, "cache.miss": 3}


@either
def test_arguments_of_other_types_are_other_answers(later: bool) -> None:
    ask = asker(Source(), later=later, ttl=10)
    assert [ask(1), ask(1.0), ask(True), ask(1)] == [[1, 1], [2, 1.0], [3, True], [1, 1]]
    assert [type(ask(x)[1]) for x in (1, 1.0, True)] == [int, float, bool]


@either
def test_errors_are_not_kept_and_an_old_answer_stands_in(recorded: Recorded, later: bool) -> None:
    clock, source = Clock(), Source()
    ask = asker(source, later=later, ttl=10, stale_if_error=5, clock=clock)
    source.broken = True
    for number in (1, 2):
        with pytest.raises(OSError, match=f"call {number}"):
            ask()
    source.broken = False
    assert ask() == [3, None]
    source.broken = True
    clock.now = 14.9
    assert ask() == [3, None]
    clock.now = 15
    with pytest.raises(OSError, match="call 5"):
        ask()
    assert recorded.events() == {"cache.miss": 1, "cache.stale": 1}


@either
def test_who_asks_matters_where_it_is_said(later: bool) -> None:
    user: ContextVar[str] = ContextVar("user", default="nobody")
    ask = asker(Source(), later=later, ttl=10, principal=user.get)
    assert ask() == [1, None]
    token = user.set("somebody")
    assert ask() == [2, None]
    user.reset(token)
    assert ask() == [1, None]


def test_the_least_recently_used_answer_goes(recorded: Recorded) -> None:
    ask = asker(Source(), later=False, ttl=10, max_items=2)
    for order in "abaca":
        ask(order)
    assert len(ask.cache) == 2  # type: ignore[attr-defined]
    assert ask("a") == [1, "a"]
    assert ask("b") == [4, "b"]
    assert recorded.events() == {"cache.miss": 4, "cache.hit": 3, "cache.eviction": 2}
    ask.cache.clear()  # type: ignore[attr-defined]
    assert ask("a") == [5, "a"]


def test_two_hundred_threads_that_ask_at_once_are_one_call(recorded: Recorded) -> None:
    source = Source()
    go = threading.Barrier(200)
    answers = []

    @cached("slow", ttl=60)
    def slow() -> list[object]:
        time.sleep(0.01)  # only so that others do come meanwhile; the outcome does not need it
        return source.answer()

    def ask() -> None:
        go.wait()
        answers.append(slow())

    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.calls == 1
    assert answers == [[1, None]] * 200
    assert len({id(answer) for answer in answers}) == 200
    events = recorded.events()
    assert events.pop("cache.miss") == 1
    assert sum(events.values()) == 199


def test_two_hundred_coroutines_that_ask_at_once_are_one_call(recorded: Recorded) -> None:
    source = Source()
    answer = cached("slow", ttl=60)(source.answer_later)

    async def main() -> list[object]:
        return list(await asyncio.gather(*(answer() for _ in range(200))))

    assert asyncio.run(main()) == [[1, None]] * 200
    assert recorded.events() == {"cache.miss": 1, "cache.shared": 199}


@either
def test_those_who_wait_share_an_error_or_the_old_answer(  # noqa: C901  # both ways in one story
    recorded: Recorded, later: bool
) -> None:
    clock, source = Clock(), Source()
    inside, go_on = threading.Event(), threading.Event()

    async def main(number: int) -> list[object]:
        return list(
            await asyncio.gather(*(answer() for _ in range(number)), return_exceptions=True)
        )

    def threads(number: int) -> list[object]:
        found: list[object] = []

        def ask() -> None:
            try:
                found.append(blocking())
            except OSError as error:
                found.append(error)

        running = [threading.Thread(target=ask) for _ in range(number)]
        running[0].start()
        assert inside.wait(30)
        for thread in running[1:]:
            thread.start()
        while len(waiting()) < number - 1:
            time.sleep(0.001)
        go_on.set()
        for thread in running:
            thread.join()
        inside.clear()
        go_on.clear()
        return found

    make = cached("answers", ttl=10, stale_if_error=5, clock=clock)
    answer = make(source.answer_later)

    @make
    def blocking() -> list[object]:
        inside.set()
        assert go_on.wait(30)
        return source.answer()

    def waiting() -> list[object]:
        (flight,) = make._flights.values()
        return list(flight.done._cond._waiters)

    both: Callable[[int], list[object]] = threads
    if later:
        both = lambda number: asyncio.run(main(number))  # noqa: E731
    source.broken = True
    assert [str(error) for error in both(3)] == ["call 1"] * 3
    source.broken = False
    assert both(3) == [[2, None]] * 3
    source.broken = True
    clock.now = 12
    assert both(3) == [[2, None]] * 3
    assert source.calls == 3
    assert recorded.events() == {"cache.miss": 1, "cache.shared": 2, "cache.stale": 3}


def test_where_the_first_is_cancelled_the_next_calls() -> None:
    calls = []

    @cached("answers", ttl=60)
    async def answer() -> int:
        calls.append(1)
        await asyncio.sleep(0 if len(calls) > 1 else 60)
        return len(calls)

    async def main() -> list[int]:
        first = asyncio.create_task(answer())
        await asyncio.sleep(0)
        others = [asyncio.create_task(answer()) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        return list(await asyncio.gather(*others))

    assert asyncio.run(main()) == [2, 2, 2]


@either
def test_a_function_may_call_itself(later: bool) -> None:
    make = cached("answers", ttl=60, key=lambda _: "same")

    @make
    def down(depth: int) -> int:
        return 0 if depth == 0 else down(depth - 1) + 1

    @make
    async def down_later(depth: int) -> int:
        return 0 if depth == 0 else await down_later(depth - 1) + 1

    assert (asyncio.run(down_later(3)) if later else down(3)) == 3


def test_answers_that_are_no_real_ones_or_cannot_be_copied_are_not_kept(
    recorded: Recorded,
) -> None:
    calls = []

    @cached("answers", ttl=60)
    def answer(what: str) -> object:
        calls.append(what)
        return Degraded(1, "error", OSError()) if what == "degraded" else threading.Lock()

    for what in ("degraded", "lock") * 2:
        answer(what)
    assert len(calls) == 4
    assert recorded.events() == {"cache.miss": 4, "cache.uncopyable": 2}


class Local:
    def __init__(self) -> None:
        self.inner = lambda: 1
        self.items = [1]


def test_each_way_of_copying() -> None:
    thing = Local()
    for how in ("pickle", "deepcopy"):  # pickle cannot copy a lambda, deepcopy can
        frozen = freeze(thing, how)  # type: ignore[arg-type]
        assert frozen is not None
        copied = frozen.thaw(frozen.kept)
        assert copied is not thing
        assert copied.items == [1]
        assert copied.items is not thing.items
    frozen = freeze(thing, "none")
    assert frozen is not None
    assert frozen.thaw(frozen.kept) is thing


def test_bad_settings_and_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="a ttl above 0 s"):
        cached("x", ttl=0)
    ask = asker(Source(), later=False, ttl=1)
    with pytest.raises(TypeError, match=r"answers: the arguments make no key .*key= function"):
        ask(["a list"])
