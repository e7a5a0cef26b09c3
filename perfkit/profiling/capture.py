"""A target timed without a profiler, then recorded with one, each in a process of its own."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from perfkit.errors import MeasurementError
from perfkit.model import Timing
from perfkit.profiling.recording import Recording, unpacked
from perfkit.targets import Target, run_child

INTERVAL_SECONDS = 0.001
"""pyinstrument's own default: 1000 samples a second."""
AUTO_LIMIT_SECONDS = 30.0
"""Profiled time after which ``--repeat auto`` is content with the samples it has."""

_CHILD = "perfkit.profiling.child"


def _silent(_message: str) -> None:
    """Report no progress."""


def capture(
    target: Target,
    *,
    cwd: Path,
    interval: float = INTERVAL_SECONDS,
    repeat: int | Literal["auto"] = 1,
    warmup: int = 0,
    timeout: float | None = None,
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
        timeout: Seconds that each process may take.
        python: The interpreter; it needs what perfkit and the target need.
        progress: Told what is being done.

    Raises:
        UsageError: The target cannot be used as named.
        MeasurementError: The target failed, or ended before it was sampled once.
    """
    name = str(target)
    calls = None if repeat == "auto" else repeat
    request: dict[str, Any] = {"target": target.to_json(), "calls": calls, "warmup": warmup}
    progress(f"timing {name} without a profiler")
    timed = run_child(
        _CHILD, request | {"do": "time"}, cwd=cwd, name=name, timeout=timeout, python=python
    )
    timing = Timing(**timed)
    progress(f"profiling {name}")
    request |= {
        "do": "record",
        "interval": interval,
        "batch": batch_size(timing),
        "limit_seconds": min(AUTO_LIMIT_SECONDS, (timeout or math.inf) / 2),
    }
    recorded = run_child(_CHILD, request, cwd=cwd, name=name, timeout=timeout, python=python)
    session = unpacked(recorded.pop("session"))
    recording = Recording(
        target=name,
        cwd=str(cwd.resolve()),
        timing=timing,
        warmup=warmup,
        interval=interval,
        session={**session, "target_description": name},
        **recorded,
    )
    if not recording.samples:
        raise MeasurementError(_why_no_sample(recording))
    return recording


def batch_size(timing: Timing) -> int:
    """Return how many calls make one batch of a recording that repeats by itself."""
    from perfkit.profiling.child import BATCH_SECONDS

    return max(1, math.ceil(BATCH_SECONDS / max(timing.median, 1e-9)))


def _why_no_sample(recording: Recording) -> str:
    took = f"{recording.target} was profiled for {recording.seconds * 1e3:.3g} ms"
    every = f"one sample every {recording.interval * 1e3:.3g} ms"
    if recording.seconds > 10 * recording.interval:
        return (
            f"{took} and gave no sample at {every}: it seems to have replaced the profiler "
            "(sys.setprofile); run it without its own profiler or debugger"
        )
    return f"{took}, too short for {every}: call it more often, with --repeat auto"
