"""The child: run a target under memray and leave a capture with marks in it.

A mark is long enough for memray's background thread to write one of its periodic memory records.
It is framed by two allocations, :func:`_mark_opens` and :func:`_mark_closes`; a memory record that
the stream holds between them is, by the order of the stream, the state of the heap at that mark.
memray's C++ reader keeps, per stack, what lived across which memory records, so the millions of
allocations that come and go within a mark's span never reach Python.

The tracker starts before the target is imported: memory that was allocated unseen could be given
back unseen, and a ring of entries that is full from the start would look as if it grew.
"""

import gc
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.errors import MeasurementError
from perfkit.memory import holders
from perfkit.memory.loop import Looped, leave, loop, numbered_call
from perfkit.memory.pause import pause, sleeps_of, threads
from perfkit.memory.series import Holder
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target, TargetKind

if TYPE_CHECKING:
    import memray

RECORD_INTERVAL_MS = 2
"""How often memray writes a memory record."""

LEAST_FURTHER = 10
"""Calls after the run, at least, that tell a container that grows from one that has grown."""

MARK_BYTES = 977
"""Size of the two allocations of a mark: odd, so that nothing else is taken for one."""


_ONE_TRACKER = "No more than one Tracker"
"""Begins memray's complaint about a second tracker in a process."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the child knows of a run beyond its capture.

    ``threads`` is how many threads of the target ran on after the last call of ``looped``.
    """

    looped: Looped
    holders: list[Holder]
    threads: int


def record(
    loaded: AbstractContextManager[Callable[[], object]],
    capture: Path,
    *,
    iterations: int,
    seconds: float | None = None,
    native: bool = False,
) -> Run:
    """Load a target and run it under memray; see :func:`perfkit.memory.loop.loop`.

    ``capture`` is written; it must not exist yet. ``native`` records C stacks as well.

    Raises:
        UsageError: The target cannot be used as named.
        MeasurementError: The target raised, or memray could not write the capture.
    """
    import memray

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
    # The marks' allocations: alive as long as the tracker, or the last ones are in no record.
    kept: list[bytes | None] = []
    with ExitStack() as stack:
        with ExitStack() as tracking:
            thread = _start(tracker, tracking)
            sleeps = None if thread is None else partial(_sleeps, thread, capture)
            call = stack.enter_context(loaded)
            before = holders.sizes()
            try:
                looped = loop(
                    call,
                    partial(_marks_of_memray, kept, sleeps),
                    iterations=iterations,
                    seconds=seconds,
                )
            except MeasurementError as error:
                if _ONE_TRACKER in str(error.__cause__):
                    raise MeasurementError(
                        "the target starts memray itself, and a process can have one tracker only:"
                        " name the function that runs under it instead"
                    ) from error.__cause__
                raise
        threads = _lasting_threads()
        return Run(looped, _holders(call, before, calls=looped.calls), threads)


def _start(tracker: "memray.Tracker", tracking: ExitStack) -> str | None:
    """Start; return the kernel's name of memray's thread, None where it does not tell."""
    before = threads()
    try:
        tracking.enter_context(tracker)
    except RuntimeError as error:
        if _ONE_TRACKER not in str(error):
            raise
        raise MeasurementError(
            "memray watches the target's process from its start already (a sitecustomize, or a"
            " module that it imports): start it without"
        ) from error
    started = [*(threads() - before)]
    return started[0] if len(started) == 1 else None


def _sleeps(thread: str, capture: Path) -> int:
    try:
        return sleeps_of(thread)
    except OSError:
        raise MeasurementError(
            f"memray stopped, as it could not write on in its capture {capture}: free some space,"
            " or set TMPDIR"
        ) from None


def _lasting_threads() -> int:
    """Return how many threads run beside this one; memray's own has ended by now."""
    return threading.active_count() - 1


def _marks_of_memray(
    kept: list[bytes | None], sleeps: Callable[[], int] | None, count: int
) -> Callable[[int], None]:
    # Never resized from here on: the marks themselves must not look like growth.
    kept.extend([None] * (2 * count))

    def at_mark(position: int) -> None:
        kept[2 * position] = _mark_opens()
        pause(sleeps, last=position == count - 1)
        kept[2 * position + 1] = _mark_closes()

    return at_mark


def _mark_opens() -> bytes:
    return bytes(MARK_BYTES)


def _mark_closes() -> bytes:
    return bytes(MARK_BYTES)


def _holders(call: Callable[[], object], before: dict[int, int], *, calls: int) -> list[Holder]:
    """Call on for a while without memray, and name the containers that have grown all along."""
    more = max(LEAST_FURTHER, calls // 20)
    sizes = []
    # Twice the same lines: a tool that notes new lines, such as coverage, grows at the first only.
    for _ in range(2):
        for _ in range(more):
            calls += 1
            numbered_call(call, calls)
        gc.collect()
        sizes.append(holders.sizes())
    after, later = sizes
    grown = holders.growing(before, after, later, (calls - more, more))
    return holders.named(grown, ignore=[before, *sizes])


def _roots(target: Target) -> list[str]:
    """Return the folders and files that hold the target's own code, wherever it is installed."""
    top = sys.modules.get(target.name.partition(":")[0].partition(".")[0])
    paths = [*getattr(top, "__path__", ())] or [getattr(top, "__file__", None)]
    return [str(Path(path).resolve()) for path in paths if path]


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request ``{target, capture, iterations, seconds, native}``."""
    target = Target.from_json(request["target"])
    run = record(
        load(target),
        Path(request["capture"]),
        iterations=request["iterations"],
        seconds=request["seconds"],
        native=request["native"],
    )
    return {
        "marks": run.looped.marks,
        "seconds_per_iteration": run.looped.seconds_per_iteration,
        "filling_caches": run.looped.filling_caches,
        "holders": [asdict(holder) for holder in run.holders],
        "own_roots": _roots(target),
        "notes": [*_notes_of_server(target), *_notes(run)],
    }


def _notes_of_server(target: Target) -> list[str]:
    if target.kind is not TargetKind.MCP:
        return []
    where = "the server ran in the process that was watched, with its client connected in memory"
    return [f"{where}: what either keeps counts"]


def _notes(run: Run) -> list[str]:
    if not run.threads:
        return []
    number = "one thread" if run.threads == 1 else f"{run.threads} threads"
    what = f"{number} of the target still ran after {run.looped.calls} calls"
    return [f"{what}; what a running thread holds counts as kept: join what should have ended"]


if __name__ == "__main__":
    serve(measure)
    leave()
