"""What the recording thread reads of its own process, and which of several it is."""

import os
from pathlib import Path

from perfkit.state import make_folder

STATM = Path("/proc/self/statm")

MOST_PROCESSES = 100
"""Processes of one store that are told apart; further ones share the name MORE."""

MORE = "more"


def resident_bytes() -> float:
    """Return the memory of this process that is in RAM (resident set), in bytes; Linux only.

    Raises:
        OSError: the system does not tell.
    """
    pages = int(STATM.read_text("ascii").split()[1])  # proc(5): size, resident, ...
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


class ProcessName:
    """A name of this process among those that record into one store, for as long as it lives.

    It is the least number that no other living process has, so that there are no more names than
    there were processes at once, however often each is begun anew. A number is a locked byte of the
    file ``STORE-processes``; the system ends the lock with the process, and a fork has none.
    """

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(f"{store.name}-processes")
        self._held: tuple[int, str] | None = None
        self._descriptor: int | None = None

    def __call__(self) -> str:
        """Return the name; the first call in a process takes it.

        Where there are no locks all processes are MORE.

        Raises:
            OSError: the file cannot be made.
        """
        if self._held is None or self._held[0] != os.getpid():
            self._held = os.getpid(), self._taken()
        return self._held[1]

    def _taken(self) -> str:
        from fcntl import LOCK_EX, LOCK_NB, lockf

        self.end()  # what a fork left: that of the parent stays locked, the lock is not ours
        make_folder(self._path.parent)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        for number in range(MOST_PROCESSES):
            try:
                lockf(self._descriptor, LOCK_EX | LOCK_NB, 1, number)
            except (BlockingIOError, PermissionError):  # fcntl(2): EAGAIN or EACCES
                continue
            except OSError:
                break  # a file system without locks
            return str(number)
        return MORE

    def end(self) -> None:
        """Give the name back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._held = self._descriptor = None
