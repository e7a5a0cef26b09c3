"""Samples of the threads of this process, each worth the processor time it stands for."""

import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

from pyinstrument.stack_sampler import build_call_stack, get_stack_sampler

from perfkit.profiling.dither import LONGEST, Dither, unsubscribe

Record = tuple[list[str], float]
"""A stack in pyinstrument's words, the thread first and the innermost frame last; seconds."""


@dataclass(slots=True)
class _Thread:
    """One watched thread: its samples, and its processor time at the last one."""

    sampler: "Sampler"
    records: list[Record] = field(default_factory=list)
    last: float = field(default_factory=time.thread_time)

    def saw(self, stack: list[str], _since: float, _state: object) -> None:
        """Take a sample; pyinstrument calls this in the thread itself, at most once an interval."""
        now = time.thread_time()
        if self.sampler.recording:
            self.records.append((stack, now - self.last))
        self.last = now


class Sampler:
    """Takes the samples of this process.

    pyinstrument samples a thread by the clock on the wall, from inside of it. Threads that wait at
    the same time would count several times in a sum, so a sample stands here for the processor time
    that its thread used since the last one.

    Args:
        interval: Seconds between two samples of a thread.
        threads: Watch threads that start from :meth:`watch` on, not only those that call it.
    """

    def __init__(self, interval: float, *, threads: bool) -> None:
        self.recording = False
        self.start_stack: list[str] = []
        """The stack of the thread that called :meth:`begin`."""
        self._interval = interval
        self._dither: Dither | None = None
        self._threads = threads
        self._watched: list[_Thread] = []
        self._here = threading.local()

    def watch(self) -> None:
        """Watch threads that start from now on, where threads are wanted."""
        if self._threads:
            threading.setprofile(self._thread_started)

    def _thread_started(self, _frame: FrameType, _event: str, _argument: object) -> None:
        # The profile function that a new thread begins with makes place for pyinstrument's.
        self._watch_this_thread(self._interval)

    def _watch_this_thread(self, interval: float) -> None:
        thread = _Thread(self)
        self._here.thread = thread
        self._watched.append(thread)
        get_stack_sampler().subscribe(
            thread.saw,
            desired_interval=interval,
            use_timing_thread=None,
            use_async_context=False,
        )

    def begin(self, dither: Dither | None = None) -> None:
        """Keep samples from now on, those of the calling thread included.

        With ``dither``, which the caller begins, the waits of that thread are as long as it says.
        """
        self.start_stack = build_call_stack(sys._getframe(1), "initial", None)  # noqa: SLF001 - as pyinstrument finds its caller
        self.recording = True
        self._dither = dither
        self._watch_this_thread(self._interval * (1 if dither is None else LONGEST))

    def begin_after_fork(self) -> None:
        """Keep the samples of this new process only; of the threads just this one is in it."""
        thread: _Thread | None = self._here.__dict__.pop("thread", None)
        self._watched.clear()
        self._watch_this_thread(self._interval)
        # Both are in the copied sampler, and the waits are begun anew in the first process only.
        if self._dither is not None:
            unsubscribe(self._dither.saw)
        if thread is not None:
            unsubscribe(thread.saw)
        self.recording = True

    @property
    def samples(self) -> int:
        """The samples kept so far, of all threads."""
        return sum(len(thread.records) for thread in self._watched)

    def stop(self) -> list[list[Record]]:
        """Keep no more samples, and return those of each thread that has any."""
        self.recording = False
        if self._threads:
            threading.setprofile(None)
        thread: _Thread | None = self._here.__dict__.pop("thread", None)
        if thread is not None:
            unsubscribe(thread.saw)
        return [list(thread.records) for thread in self._watched if thread.records]
