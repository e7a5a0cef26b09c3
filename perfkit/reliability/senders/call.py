"""Calls of a Python callable: coroutines on the loop, others in threads of this process."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from perfkit.reliability.drive import RequestFailedError, Sender
from perfkit.runtime.degraded import Degraded


class CallSender:
    """Calls ``function`` without arguments, at most ``threads`` times at once if it is sync."""

    def __init__(self, function: Callable[[], object], threads: int) -> None:
        self._function = function
        self._free = asyncio.Semaphore(threads)
        self._is_coroutine = inspect.iscoroutinefunction(function)

    async def send(self, index: int) -> str | None:
        """Call once; what the function raises, SystemExit too, is an error of the request.

        Returns the reason of a ``Degraded`` answer of perfkit.runtime.
        """
        del index
        try:
            answer = self._function() if self._is_coroutine else await self._in_a_thread()
            if inspect.isawaitable(answer):
                answer = await answer
        except (Exception, SystemExit) as error:
            raise RequestFailedError(f"{type(error).__name__}: {error}") from error
        return answer.reason if isinstance(answer, Degraded) else None

    async def _in_a_thread(self) -> object:
        """Call in a daemon thread: a call that never ends must not keep this process from ending.

        A thread of a pool is waited for when the interpreter ends.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[object] = loop.create_future()

        def settle(answer: object, error: BaseException | None) -> None:
            self._free.release()
            if answered.done():
                return  # given up meanwhile
            if error is None:
                answered.set_result(answer)
            else:
                answered.set_exception(_NotOkError(error))

        def call() -> None:
            answer, error = None, None
            try:
                answer = self._function()
            except BaseException as raised:  # noqa: BLE001 - told to the request
                error = raised
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, answer, error)

        threading.Thread(target=call, name="perfkit-load", daemon=True).start()
        try:
            return await answered
        except _NotOkError as wrapped:
            raise wrapped.error from None


class _NotOkError(Exception):
    """Carries what a future cannot hold, such as SystemExit and StopIteration."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


@asynccontextmanager
async def call_sender(function: Callable[[], object], *, threads: int) -> AsyncIterator[Sender]:
    """Yield a sender that calls ``function``, at most ``threads`` times at once if it is sync."""
    yield CallSender(function, threads)
