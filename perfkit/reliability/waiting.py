"""Waiting inside an event loop for less than its own timers can tell.

asyncio and uvloop round timers to a millisecond. Yielding until the moment comes is exact and keeps
a processor busy; sleeping in the thread leaves answers unread meanwhile. A timer of the kernel that
wakes the loop like a socket does neither (Linux, timerfd_create(2)).
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Sleep = Callable[[float], Awaitable[object]]
"""Waits so many seconds; zero lets others run."""

CLOCK_MONOTONIC = 1
"""<bits/time.h>; the clock of time.perf_counter on Linux."""
NONBLOCK_CLOSED_ON_EXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
"""TFD_NONBLOCK and TFD_CLOEXEC are these, see timerfd_create(2)."""


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class _KernelTimer:
    """One wait at a time; whoever waits is woken by the loop."""

    def __init__(self, number: int, library: ctypes.CDLL) -> None:
        self._number, self._library = number, library
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] | None = None
        self._loop.add_reader(number, self._expired)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        # Zero would switch the timer off.
        whole, part = divmod(max(1, round(seconds * 1e9)), 10**9)
        self._woken = self._loop.create_future()
        moment = _TimerSpec(_TimeSpec(0, 0), _TimeSpec(whole, part))
        if self._library.timerfd_settime(self._number, 0, ctypes.byref(moment), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")
        await self._woken

    def _expired(self) -> None:
        os.read(self._number, 8)  # timerfd_create(2): how often it expired
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def close(self) -> None:
        self._loop.remove_reader(self._number)
        os.close(self._number)


@asynccontextmanager
async def exact_sleep() -> AsyncIterator[Sleep]:
    """Yield a sleep to some tens of microseconds, for one waiter; elsewhere asyncio's own."""
    library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    number = -1
    if library is not None:
        number = library.timerfd_create(CLOCK_MONOTONIC, NONBLOCK_CLOSED_ON_EXEC)
    if library is None or number < 0:
        yield asyncio.sleep
        return
    timer = _KernelTimer(number, library)
    try:
        yield timer.sleep
    finally:
        timer.close()
