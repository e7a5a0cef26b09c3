"""The child: run a target without memray, and count the memory of the whole process at the marks.

What these counts see and memray does not is growth that no line can be named for: memory that
compiled code takes behind memray's back, or that the system keeps though nothing uses it.
"""

import ctypes
import sys
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perfkit.memory.loop import leave, loop
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

_PROBE_BYTES = 2**20
"""What is allocated to see whether ``mallinfo2`` tells of this process's ``malloc``."""

_ROLLUP = Path("/proc/self/smaps_rollup")


class _Mallinfo2(ctypes.Structure):
    # mallinfo(3), glibc 2.33 or newer
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def malloc_bytes() -> Callable[[], int] | None:
    """Return what counts the bytes that ``malloc`` has handed out and not got back.

    None where the C library cannot tell, or where another allocator has taken its place (such as
    one that ``LD_PRELOAD`` names), so that its count stands still.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return None
    ask = library.mallinfo2
    ask.restype = _Mallinfo2
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.free.restype = None

    def count() -> int:
        found = ask()
        return int(found.uordblks + found.hblkhd)

    before = count()
    probe = library.malloc(_PROBE_BYTES)
    seen = count() - before
    library.free(probe)
    return count if seen >= _PROBE_BYTES else None


def resident_bytes() -> Callable[[], int] | None:
    """Return what counts the resident memory that is no file's; None where the system has none."""

    def count() -> int:
        with _ROLLUP.open("rb") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line[:10] == b"Anonymous:")

    try:
        count()
    except (OSError, StopIteration):
        return None
    return count


def counters() -> dict[str, Callable[[], int] | None]:
    """Return the counts by name; one that is None cannot be had here.

    ``blocks`` is the number of blocks that Python's own allocator has handed out; 0 under
    ``PYTHONMALLOC=malloc``, where ``malloc`` has all.
    """
    return {
        "blocks": sys.getallocatedblocks,
        "malloc": malloc_bytes(),
        "resident": resident_bytes(),
    }


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request ``{target, iterations, seconds}`` with the counts at each mark."""
    asked = {name: count for name, count in counters().items() if count is not None}
    series: dict[str, array[int]] = {}

    def at_marks(count: int) -> Callable[[int], None]:
        # Never resized: the counts themselves must not look like growth.
        series.update((name, array("q", bytes(8 * count))) for name in asked)

        def at_mark(position: int) -> None:
            for name, ask in asked.items():
                series[name][position] = ask()

        return at_mark

    with load(Target.from_json(request["target"])) as call:
        looped = loop(call, at_marks, iterations=request["iterations"], seconds=request["seconds"])
    return {
        "marks": looped.marks,
        "seconds_per_iteration": looped.seconds_per_iteration,
        "series": {name: list(values) for name, values in series.items()},
    }


if __name__ == "__main__":
    serve(measure)
    leave()
