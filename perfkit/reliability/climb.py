"""A ramp to the knee: one rate after another on one connection to the server, until it is known."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perfkit.config.load_plan import LoadPlan
from perfkit.errors import InterruptedMeasurementError
from perfkit.model import (
    Interval,
    Knee,
    KneeStep,
    LoadJudgement,
    LoadObjective,
    LoadResult,
    Status,
)
from perfkit.reliability.arrivals import Stage, arrivals
from perfkit.reliability.drive import Limits, LoadProgress, Sender, drive
from perfkit.reliability.judge import LEVEL
from perfkit.reliability.knee import LEAST_REQUESTS, Judged, Search, judge_step
from perfkit.reliability.load import fast_loop, objectives_of, stopped_by_signals
from perfkit.reliability.opening import connected, opener
from perfkit.reliability.record import LoadRecord, joined
from perfkit.reliability.summary import summarize
from perfkit.reliability.waiting import Sleep, exact_sleep

IN_LATENCIES = 5
"""A step is this many times as long as the median latency: a queue has to have time to fill."""

LONGER = 3
"""Between a rate that held and one that did not, steps are this many times as long: what varies by
chance shrinks with the root of it."""

LONGEST_STEP = 60.0
"""Seconds; slower answers than a tenth of this need a plan of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Monotonic seconds, processor seconds of this process, and how to wait."""

    wall: Callable[[], float]
    cpu: Callable[[], float]
    sleep: Sleep


def find_knee(
    plan: LoadPlan, *, cwd: Path, owned: bool, on_progress: Callable[[LoadProgress], None]
) -> tuple[LoadRecord, LoadResult]:
    """Raise the rate until the server no longer keeps pace; return every request and the knee.

    SIGINT and SIGTERM end it early; what was found until then is told.

    Raises:
        UsageError: the target cannot be used, or is not the user's.
        MeasurementError: the server cannot be reached at all.
        InterruptedMeasurementError: it was ended before a request was sent.
    """
    opened = opener(plan, np.random.default_rng(plan.seed), cwd=cwd, owned=owned)

    async def whole() -> tuple[LoadRecord, Knee]:
        with stopped_by_signals() as stop:
            async with (
                connected(opened, plan.target, stop=stop) as sender,
                exact_sleep() as sleep,
            ):
                clocks = Clocks(wall=time.perf_counter, cpu=time.process_time, sleep=sleep)
                return await climb(plan, sender, clocks, stop=stop, on_progress=on_progress)

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        record, knee = runner.run(whole())
    if not np.isfinite(record.sent).any():
        raise InterruptedMeasurementError(
            f"{plan.target}: the load was ended before a request was sent"
        )
    judged = [judge_capacity(knee, plan.capacity)] if plan.capacity is not None else []
    result = summarize(record, judged, target=plan.target, arrivals=plan.arrivals)
    if result.status is Status.PASSED and knee.reason and not judged:
        result = replace(result, status=Status.INCONCLUSIVE)
    return record, replace(result, knee=knee)


async def climb(
    plan: LoadPlan,
    sender: Sender,
    clocks: Clocks,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[LoadProgress], None],
) -> tuple[LoadRecord, Knee]:
    """Try rates until the search ends or one of the plan's bounds is reached."""
    rng = np.random.default_rng(plan.seed)
    search, records, steps = Search(plan.rate), list[LoadRecord](), list[KneeStep]()
    began, sent, median, reason = clocks.wall(), 0, 0.0, ""

    async def stage(name: str, rate: float, seconds: float) -> LoadRecord:
        stages = (Stage(name, seconds, rate, rate, judged=False),)
        before, since = sent, clocks.wall() - began

        def told(now: LoadProgress) -> None:
            on_progress(
                replace(
                    now,
                    seconds=since + now.seconds,
                    total_seconds=plan.longest,
                    sent=before + now.sent,
                )
            )

        return await drive(
            arrivals(stages, plan.arrivals, rng),
            stages,
            sender,
            limits=Limits(timeout=plan.timeout, most_waiting=plan.most_waiting),
            clock=clocks.wall,
            cpu_clock=clocks.cpu,
            stop=stop,
            on_progress=told,
            sleep=clocks.sleep,
        )

    if plan.warm * plan.rate >= 1:
        records.append(await stage("warm", plan.rate, plan.warm))
        sent += len(records[-1].due)
    while not stop.is_set() and (rate := search.next_rate()) is not None:
        # Poisson arrivals vary, and a step wants its fewest requests all the same.
        seconds = max(
            plan.step * (LONGER if search.near else 1),
            2 * LEAST_REQUESTS / rate,
            IN_LATENCIES * median,
        )
        seconds = min(seconds, max(LONGEST_STEP, 2 * LEAST_REQUESTS / rate))
        if clocks.wall() - began + seconds > plan.longest:
            reason = f"the next step would take it beyond {plan.longest:g} s (--longest)"
            break
        if sent + rate * seconds > plan.most_requests:
            reason = f"the next step would take it beyond {plan.most_requests} requests"
            break
        found = await stage("step", rate, seconds)
        sent += len(found.due)
        if found.interrupted:
            records.append(found)
            break
        judged = judge_step(found, rate, objectives_of(plan))
        records.append(_named(found, judged))
        steps.append(judged.step)
        search.note(judged.step)
        if judged.step.verdict == "held":
            median = judged.median
    if stop.is_set():
        reason = "it was interrupted"
    return joined(records), _knee(search, steps, reason)


def _named(record: LoadRecord, judged: Judged) -> LoadRecord:
    return replace(record, stages=(replace(record.stages[0], name=judged.step.verdict),))


def _knee(search: Search, steps: list[KneeStep], reason: str) -> Knee:
    if not reason and search.held is None:
        reason = f"not even {search.above or 0:.3g}/s held"
    elif not reason and search.late:
        reason = f"from {search.above or 0:.4g}/s on the generator was too late to tell"
    return Knee(
        held=search.held,
        not_held=None if search.late else search.above,
        steps=tuple(steps),
        reason=reason,
    )


def judge_capacity(knee: Knee, wanted: float) -> LoadJudgement:
    """Return whether a rate of ``wanted`` requests a second is one that holds."""
    objective = LoadObjective("capacity", wanted)
    low, high = knee.held or 0.0, math.inf if knee.not_held is None else knee.not_held
    measured = Interval(low, low, high, LEVEL)
    if low >= wanted:
        return LoadJudgement(objective, measured, Status.PASSED)
    if high <= wanted:
        return LoadJudgement(objective, measured, Status.FAILED)
    reason = knee.reason or "it lies between a rate that held and one that did not"
    return LoadJudgement(objective, measured, Status.INCONCLUSIVE, reason)
