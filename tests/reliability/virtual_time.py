"""An event loop whose clock jumps to the next timer, and a server of known capacity in it."""

import asyncio
import heapq
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: time that would pass is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_in_virtual_time(whole: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(whole)


class Workers:
    """``count`` workers that take ``service`` seconds (on average, if ``vary``) for a request."""

    def __init__(self, count: int, service: float, seed: int = 0, *, vary: bool = False) -> None:
        self.capacity = count / service
        self._free = [0.0] * count
        self._service, self._vary = service, vary
        self._rng = np.random.default_rng(seed)

    async def send(self, index: int) -> None:
        del index
        now = asyncio.get_running_loop().time()
        service = self._rng.exponential(self._service) if self._vary else self._service
        done = max(now, heapq.heappop(self._free)) + service
        heapq.heappush(self._free, done)
        await asyncio.sleep(done - now)
