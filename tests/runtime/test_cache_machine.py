"""The cache against a model that keeps every answer with its times, over random histories."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from state_machines import Counted, steps_of

from perfkit.runtime.cache import cached

TTL, STALE, MOST = 5, 4, 3


class CacheMachine(Counted):
    """Answers are the numbers of the calls, so that an answer says which call made it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.calls = 0
        self.broken = False
        self.who = "a"
        self.kept: OrderedDict[tuple[str, int], tuple[int, int]] = OrderedDict()
        self.cache = cached(
            "machine",
            ttl=TTL,
            stale_if_error=STALE,
            max_items=MOST,
            principal=lambda: self.who,
            clock=lambda: float(self.now),
        )
        self.ask = self.cache(self.answer)
        self.ask_later = self.cache(self.answer_later)
        self.waiting = threading.Semaphore(0)
        self.awaited = 0
        self.cache._board = self.noting(self.cache._board)  # type: ignore[method-assign]  # who waits

    def noting(self, board: Callable[..., tuple[Any, bool]]) -> Callable[..., tuple[Any, bool]]:
        def boarded(*given: Any) -> tuple[Any, bool]:  # noqa: ANN401  # as it is
            flight, leads = board(*given)
            if not leads:
                self.waiting.release()
            return flight, leads

        return boarded

    def answer(self, _order: int) -> int:
        for _ in range(self.awaited):
            assert self.waiting.acquire(timeout=30), "somebody waits for this answer"
        self.calls += 1
        if self.broken:
            raise OSError
        return self.calls

    async def answer_later(self, order: int) -> int:
        while self.waiting._value < self.awaited:  # noqa: ASYNC110  # they run meanwhile
            await asyncio.sleep(0)
        return self.answer(order)

    @rule(seconds=st.integers(1, 6))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(broken=st.booleans())
    def turn(self, broken: bool) -> None:
        self.broken = broken

    def asked_together(self, order: int, beside: int) -> list[int | None]:
        """Ask in so many threads beside this one; return what each got, None for an error."""

        def asked() -> None:
            try:
                found.append(self.ask(order))
            except OSError:
                found.append(None)

        found: list[int | None] = []
        threads = [threading.Thread(target=asked) for _ in range(beside + 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def asked_by_tasks(self, order: int, beside: int) -> list[int | None]:
        """Ask in so many tasks beside one of a loop; return what each got, None for an error."""

        async def main() -> list[int | BaseException]:
            return await asyncio.gather(
                *(self.ask_later(order) for _ in range(beside + 1)), return_exceptions=True
            )

        found = asyncio.run(main())
        assert all(isinstance(one, int | OSError) for one in found)
        return [one if isinstance(one, int) else None for one in found]

    @rule(
        who=st.sampled_from("ab"),
        order=st.integers(0, 2),
        beside=st.sampled_from((0, 0, 1, 2)),
        tasks=st.booleans(),
    )
    def call(self, who: str, order: int, beside: int, tasks: bool) -> None:
        self.who = who
        key = (who, order)
        made, at = self.kept.get(key, (0, 0))
        age = self.now - at
        known = key in self.kept and age < TTL + STALE
        if key in self.kept and not known:
            del self.kept[key]
        if known:
            self.kept.move_to_end(key)
        calls = self.calls
        hit = known and age < TTL
        self.awaited = 0 if hit else beside
        ask = self.asked_by_tasks if tasks else self.asked_together
        got, *others = ask(order, beside)
        assert others == [got] * beside, "those who ask together get the same"
        assert not self.waiting._value
        if hit:
            assert got == made
            assert self.calls == calls, "a hit calls nothing"
            return
        assert self.calls == calls + 1, "one of them calls"
        if self.broken:
            assert got == (made if known else None)
            return
        assert got == self.calls
        self.kept[key] = (self.calls, self.now)
        self.kept.move_to_end(key)
        if len(self.kept) > MOST:
            self.kept.popitem(last=False)

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.kept.clear()

    @invariant()
    def as_large_as_the_model(self) -> None:
        assert len(self.cache) == len(self.kept)
        assert not self.cache._flights


def test_the_cache_is_as_its_model_over_ten_thousand_steps() -> None:
    assert steps_of(CacheMachine, histories=240) >= 10_000
