"""Taking a target's time away, so that what was recorded of it is kept; in the child process."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import logging


class OutOfTime(BaseException):
    """Raised inside of a target whose time has run out.

    ``completed`` is how many calls of its last batch came to their end.
    """

    def __init__(self, completed: int = 0) -> None:
        super().__init__("its time ran out")
        self.completed = completed


@contextmanager
def out_of_time_at_sigterm() -> Iterator[None]:
    """Let SIGTERM raise :class:`OutOfTime` in the main thread; in processes it forks, end them.

    A target that handles SIGTERM by itself has its way.
    """
    before = signal.signal(signal.SIGTERM, _raise)
    # A signal to a new process waits until it is handled as ever there; Python would forget it.
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_as_before)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is _raise:
            signal.signal(signal.SIGTERM, before)


def _raise(_number: int, _frame: object) -> NoReturn:
    # asyncio keeps what is raised in a task; one that nobody asks gets its traceback logged.
    if "asyncio" in sys.modules:
        import logging

        logging.getLogger("asyncio").addFilter(_is_the_targets)
    raise OutOfTime


def _is_the_targets(record: "logging.LogRecord") -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], OutOfTime))


def _as_before() -> None:
    if signal.getsignal(signal.SIGTERM) is _raise:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _release()


def _hold() -> None:
    if signal.getsignal(signal.SIGTERM) is _raise:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release() -> None:
    if signal.getsignal(signal.SIGTERM) in (_raise, signal.SIG_DFL):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
