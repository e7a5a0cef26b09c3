"""A plan carried out: arrivals decided, a sender opened, the load driven and judged."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from perfkit.config.load_plan import LoadPlan
from perfkit.config.units import format_duration
from perfkit.errors import InterruptedMeasurementError, UsageError
from perfkit.model import LoadObjective, LoadResult, LoadStatistic
from perfkit.reliability.arrivals import Stage, arrivals
from perfkit.reliability.drive import Limits, LoadProgress, drive
from perfkit.reliability.judge import judge_load
from perfkit.reliability.opening import connected, opener
from perfkit.reliability.record import LoadRecord
from perfkit.reliability.resident import children_bytes, reading, resident_bytes
from perfkit.reliability.soak import Watched, judge_soak
from perfkit.reliability.stages import Shape, stages_of
from perfkit.reliability.summary import summarize
from perfkit.reliability.waiting import exact_sleep

STATISTICS: tuple[LoadStatistic, ...] = ("p50", "p95", "p99", "max", "availability")


def run_load(
    plan: LoadPlan,
    *,
    cwd: Path,
    owned: bool,
    on_progress: Callable[[LoadProgress], None],
    process: int | None = None,
) -> tuple[LoadRecord, LoadResult]:
    """Send the load of ``plan`` and return every request, and what it comes to.

    ``process`` is whose memory a soak watches; None: this one, where it is what is called, or the
    server that it starts. SIGINT and SIGTERM end it early; what was measured is judged and marked
    as interrupted.

    Raises:
        UsageError: the target cannot be used, is not the user's, or the plan is too large.
        MeasurementError: the server cannot be reached at all.
        InterruptedMeasurementError: it was ended before a request was sent.
    """
    stages = bounded_stages(plan)
    rng = np.random.default_rng(plan.seed)
    planned = arrivals(stages, plan.arrivals, rng)
    if not len(planned):
        raise UsageError("no request is due in this plan: raise the rate or the time")
    # The target is checked before the event loop starts, where a sentence is still one.
    opened = opener(plan, rng, cwd=cwd, owned=owned)

    async def whole() -> tuple[LoadRecord, Watched]:
        with stopped_by_signals() as stop:
            async with (
                connected(opened, plan.target, stop=stop) as sender,
                exact_sleep() as sleep,
                _memory(plan, process) as seen,
            ):
                driven = await drive(
                    planned,
                    stages,
                    sender,
                    limits=Limits(timeout=plan.timeout, most_waiting=plan.most_waiting),
                    clock=time.perf_counter,
                    cpu_clock=time.process_time,
                    stop=stop,
                    on_progress=on_progress,
                    sleep=sleep,
                )
                return driven, seen()

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        record, watched = runner.run(whole())
    if not np.isfinite(record.sent).any():
        raise InterruptedMeasurementError(
            f"{plan.target}: the load was ended before a request was sent"
        )
    judged = judge_load(record, objectives_of(plan), seed=plan.seed)
    soak = None
    if plan.soak:
        limits = {"p99_rise": plan.p99_rise, "memory_rise": plan.memory_rise}
        soak, rises = judge_soak(record, watched, **limits)
        judged = (*judged, *rises)
    result = summarize(record, judged, target=plan.target, arrivals=plan.arrivals)
    return record, replace(result, soak=soak)


def planned_stages(plan: LoadPlan) -> tuple[Stage, ...]:
    """Return the stages of a plan that is no ramp to the knee."""
    return stages_of(
        Shape(
            rate=plan.rate,
            hold=plan.soak or plan.hold,
            ramp=plan.ramp,
            warm=plan.warm,
            spike_rate=plan.spike_rate,
            spike=plan.spike,
            recover=plan.recover,
        )
    )


def bounded_stages(plan: LoadPlan) -> tuple[Stage, ...]:
    """Return the stages of a plan. UsageError where they are more, or longer, than it allows."""
    stages = planned_stages(plan)
    check_time(sum(stage.seconds for stage in stages), plan.most_time, "most_time (--most-time)")
    expected = sum(stage.expected for stage in stages)
    if expected > plan.most_requests:
        raise UsageError(
            f"{expected:.0f} requests are planned, more than {plan.most_requests}: lower the rate"
            " or the times, or raise most_requests (--most-requests)"
        )
    return stages


def check_time(seconds: float, most: float, name: str) -> None:
    """Raise UsageError where a load is planned to take longer than ``most`` seconds."""
    if seconds > most:
        raise UsageError(
            f"{format_duration(seconds)} are planned, more than {format_duration(most)}: lower the"
            f" times, or raise {name}"
        )


def _memory(
    plan: LoadPlan, process: int | None
) -> AbstractAsyncContextManager[Callable[[], Watched]]:
    """Return what reads the memory of the process that a soak of ``plan`` loads."""
    read: Callable[[], float] | None = None
    name = "whose memory to watch is not known: --pid"
    if process is not None:
        name, read = f"process {process}", partial(resident_bytes, process)
    elif plan.target.startswith("mcp:stdio:"):
        name, read = "the server that was started", partial(children_bytes, os.getpid())
    elif not plan.target.startswith(("http://", "https://", "mcp:")):
        name, read = "this process", partial(resident_bytes, os.getpid())
    return reading(name, read if plan.soak else None, seconds=plan.soak, clock=time.perf_counter)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """Yield an event of the running loop that SIGINT and SIGTERM set, meanwhile.

    What they did before they do again afterwards: a loop would leave the default.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    earlier = {name: signal.getsignal(name) for name in signals}
    for name in signals:
        # Only the main thread may set them; elsewhere the caller ends the load.
        with contextlib.suppress(RuntimeError, ValueError):
            loop.add_signal_handler(name, stop.set)
    try:
        yield stop
    finally:
        for name in signals:
            with contextlib.suppress(RuntimeError, ValueError):
                if loop.remove_signal_handler(name) and earlier[name] is not None:
                    signal.signal(name, earlier[name])


def objectives_of(plan: LoadPlan) -> list[LoadObjective]:
    """Return the objectives that a plan has."""
    limits = [(statistic, getattr(plan, statistic)) for statistic in STATISTICS]
    return [LoadObjective(statistic, limit) for statistic, limit in limits if limit is not None]


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed, else None for asyncio's own."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop
