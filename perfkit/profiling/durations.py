"""The times of a target without a profiler, call by call, in several fresh processes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from perfkit.targets.child import run_child
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

PROCESSES = 10
"""Fresh processes: what differs from one to the next is what an interval has to hold."""
LONGEST_SECONDS = 120.0
"""Time after which no new process is started, once there are :data:`LEAST_PROCESSES`."""
LEAST_PROCESSES = 3
"""Fewer cannot give an interval, however long each takes."""
AUTO_SECONDS = 0.3
AUTO_CALLS = 2000
"""Bounds of the calls of one process under ``--repeat auto``, whichever is met first."""


def durations(
    target: Target,
    *,
    cwd: Path,
    repeat: int | Literal["auto"],
    warmup: int,
    timeout: float | None,
    least: int = 1,
    clock: Callable[[], float],
) -> tuple[tuple[float, ...], ...]:
    """Return the seconds of every call, process by process, in order of execution.

    There are :data:`PROCESSES` processes, more where it takes them for ``least`` calls in all,
    and fewer where they would take longer than :data:`LONGEST_SECONDS`.

    Raises:
        UsageError: The target cannot be used as named.
        MeasurementError: The target failed.
    """
    found: list[tuple[float, ...]] = []
    began = clock()
    while len(found) < PROCESSES or sum(map(len, found)) < least:
        late = clock() - began > LONGEST_SECONDS
        if late and len(found) >= LEAST_PROCESSES:
            break
        request = {
            "target": target.to_json(),
            "calls": None if repeat == "auto" else repeat,
            "warmup": warmup,
        }
        answer = run_child(
            "perfkit.profiling.durations", request, cwd=cwd, name=str(target), timeout=timeout
        )
        found.append(tuple(answer["seconds"]))
    return tuple(found)


def measure(request: Mapping[str, Any]) -> dict[str, list[float]]:
    """Answer in the child with the ``seconds`` of each call."""
    with load(Target.from_json(request["target"])) as run:
        for _ in range(request["warmup"]):
            run()
        return {"seconds": timed_calls(run, request["calls"], time.perf_counter)}


def timed_calls(
    run: Callable[[], object], calls: int | None, clock: Callable[[], float]
) -> list[float]:
    """Return the seconds of each of ``calls`` calls; None means as many as fit the bounds."""
    found: list[float] = []
    spent = 0.0
    while len(found) < (calls or AUTO_CALLS):
        started = clock()
        run()
        found.append(clock() - started)
        spent += found[-1]
        if calls is None and spent >= AUTO_SECONDS:
            break
    return found


if __name__ == "__main__":
    serve(measure)
