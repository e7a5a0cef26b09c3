"""How long a mark lasts: until memray's background thread has written a memory record.

memray does not tell when it has. On Linux the kernel counts how often a thread went to sleep, and
memray's goes to sleep after every record.
"""

import time
from collections.abc import Callable
from pathlib import Path

TURNS = 3
"""Times that the thread goes to sleep during a mark: once after a record that came before the mark,
once where it waits for memray's lock, and once after the record that is wanted."""

LAST_TURNS = 10
"""The same for the last mark: of all marks it is the one that must not be missed."""

LONGEST_SECONDS = 1.0
"""A mark ends after this time, whether there was a record or not; the last after ten times it."""

FIXED_SECONDS = 0.010
"""Length of a mark where the kernel does not tell: room for several records."""

_POLL_SECONDS = 0.001

_TASKS = Path("/proc/self/task")

_FIELD = b"\nvoluntary_ctxt_switches:"


def threads() -> frozenset[str]:
    """Return the kernel's names of this process's threads; none where it does not tell."""
    return frozenset(task.name for task in _TASKS.iterdir()) if _TASKS.is_dir() else frozenset()


def sleeps_of(thread: str) -> int:
    """Return how often a thread of this process went to sleep by itself.

    Raises:
        OSError: There is no such thread any more.
    """
    status = (_TASKS / thread / "status").read_bytes()
    return int(status.partition(_FIELD)[2].split(None, 1)[0])


def pause(
    sleeps: Callable[[], int] | None,
    *,
    last: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Wait until a thread went to sleep often enough, which ``sleeps`` counts, or a limit is over.

    Without ``sleeps``, wait for a time that is long enough on a machine that is not overloaded.
    """
    if sleeps is None:
        sleep(FIXED_SECONDS * (10 if last else 1))
        return
    turns, limit = (LAST_TURNS, 10 * LONGEST_SECONDS) if last else (TURNS, LONGEST_SECONDS)
    enough, end = sleeps() + turns, clock() + limit
    while sleeps() < enough and clock() < end:
        sleep(_POLL_SECONDS)
