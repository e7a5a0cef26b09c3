"""Calls of a Python callable: coroutines on the loop, others in threads of this process."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from perfkit.reliability.drive import RequestFailedError, Sender


class CallSender:
    """Calls ``function`` without arguments."""

    def __init__(self, function: Callable[[], object], pool: ThreadPoolExecutor) -> None:
        self._function = function
        self._pool = pool
        self._is_coroutine = inspect.iscoroutinefunction(function)

    async def send(self, index: int) -> None:
        """Call once; what the function raises is an error of the request."""
        del index
        try:
            if self._is_coroutine:
                answer = self._function()
            else:
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(self._pool, self._function)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            raise RequestFailedError(f"{type(error).__name__}: {error}") from error


@asynccontextmanager
async def call_sender(function: Callable[[], object], *, threads: int) -> AsyncIterator[Sender]:
    """Yield a sender that calls ``function``, at most ``threads`` times at once if it is sync."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="perfkit-load")
    try:
        yield CallSender(function, pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
