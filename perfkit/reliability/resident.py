"""The memory of a process and of all that it started, read again and again while a load goes on."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from perfkit.reliability.soak import Watched

PROC = Path("/proc")

MOST_READINGS = 2000
"""A long soak is read less often; this many are far more than stretches need."""

READ_EVERY = 1.0
"""Seconds between two readings of a soak of usual length."""

LEAST_READINGS = 100
"""A short soak is read more often."""


def resident_bytes(process: int, proc: Path = PROC) -> float:
    """Return the resident memory of ``process`` and its descendants, in bytes; Linux only.

    Pages that several of them share count several times.

    Raises:
        OSError: it has ended, or the system does not tell.
    """
    total = _own(process, proc)
    for child in _children(process, proc):
        try:
            total += resident_bytes(child, proc)
        except FileNotFoundError:
            continue  # ended meanwhile
    return total


def children_bytes(process: int, proc: Path = PROC) -> float:
    """Return the resident memory of what ``process`` started, without its own.

    Raises:
        OSError: nothing runs, or the system does not tell.
    """
    found = _children(process, proc)
    if not found:
        raise ProcessLookupError("no process that was started runs")
    return sum(resident_bytes(child, proc) for child in found)


def _own(process: int, proc: Path) -> float:
    pages = (proc / str(process) / "statm").read_text("ascii").split()[1]  # proc(5)
    return float(pages) * os.sysconf("SC_PAGE_SIZE")


def _children(process: int, proc: Path) -> list[int]:
    found = (proc / str(process) / "task").glob("*/children")
    return [int(name) for path in found for name in path.read_text("ascii").split()]


@asynccontextmanager
async def reading(
    name: str,
    read: Callable[[], float] | None,
    *,
    seconds: float,
    clock: Callable[[], float],
) -> AsyncIterator[Callable[[], Watched]]:
    """Read memory for as long as this is held, and yield what tells the readings so far.

    ``read`` is None where there is nothing to read, of which ``name`` is the reason; ``seconds``
    is how long it will be held, about.
    """
    if read is None:
        yield lambda: Watched("", (), name)
        return
    found: list[tuple[float, float]] = []
    problems: list[str] = []
    began = clock()
    every = max(min(READ_EVERY, seconds / LEAST_READINGS), seconds / MOST_READINGS)

    async def again() -> None:
        while True:
            try:
                found.append((clock() - began, read()))
            except OSError as error:
                problems.append(f"{name}: memory could not be read: {error.strerror or error}")
                return
            await asyncio.sleep(every)

    task = asyncio.create_task(again())
    try:
        yield lambda: Watched(name, tuple(found), problems[0] if problems else "")
    finally:
        task.cancel()
