"""Something done before SIGTERM ends a process, as it ends the workers of a pool."""

import _thread
import ctypes  # imported here: when it is needed the target may have emptied sys.path
import os
import signal
import threading
from collections.abc import Callable


def _noticed(_number: int, _frame: object) -> None:
    """Make the system's handler write to the wake-up descriptor; a thread does the rest."""


def _after_fork() -> None:
    """Let a new process end by SIGTERM: the thread that would see to it is not in there."""
    if signal.getsignal(signal.SIGTERM) is _noticed:
        os.close(signal.set_wakeup_fd(-1))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


os.register_at_fork(after_in_child=_after_fork)


def before_termination(work: Callable[[], None]) -> None:
    """Do ``work`` when SIGTERM comes, and then end by that signal as before.

    A thread of its own does it: a handler in Python would wait until the main thread is back from
    compiled code, which for a lock that nobody gives back is never. Where SIGTERM is already
    handled, or will be, that handler decides, and nothing is done here. Call it in the main thread;
    elsewhere it does nothing, since Python allows no more.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _noticed)

    def wait() -> None:
        while number := os.read(reading, 1):
            if number[0] == signal.SIGTERM and signal.getsignal(signal.SIGTERM) is _noticed:
                try:
                    work()
                finally:
                    _end()

    # Not one of threading's: those are the target's, to be watched, counted and waited for.
    _thread.start_new_thread(wait, ())


def _end() -> None:
    """End this process by SIGTERM."""
    # signal.signal is for the main thread; this is what it calls.
    set_handler = ctypes.pythonapi.PyOS_setsig
    set_handler.argtypes, set_handler.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    set_handler(signal.SIGTERM, int(signal.SIG_DFL))
    os.kill(os.getpid(), signal.SIGTERM)
