import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from recorded_telemetry import Recorded

from perfkit import runtime
from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.series import MOST_LABELS, Collected
from perfkit.runtime.store import Store
from perfkit.runtime.tracking import track
from perfkit.runtime.windows import Key


def test_a_function_is_counted_by_how_it_ends(recorded: Recorded) -> None:
    @track("divide")
    def divide(a: float, b: float = 1, /, *, scale: float = 1) -> float:
        """Divide."""
        return a / b * scale

    assert divide(6, 3) == 2
    assert divide(6, scale=2) == 12
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    assert recorded.outcomes() == {"divide": (2, 1, 0)}
    assert divide.__name__ == "divide"
    assert divide.__doc__ == "Divide."
    assert str(inspect.signature(divide)).startswith("(a: float, b: float = 1, /, *, scale")


def test_degraded_is_not_ok(recorded: Recorded) -> None:
    @track("answer")
    def answer(fail: bool) -> object:
        if fail:
            raise runtime.ShedError
        return runtime.Degraded(1, "error", ValueError())

    answer(fail=False)
    with pytest.raises(runtime.ShedError):
        answer(fail=True)
    assert recorded.outcomes() == {"answer": (0, 0, 2)}


@pytest.mark.parametrize(
    "source",
    [
        "def f(): return ()",
        "def f(a, /): return (a,)",
        "def f(a, b=2, /, c=3, *d, e, g=7, **h): return (a, b, c, d, e, g, h)",
        "def f(*, e): return (e,)",
        "def f(*fn, **clock): return (fn, clock)",
        "def f(off, ok=[], *, call=None): return (off, ok, call)",
    ],
)
def test_a_wrapper_passes_every_kind_of_argument(source: str, recorded: Recorded) -> None:
    space: dict[str, Any] = {}
    exec(source, space)  # noqa: S102  # signatures of the test's own
    plain = space["f"]
    tracked = track("f")(plain)
    tried = 0
    for args in ((), (1,), (1, 2, 3, 4, 5)):
        for kwargs in ({}, {"e": 5}, {"e": 5, "z": 6}, {"off": 1}, {"call": 2, "off": 3}):
            try:
                wanted = plain(*args, **kwargs)
            except TypeError:
                with pytest.raises(TypeError):
                    tracked(*args, **kwargs)
            else:
                assert tracked(*args, **kwargs) == wanted
                tried += 1
    assert tried
    assert recorded.outcomes() == {"f": (tried, 0, 0)}


def test_builtins_and_methods_are_tracked(recorded: Recorded) -> None:
    class Shop:
        @track("method")
        def sell(self, count: int) -> int:
            return count

    assert Shop().sell(3) == 3
    assert track("dict.update")(dict)(a=1) == {"a": 1}
    assert recorded.outcomes() == {"method": (1, 0, 0), "dict.update": (1, 0, 0)}


def test_what_is_no_function_is_refused_at_once() -> None:
    with pytest.raises(
        TypeError, match="decorates a function, not a classmethod; put @track below"
    ):
        track("method")(classmethod(lambda cls: cls))


def test_generators_are_one_call_until_their_end(recorded: Recorded) -> None:
    @track("lines")
    def lines(fail: bool = False) -> Iterator[int]:
        yield 1
        if fail:
            raise ValueError("broken")
        yield 2

    assert list(lines()) == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        list(lines(fail=True))
    half = lines()
    next(half)
    half.close()  # type: ignore[attr-defined]
    assert recorded.outcomes() == {"lines": (2, 1, 0)}


def test_async_functions_and_generators_are_tracked(recorded: Recorded) -> None:
    @track("work")
    async def work(fail: bool = False) -> int:
        await asyncio.sleep(0)
        if fail:
            raise ValueError("broken")
        return 3

    @track("stream")
    async def stream() -> AsyncIterator[Any]:
        try:
            got = yield 1
        except KeyError:
            got = "thrown"
        yield got

    async def main() -> None:
        assert await work() == 3
        with pytest.raises(ValueError, match="broken"):
            await work(fail=True)
        assert [item async for item in stream()] == [1, None]
        for action in (lambda s: s.asend("sent"), lambda s: s.athrow(KeyError())):
            open_stream: Any = stream()
            assert await anext(open_stream) == 1
            assert await action(open_stream) in {"sent", "thrown"}
            await open_stream.aclose()

    assert inspect.iscoroutinefunction(work)
    assert inspect.isasyncgenfunction(stream)
    asyncio.run(main())
    assert recorded.outcomes() == {"work": (1, 1, 0), "stream": (3, 0, 0)}


def test_blocks_nest_and_interleave(recorded: Recorded) -> None:
    block = track("block")

    async def task() -> None:
        async with block, track("inner"):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(task() for _ in range(5)))

    with block, block:
        pass
    with pytest.raises(KeyError), block:
        raise KeyError
    asyncio.run(main())
    assert recorded.outcomes() == {"block": (7, 1, 0), "inner": (5, 0, 0)}


def test_threads_and_tasks_lose_no_count(recorded: Recorded) -> None:
    @track("busy")
    def busy() -> None:
        runtime.event("tick")

    @track("busy")
    async def busy_task() -> None:
        await asyncio.sleep(0)

    def many() -> None:
        for _ in range(5000):
            busy()

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        RECORDER.tick()  # folding goes on beside it
    for thread in threads:
        thread.join()

    async def tasks() -> None:
        await asyncio.gather(*(busy_task() for _ in range(1000)))

    asyncio.run(tasks())
    assert recorded.outcomes() == {"busy": (41_000, 0, 0)}
    assert recorded.events() == {"tick": 40_000}


def test_nothing_is_recorded_before_the_start_or_where_it_is_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plain() -> int:
        return 1

    tracked = track("quiet")(plain)
    assert tracked() == 1
    with track("quiet"):
        runtime.event("quiet")
        runtime.quality("quiet", 1)
    assert RECORDER.collected.drain("shop") == ({}, {}, {})
    monkeypatch.setenv("PERFKIT_RUNTIME", "off")
    assert track("quiet")(plain) is plain


def test_values_are_noted_and_nonsense_is_counted(recorded: Recorded) -> None:
    runtime.quality("words", 0.5)
    runtime.quality("words", 1)
    runtime.quality("words", float("nan"))
    runtime.quality("words", "many")  # type: ignore[arg-type]
    assert recorded.events() == {"runtime.invalid_value": 2}
    with Store(recorded.path, read_only=True) as store:
        (found,) = store.values(name="words", resolution=3600)
        assert (found.component, found.name, found.count, found.mean) == ("shop", "words", 2, 0.75)


def test_labels_are_capped_and_it_is_told_once(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    for user in range(MOST_LABELS + 50):
        with track("page", labels={"user": f'"{user}"\n'}):
            pass
    assert recorded.outcomes() == {"page": (MOST_LABELS + 50, 0, 0)}
    with Store(recorded.path, read_only=True) as store:
        keys = [key for key in store.series() if key.name == "page"]
        capped = [
            w.calls for w in store.windows(resolution=3600) if w.labels == '{"capped": "true"}'
        ]
    assert len(keys) == MOST_LABELS + 1
    assert Key("shop", "page", '{"user": "\\"7\\"\\n"}') in keys
    assert sum(capped) == 50
    assert [r.message for r in caplog.records if "capped" in r.message] == [
        f"page has {MOST_LABELS} sets of labels: further ones are capped"
    ]
    assert recorded.events() == {"runtime.capped": 1}


def test_names_are_capped_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("perfkit.runtime.series.MOST_SERIES", 2)
    collected = Collected()
    keys = [collected.key("shop", f"page {n}", None) for n in range(4)]
    assert [key.name for key in keys] == ["page 0", "page 1", "(other)", "(other)"]
    assert [r.message for r in caplog.records] == ["2 series: further names are counted as (other)"]
    assert collected.drain("shop")[2] == {Key("perfkit.runtime", "runtime.capped"): 1}


def test_a_slow_call_is_logged_with_its_correlation_id(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    @track("slow", slow=0)
    def slow(fail: bool = False) -> None:
        if fail:
            raise ValueError("broken")

    @track("quick", slow=60)
    def quick() -> None: ...

    with caplog.at_level(logging.WARNING, "perfkit.runtime.slow"):
        slow()
        quick()
        with pytest.raises(ValueError, match="broken"):
            slow(fail=True)
    assert [r.getMessage().split(" took ")[0] for r in caplog.records] == ["slow", "slow"]
    assert {r.component for r in caplog.records} == {"shop"}  # type: ignore[attr-defined]  # an extra
    assert recorded.outcomes() == {"slow": (1, 1, 0), "quick": (1, 0, 0)}
