"""One `track` in many blocks at once: each gets its own time, whoever is inside beside it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import Context, copy_context
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_telemetry import Recorded

from perfkit import runtime
from perfkit.runtime import tracking
from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.series import MOST_LABELS
from perfkit.runtime.tracking import Track, track

TASKS = 3


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    with monkeypatch.context() as patched:
        patched.setattr(tracking, "perf_counter_ns", made)
        patched.setattr(RECORDER, "off", [False])
        yield made


def taken(block: Track) -> list[int]:
    """Return the durations that were noted, and forget them."""
    found = list(block._timed.ok)
    block._timed.ok.clear()
    return found


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, TASKS - 1),
            st.sampled_from(("enter", "enter", "leave", "other", "child")),
            st.integers(1, 9),
        ),
        max_size=40,
    )
)
def test_blocks_of_many_tasks_get_their_own_time(steps: list[tuple[int, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr(tracking, "perf_counter_ns", clock)
        patched.setattr(RECORDER, "off", [False])
        block, other = Track("block"), Track("other")
        taken(block)
        tasks: list[Context] = [Context() for _ in range(TASKS)]
        begun: list[list[tuple[Track, int]]] = [[] for _ in tasks]
        for task, what, passed in steps:
            clock.now += passed
            if what == "leave":
                if begun[task]:
                    left, since = begun[task].pop()
                    tasks[task].run(left.__exit__, None, None, None)
                    assert taken(left) == [clock.now - since]
            elif what == "child":
                if not begun[task]:  # one that begins in the context of another, as asyncio's do
                    tasks[task] = tasks[task - 1].run(copy_context)
            else:
                entered = block if what == "enter" else other
                tasks[task].run(entered.__enter__)
                begun[task].append((entered, clock.now))


def test_a_block_that_is_left_in_another_task_than_it_was_entered_in_disturbs_none(
    clock: Clock,
) -> None:
    block, first, second = Track("block"), Context(), Context()
    taken(block)
    first.run(block.__enter__)
    clock.now = 10
    second.run(block.__enter__)
    first.run(block.__exit__, None, None, None)
    clock.now = 30
    Context().run(block.__exit__, None, None, None)
    assert taken(block) == [10]
    second.run(block.__exit__, None, None, None)
    assert taken(block) == [20]


def test_threads_in_one_block_lose_no_count(recorded: Recorded) -> None:
    def many() -> None:
        for _ in range(3000):
            with track("block", labels={"country": "in"}):
                runtime.event("inside", labels={"country": "in"})

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded.outcomes() == {"block": (24_000, 0, 0)}
    assert recorded.events() == {"inside": 24_000}


def test_the_same_arguments_give_the_same_series_and_no_others() -> None:
    class Country(str, Enum):  # noqa: UP042  # one whose str is not its value
        INDIA = "in"

    class Shouting(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self.upper()

    for country in ("in", Country.INDIA, Shouting("in")):
        for _ in range(2):
            key = track("same", labels={"country": country})._timed.key
            assert key == ("", "same", '{"country": "in"}')
    assert track("same", labels={"a": "b", "c": "d"}) is track("same", labels={"a": "b", "c": "d"})
    assert track("same", slow=1) is not track("same", slow=2)
    assert track("same", component="web")._timed.key.component == "web"
    for value in (1, True, 1.0, "1"):  # equal to each other, or to the text of another
        for _ in range(2):
            key = track("kinds", labels={"n": value})._timed.key
            assert key.label_values == {"n": str(value)}
            assert RECORDER.collected.key("", "kinds", {"n": value}) == key
    assert track("x", labels={"a": "b", "c": "d"}) is not track("x", labels={"a": "c", "b": "d"})


def test_capped_labels_are_not_kept(recorded: Recorded) -> None:
    def counted(user: int) -> None:
        runtime.event("visit", labels={"user": str(user)})
        with track("visit", labels={"user": str(user)}):
            pass

    for user in range(MOST_LABELS):
        counted(user)
    kept, keys = len(tracking._KEPT), len(RECORDER.collected._keys)
    for user in range(MOST_LABELS, 2 * MOST_LABELS):
        counted(user)
        counted(user)
    assert (len(tracking._KEPT), len(RECORDER.collected._keys)) == (kept, keys)
    assert recorded.outcomes() == {"visit": (3 * MOST_LABELS, 0, 0)}


def test_a_stream_that_another_task_closes_is_counted(recorded: Recorded) -> None:
    @track("stream")
    async def stream() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        half = stream()
        await asyncio.create_task(anext(half))  # type: ignore[arg-type]  # as asyncio runs it
        await asyncio.create_task(half.aclose())  # type: ignore[attr-defined]

    asyncio.run(main())
    assert recorded.outcomes() == {"stream": (1, 0, 0)}
