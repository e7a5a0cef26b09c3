"""A target timed without a profiler, then recorded with one, each in a process of its own."""

import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from perfkit.errors import MeasurementError, OutOfTimeError
from perfkit.model import Timing
from perfkit.profiling.packing import unpacked
from perfkit.profiling.recording import Recording
from perfkit.targets.child import run_child
from perfkit.targets.found import check_found
from perfkit.targets.spec import Target, TargetKind

INTERVAL_SECONDS = 0.001
"""pyinstrument's own default: 1000 samples a second."""
AUTO_LIMIT_SECONDS = 30.0
"""Profiled time after which ``--repeat auto`` is content with the samples it has."""

GRACE_SECONDS = 5.0
"""What a target that ran out of time has to end in: long enough to unwind and write the samples."""

_CHILD = "perfkit.profiling.child"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is recorded beside the main thread; with either, by processor time."""

    threads: bool = False
    children: bool = False


MAIN_THREAD = Scope()


def _silent(_message: str) -> None:
    """Report no progress."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a target runs.

    ``cwd`` is the folder it is named from. ``site`` is the folder of a build to measure, with
    ``suite``, the folder of the benchmarks that measure it; None measures the working tree.
    ``python`` needs what perfkit and the target need.
    """

    cwd: Path
    site: Path | None = None
    suite: Path | None = None
    python: str = sys.executable

    def run(
        self,
        target: Target,
        request: dict[str, Any],
        timeout: float | None,
        *,
        child: str = _CHILD,
        grace: float | None = None,
    ) -> dict[str, Any]:
        """Return the answer of a module that runs as the child to ``request`` about ``target``."""
        request |= {"target": target.to_json()}
        environment = {}
        if self.site is not None:
            request |= {"site": str(self.site), "suite": str(self.suite or self.cwd)}
            inherited = os.environ.get("PYTHONPATH")
            entries = [str(self.site), *([inherited] if inherited else [])]
            environment["PYTHONPATH"] = os.pathsep.join(entries)
            # It would be said once per session, and both sides bear it alike.
            environment["PYINSTRUMENT_IGNORE_OVERHEAD_WARNING"] = "1"
        return run_child(
            child,
            request,
            cwd=self.cwd,
            name=str(target),
            timeout=timeout,
            python=self.python,
            environment=environment,
            grace=grace,
        )


def capture(
    target: Target,
    *,
    cwd: Path,
    interval: float = INTERVAL_SECONDS,
    repeat: int | Literal["auto"] = 1,
    warmup: int = 0,
    timeout: float | None = None,
    scope: Scope = MAIN_THREAD,
    python: str = sys.executable,
    progress: Callable[[str], None] = _silent,
) -> Recording:
    """Return a recording of ``target`` with the time it takes unprofiled.

    Args:
        target: What to run; it is run in two processes, one after the other.
        cwd: Where it runs.
        interval: Seconds between samples.
        repeat: Calls in each process. ``"auto"`` times for about a second, and records until
            there are 1000 samples, but no longer than :data:`AUTO_LIMIT_SECONDS`.
        warmup: Calls before either measurement, in its process.
        timeout: Seconds that each process may take. Then the target is ended, and what was recorded
            until then is the recording, ``cut_off``.
        scope: What is recorded. A tool of an MCP server runs in a thread of its own, so its threads
            are recorded always.
        python: The interpreter; it needs what perfkit and the target need.
        progress: Told what is being done.

    Raises:
        UsageError: The target cannot be used as named.
        MeasurementError: The target failed, or ended before it was sampled once.
    """
    where = Where(cwd=cwd, python=python)
    if python == sys.executable:
        check_found(target, cwd)
    progress(f"timing {target} without a profiler")
    timing = None
    try:
        timing = timed(target, where, repeat=repeat, warmup=warmup, timeout=timeout)
    except OutOfTimeError:
        progress(f"{target} did not end within {timeout:g} s, so its time is not known")
    progress(f"profiling {target}")
    return recorded(
        target,
        where,
        timing=timing,
        interval=interval,
        repeat=repeat,
        warmup=warmup,
        timeout=timeout,
        scope=replace(scope, threads=True) if target.kind is TargetKind.MCP else scope,
        grace=GRACE_SECONDS,
    )


def timed(
    target: Target,
    where: Where,
    *,
    repeat: int | Literal["auto"],
    warmup: int,
    timeout: float | None,
) -> Timing:
    """Return the time of a target without a profiler, in a process of its own."""
    calls = None if repeat == "auto" else repeat
    request: dict[str, Any] = {"do": "time", "calls": calls, "warmup": warmup}
    return Timing(**where.run(target, request, timeout))


def recorded(
    target: Target,
    where: Where,
    *,
    timing: Timing | None,
    interval: float,
    repeat: int | Literal["auto"],
    warmup: int,
    timeout: float | None,
    scope: Scope = MAIN_THREAD,
    grace: float | None = None,
) -> Recording:
    """Return a recording of a target in a process of its own.

    ``timing`` is its time, None where it is not known. With ``grace`` (seconds) a recording that
    takes longer than ``timeout`` is cut off; without, it is an :class:`OutOfTimeError`.
    """
    name = str(target)
    request: dict[str, Any] = {
        "do": "record",
        "calls": None if repeat == "auto" else repeat,
        "warmup": warmup,
        "interval": interval,
        "cut_off": grace is not None,
        "batch": 1 if timing is None else batch_size(timing, interval),
        "limit_seconds": min(AUTO_LIMIT_SECONDS, (timeout or math.inf) / 2),
    }
    with TemporaryDirectory(prefix="perfkit-") as folder:
        request["reach"] = (
            None
            if scope == MAIN_THREAD
            else {"threads": scope.threads, "folder": folder if scope.children else None}
        )
        found = where.run(target, request, timeout, grace=grace)
        found["cut_off"] = found.pop("late", False)
        found["session"] = unpacked(found["session"])
        if scope != MAIN_THREAD:
            from perfkit.profiling.everywhere import merged
            from perfkit.profiling.processes import kept

            found = merged(found, list(kept(Path(folder))))
    session = found.pop("session")
    recording = Recording(
        target=name,
        cwd=str(where.cwd.resolve()),
        timing=timing,
        warmup=warmup,
        interval=interval,
        session={**session, "target_description": name},
        **found,
    )
    if not recording.samples:
        raise MeasurementError(_why_no_sample(recording))
    return recording


def batch_size(timing: Timing, interval: float) -> int:
    """Return how many calls make one batch of a recording that repeats by itself.

    A batch loses up to two intervals at its end, which stays a small part of it.
    """
    from perfkit.profiling.child import BATCH_INTERVALS, BATCH_SECONDS

    seconds = max(BATCH_SECONDS, BATCH_INTERVALS * interval)
    return max(1, math.ceil(seconds / max(timing.median, 1e-9)))


def _why_no_sample(recording: Recording) -> str:
    took = f"{recording.target} was profiled for {recording.seconds * 1e3:.3g} ms"
    every = f"one sample every {recording.interval * 1e3:.3g} ms"
    if recording.seconds > 10 * recording.interval:
        return (
            f"{took} and gave no sample at {every}: it seems to have replaced the profiler "
            "(sys.setprofile); run it without its own profiler or debugger"
        )
    return f"{took}, too short for {every}: call it more often, with --repeat auto"
