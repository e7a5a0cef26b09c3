"""What a call of a benchmark allocates, counted by memray; runs inside a measured process.

Executed by path, as child.py is; so it uses the standard library, asv_runner and memray only.
"""

import gc
import sys
from pathlib import Path
from typing import Any

CALLS = 2
"""Calls that are counted in a process: equal counts say that the work is the same each time."""


def allocations(benchmark: Any, folder: Path) -> list[int]:  # noqa: ANN401  # asv_runner is untyped
    """Return how many blocks of memory each of :data:`CALLS` calls asked for.

    Two more come before: one that fills caches, and one that is counted and left out, as starting
    memray for the first time leaves its own. The benchmark is set up; as asv does while it takes
    times, ``teardown`` and ``setup`` run before every call where there are any, and garbage is not
    collected during one. Blocks are those of Python's allocators and of ``malloc``, in all threads.
    ``folder`` takes memray's captures. A benchmark whose function returns source code for asv to
    time in another process does no work to count: none is returned.
    """
    from asv_runner.benchmarks.timeraw import TimerawBenchmark

    if isinstance(benchmark, TimerawBenchmark):
        return []
    arguments = benchmark._build_params()  # noqa: SLF001  # asv_runner offers no public name for it
    benchmark.func(*arguments)
    found = []
    for _ in range(1 + CALLS):
        benchmark.do_teardown()
        benchmark.do_setup()
        found.append(_counted(benchmark.func, arguments, folder / "counted.bin"))
    return found[1:]


def _counted(function: Any, arguments: Any, capture: Path) -> int:  # noqa: ANN401  # see above
    from memray import FileDestination, Tracker
    from memray._memray import compute_statistics

    gc.collect()
    gc.disable()
    try:
        with Tracker(
            destination=FileDestination(capture, overwrite=True), trace_python_allocators=True
        ):
            function(*arguments)
    finally:
        gc.enable()
    total = compute_statistics(str(capture)).total_num_allocations
    capture.unlink()
    return int(total)


def missing() -> str | None:
    """Return why allocations cannot be counted in this process; None where they can."""
    try:
        import memray  # noqa: F401  # only asked for
    except ImportError:
        return (
            f"memray, which counts allocations, is not installed beside {sys.executable}: install"
            " it there, or set regression.allocations to ignored"
        )
    return None
