"""A recording of all threads of the target's process, and of the processes that it starts."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perfkit.model import Reach
from perfkit.profiling.dither import LONGEST, SHORTEST, Dither
from perfkit.profiling.limits import Limits, as_json, children_seconds
from perfkit.profiling.packing import packed
from perfkit.profiling.processes import ProcessSamples, follow, kept_count
from perfkit.profiling.recording import CALLING, beyond
from perfkit.profiling.sampler import Record, Sampler
from perfkit.profiling.stem import is_own_work, is_stem, is_stem_of_thread
from perfkit.targets.ending import OutOfTime, out_of_time_at_sigterm


class Everywhere:
    """Records a target with its threads, its processes, or both, by processor time.

    It is made before the target is loaded: a thread is watched from its start or not at all.

    Args:
        interval: Seconds between two samples of a thread.
        threads: Whether threads other than those that start a process count.
        folder: Where processes keep their samples; None leaves processes out.
    """

    def __init__(self, *, interval: float, threads: bool, folder: str | None) -> None:
        self._interval = interval
        self._threads = threads
        self._folder = None if folder is None else Path(folder)
        self._sampler = Sampler(interval, threads=threads)
        self._sampler.watch()

    def record(
        self, run: Callable[[], object], limits: Limits, *, cut_off: bool = False
    ) -> dict[str, Any]:
        """Return fields of a Recording; those of processes are added by :func:`merged`.

        With ``cut_off`` SIGTERM ends the recording, which is then of what ran until it came.
        """
        from pyinstrument.session import Session

        dither = Dither(self._interval) if limits.repeats else None
        started, clock = time.time(), time.perf_counter()
        process, thread, children = time.process_time(), time.thread_time(), children_seconds()
        # Before the processes are followed: in a new one what is registered first is done first.
        with out_of_time_at_sigterm() if cut_off else nullcontext():
            done, threads = self._sampled(run, limits, dither)
        duration = time.perf_counter() - clock
        processor, own = time.process_time() - process, time.thread_time() - thread
        here = self._sampler.start_stack[:1]
        seen = sum(
            seconds for records in threads for stack, seconds in records if stack[:1] != here
        )
        waited = children_seconds() - children
        session = Session(
            frame_records=rooted(threads, self._sampler.start_stack),
            start_time=started,
            duration=duration,
            min_interval=self._interval * (1 if dither is None else SHORTEST),
            max_interval=self._interval * (1 if dither is None else LONGEST),
            sample_count=sum(map(len, threads)),
            start_call_stack=self._sampler.start_stack[:1],
            target_description="",
            cpu_time=processor,
            sys_path=sys.path,
            sys_prefixes=Session.current_sys_prefixes(),
        )
        return {
            "calls": done,
            "other_threads_seconds": max(0.0, processor - own - seen),
            "other_processes_seconds": waited,
            "reach": asdict(
                Reach(
                    threads=len(threads),
                    processes=1 if threads else 0,
                    processor_seconds=processor + waited,
                )
            ),
            "session": packed(as_json(session)),
        }

    def _sampled(
        self, run: Callable[[], object], limits: Limits, dither: Dither | None
    ) -> tuple[int, list[list[Record]]]:
        """Return how many calls came to an end, and the samples of each thread."""
        done = 0
        leave = (
            None
            if self._folder is None
            else follow(self._sampler, self._folder, interval=self._interval, threads=self._threads)
        )
        clock = time.perf_counter()
        self._sampler.begin(dither)
        try:
            while True:
                with dither or nullcontext():
                    done += limits.once(run, dither)
                if limits.met(self._samples(), time.perf_counter() - clock):
                    break
        except OutOfTime as end:
            done += end.completed
        finally:
            threads = self._sampler.stop()
            if leave is not None:
                leave()
        return done, threads

    def _samples(self) -> int:
        return self._sampler.samples + (kept_count(self._folder) if self._folder else 0)


def rooted(
    threads: Sequence[Sequence[Record]], started: list[str], process: str = ""
) -> list[Record]:
    """Return the samples of all threads, each from the target, or from the work of its thread, on.

    ``started`` is the stack of the thread that started the profiler. ``process`` is written beside
    the names of the threads.
    """
    found = []
    for records in threads:
        for stack, seconds in records:
            name, _, place = stack[0].partition("\x00")
            root = f"{name}{process}\x00{place}"
            if stack[:1] == started[:1]:
                rest = beyond(stack, started, is_stem, is_own_work) or [CALLING]
            else:
                rest = beyond(stack, started, is_stem_of_thread) or stack[-1:]
            found.append(([root, *rest], seconds))
    return found


def merged(found: dict[str, Any], processes: Sequence[ProcessSamples]) -> dict[str, Any]:
    """Return the fields of a Recording with the samples of other processes added.

    The session is unpacked. What those processes used and gave no sample for stays in
    ``other_processes_seconds``; the start of Python in them is in neither.
    """
    session = found["session"]
    before = sum(process.before_seconds for process in processes)
    added = [
        record
        for process in processes
        for record in rooted(process.threads, process.start_stack, f" of process {process.pid}")
    ]
    seen = sum(seconds for _, seconds in added)
    reach = found["reach"]
    records = [*session["frame_records"], *added]
    return {
        **found,
        "other_processes_seconds": max(0.0, found["other_processes_seconds"] - before - seen),
        "reach": Reach(
            threads=reach["threads"] + sum(len(process.threads) for process in processes),
            processes=reach["processes"] + sum(bool(process.threads) for process in processes),
            # A process that nobody waited for is seen, and is in no system's sum.
            processor_seconds=max(
                reach["processor_seconds"] - before,
                seen + sum(seconds for _, seconds in session["frame_records"]),
            ),
        ),
        "session": {**session, "frame_records": records, "sample_count": len(records)},
    }
