"""Runs in the child process: times a target, or records it with pyinstrument."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perfkit.errors import MeasurementError
from perfkit.model import Timing
from perfkit.profiling.limits import Limits, as_json, children_seconds
from perfkit.profiling.packing import packed
from perfkit.profiling.recording import without_stem
from perfkit.profiling.stem import is_own_work, is_stem
from perfkit.targets.ending import OutOfTime, out_of_time_at_sigterm
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

AUTO_TIMING_SECONDS = 1.0
AUTO_TIMING_CALLS = 100_000
"""Bounds of the timing pass of ``--repeat auto``, whichever is met first."""
BATCH_SECONDS, BATCH_INTERVALS = 0.25, 50
"""Least length of one recorded batch: each loses up to two intervals at its end."""


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ``do: time`` with a :class:`Timing`, ``do: record`` with a session and its calls.

    ``site`` is the folder of the build that a benchmark has to run, None for the working tree.
    """
    site = request.get("site")
    target = Target.from_json(request["target"])
    sampler = None
    if request["do"] == "record" and request["reach"] is not None:
        from perfkit.profiling.everywhere import Everywhere

        sampler = Everywhere(interval=request["interval"], **request["reach"])
    with load(target, None if site is None else Path(site)) as run:
        started = time.perf_counter()
        for _ in range(request["warmup"]):
            run()
        warming = time.perf_counter() - started if request["warmup"] else 0.0
        if request["do"] == "time":
            found = asdict(time_calls(run, request["calls"], time.perf_counter))
            return {**found, "warmup_seconds": warming}
        limits = Limits(
            calls=request["calls"], batch=request["batch"], seconds=request["limit_seconds"]
        )
        if sampler is not None:
            found = sampler.record(run, limits, cut_off=request["cut_off"])
        else:
            found = record(run, limits, interval=request["interval"], cut_off=request["cut_off"])
    if site is not None:
        from perfkit.benchmarking.child import foreign_modules

        if wrong := foreign_modules(dict(request)):
            raise MeasurementError(
                f"{target} ran the wrong code: {wrong[0]} instead of the build in {site}; import"
                " the project in the suite by its installed name only"
            )
    return found


def time_calls(run: Callable[[], object], calls: int | None, clock: Callable[[], float]) -> Timing:
    """Return the time of ``calls`` calls; None means as many as give a steady median."""
    import statistics

    durations: list[float] = []
    total = 0.0
    while len(durations) < (calls or AUTO_TIMING_CALLS):
        started = clock()
        run()
        durations.append(clock() - started)
        total += durations[-1]
        if calls is None and total >= AUTO_TIMING_SECONDS:
            break
    return Timing(
        calls=len(durations),
        first=durations[0],
        median=statistics.median(durations),
        total=total,
    )


def record(
    run: Callable[[], object], limits: Limits, *, interval: float, cut_off: bool = False
) -> dict[str, Any]:
    """Return fields of a :class:`~perfkit.profiling.recording.Recording`, the session packed.

    With ``cut_off`` SIGTERM ends the recording, which is then of what ran until it came.
    """
    from pyinstrument import Profiler

    from perfkit.profiling.dither import LONGEST, SHORTEST, Dither

    dither = Dither(interval) if limits.repeats else None
    # "disabled" charges time to the code that ran: the whole program is wanted, and a target
    # that uses pyinstrument itself stays possible.
    profiler = Profiler(
        interval=interval if dither is None else interval * LONGEST, async_mode="disabled"
    )
    done, out_of_time = 0, False
    process, thread, children = time.process_time(), time.thread_time(), children_seconds()
    with out_of_time_at_sigterm() if cut_off else nullcontext():
        while True:
            profiler.start(target_description="")
            try:
                with dither or nullcontext():
                    done += limits.once(run, dither)
            except OutOfTime as end:
                done, out_of_time = done + end.completed, True
            finally:
                session = profiler.stop()
            if out_of_time or limits.met(session.sample_count, session.duration):
                break
    own = time.thread_time() - thread
    if dither is not None:
        session.min_interval, session.max_interval = SHORTEST * interval, LONGEST * interval
    return {
        "calls": done,
        "other_threads_seconds": max(0.0, time.process_time() - process - own),
        "other_processes_seconds": children_seconds() - children,
        "session": packed(without_stem(as_json(session), is_stem, is_own_work)),
    }


if __name__ == "__main__":
    serve(measure)
