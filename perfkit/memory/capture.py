"""The child: run a target under memray and leave a capture with marks in it.

A mark is a pause between two iterations, after a garbage collection, long enough for memray's
background thread to write one of its periodic memory records. The pause is framed by two
allocations, :func:`_mark_opens` and :func:`_mark_closes`; a memory record that the stream holds
between them is, by the order of the stream, the state of the heap at that mark. memray's C++
reader keeps, per stack, what lived across which memory records, so the millions of allocations
that come and go within a mark's span never reach Python.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perfkit.errors import MeasurementError
from perfkit.memory import holders
from perfkit.memory.caches import LruCache, clear_stdlib_caches, lru_caches
from perfkit.memory.series import Holder
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

MARKS = 48 + 16
"""Marks of a run after the one at its start: four per segment of :mod:`perfkit.memory.growth`."""

RECORD_INTERVAL_MS = 2
"""How often memray writes a memory record."""

PAUSE_SECONDS = 0.010
"""Length of a mark: room for several memory records, so that one falls inside on a busy machine."""

LAST_PAUSE = 10
"""Pauses that the last mark lasts: of all marks it is the one that must not be missed."""

WARM_UP = 2
"""Calls before the one that tells the cost: imports inside the target, first-call caches."""


LEAST_SHORTENED = 48
"""Iterations that a slow target gets at least: three in each segment of the growth test."""

LEAST_FURTHER = 10
"""Calls after the run, at least, that tell a container that grows from one that has grown."""

MARK_BYTES = 977
"""Size of the two allocations of a mark: odd, so that nothing else is taken for one."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the child knows of a run beyond its capture; see :class:`Recording` for the fields."""

    marks: list[int]
    seconds_per_iteration: float
    filling_caches: list[tuple[str, int, int]]
    holders: list[Holder]


def shortened(iterations: int, seconds: float | None, cost: float) -> int:
    """Return how many iterations of ``cost`` seconds fit into ``seconds``, in fours."""
    if seconds is None or iterations * cost <= seconds:
        return iterations
    return min(iterations, max(LEAST_SHORTENED, int(seconds / cost) // 4 * 4))


def schedule(iterations: int, marks: int = MARKS) -> list[int]:
    """Return the iteration counts to mark: 0, then evenly spaced, the last at ``iterations``.

    The first quarter, the half and the end are marks whenever four divides ``iterations``.
    """
    count = min(marks, iterations)
    return sorted({round(k * iterations / count) for k in range(count + 1)})


def record(
    call: Callable[[], object],
    capture: Path,
    *,
    iterations: int,
    seconds: float | None = None,
    native: bool = False,
) -> Run:
    """Run ``call`` under memray, ``iterations`` times after a few calls of warm-up.

    Given ``seconds``, a slow target gets as many iterations as fit, but not less than
    :data:`LEAST_SHORTENED`. ``capture`` is written; it must not exist yet.

    Raises:
        MeasurementError: The target raised, in a call that the sentence counts from 1, or memray
            could not write the capture.
    """
    import memray

    cached: list[list[int]] = []
    before = holders.sizes()
    spent = 0.0
    try:
        tracker = memray.Tracker(
            destination=memray.FileDestination(capture),
            memory_interval_ms=RECORD_INTERVAL_MS,
            trace_python_allocators=True,
            native_traces=native,
        )
    except OSError as error:
        raise MeasurementError(
            f"memray cannot write its capture {capture} ({error}): free some space, or set TMPDIR"
        ) from error
    with tracker:
        for number in range(1, WARM_UP + 1):
            _numbered_call(call, number)
        began = time.perf_counter()
        _numbered_call(call, WARM_UP + 1)
        marks = schedule(shortened(iterations, seconds, time.perf_counter() - began))
        # Never resized: the marks themselves must not look like growth.
        kept: list[bytes | None] = [None] * (2 * len(marks))
        stdlib, others = lru_caches()
        gc.collect()
        gc.freeze()
        done = 0
        for position, mark in enumerate(marks):
            began = time.perf_counter()
            for number in range(done + 1, mark + 1):
                _numbered_call(call, WARM_UP + 1 + number)
            spent += time.perf_counter() - began
            done = mark
            clear_stdlib_caches()
            for cache in stdlib:
                cache.cache_clear()
            gc.collect()
            kept[2 * position] = _mark_opens()
            last = position == len(marks) - 1
            time.sleep(PAUSE_SECONDS * (LAST_PAUSE if last else 1))
            kept[2 * position + 1] = _mark_closes()
            if position in (len(marks) // 4, len(marks) - 1):
                cached.append([cache.cache_info().currsize for cache in others])
    return Run(
        marks,
        spent / marks[-1],
        _filling(others, *cached),
        _holders(call, before, calls=WARM_UP + 1 + done),
    )


def _holders(call: Callable[[], object], before: dict[int, int], *, calls: int) -> list[Holder]:
    """Call on for a while without memray, and name the containers that have grown all along."""
    gc.unfreeze()
    more = max(LEAST_FURTHER, calls // 20)
    sizes = []
    # Twice the same lines: a tool that notes new lines, such as coverage, grows at the first only.
    for _ in range(2):
        for _ in range(more):
            calls += 1
            _numbered_call(call, calls)
        gc.collect()
        sizes.append(holders.sizes())
    after, later = sizes
    grown = holders.growing(before, after, later, (calls - more, more))
    return holders.named(grown, ignore=[before, *sizes])


def _numbered_call(call: Callable[[], object], number: int) -> None:
    try:
        call()
    except MeasurementError as error:
        raise MeasurementError(f"in call {number}, {error}") from error.__cause__


def _mark_opens() -> bytes:
    return bytes(MARK_BYTES)


def _mark_closes() -> bytes:
    return bytes(MARK_BYTES)


def _filling(
    caches: list[LruCache], before: list[int], after: list[int]
) -> list[tuple[str, int, int]]:
    """Return name, entries and bound of the caches that grew and are not yet full."""
    grown = []
    for cache, early, late in zip(caches, before, after, strict=True):
        bound = cache.cache_parameters()["maxsize"] or 0  # None: unbounded, it never fills up
        if early < late < bound:
            grown.append((f"{cache.__module__}.{cache.__qualname__}", late, bound))
    return grown


def _roots(target: Target) -> list[str]:
    """Return the folders and files that hold the target's own code, wherever it is installed."""
    import sys

    top = sys.modules.get(target.name.partition(":")[0].partition(".")[0])
    paths = [*getattr(top, "__path__", ())] or [getattr(top, "__file__", None)]
    return [str(Path(path).resolve()) for path in paths if path]


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request ``{target, capture, iterations, seconds, native}``."""
    target = Target.from_json(request["target"])
    with load(target) as call:
        run = record(
            call,
            Path(request["capture"]),
            iterations=request["iterations"],
            seconds=request["seconds"],
            native=request["native"],
        )
        return {
            "marks": run.marks,
            "seconds_per_iteration": run.seconds_per_iteration,
            "filling_caches": run.filling_caches,
            "holders": [asdict(holder) for holder in run.holders],
            "own_roots": _roots(target),
        }


if __name__ == "__main__":
    serve(measure)
