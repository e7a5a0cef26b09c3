"""A plan carried out: arrivals decided, a sender opened, the load driven and judged."""

import asyncio
import contextlib
import pkgutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urljoin

import numpy as np

from perfkit.config.load_plan import LoadPlan, PlannedRequest
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import LoadObjective, LoadResult, LoadStatistic
from perfkit.reliability.arrivals import arrivals
from perfkit.reliability.drive import Limits, LoadProgress, Sender, drive
from perfkit.reliability.hosts import check_address, resolve
from perfkit.reliability.judge import judge_load
from perfkit.reliability.record import LoadRecord
from perfkit.reliability.stages import Shape, stages_of
from perfkit.reliability.summary import summarize
from perfkit.targets import TargetKind, parse_target

STATISTICS: tuple[LoadStatistic, ...] = ("p50", "p95", "p99", "max", "availability")

MOST_THREADS = 64
"""Threads for a callable that is not async; more would only wait for each other in Python."""

LONGEST_MIX = 10_000
"""Requests after which the seeded order of a mix repeats."""


def run_load(
    plan: LoadPlan,
    *,
    cwd: Path,
    owned: bool,
    on_progress: Callable[[LoadProgress], None],
) -> tuple[LoadRecord, LoadResult]:
    """Send the load of ``plan`` and return every request, and what it comes to.

    SIGINT and SIGTERM end it early; what was measured is judged and marked as interrupted.

    Raises:
        UsageError: the target cannot be used, is not the user's, or the plan is too large.
        MeasurementError: the server cannot be reached at all.
    """
    stages = stages_of(
        Shape(
            rate=plan.rate,
            hold=plan.hold,
            ramp=plan.ramp,
            warm=plan.warm,
            spike_rate=plan.spike_rate,
            spike=plan.spike,
            recover=plan.recover,
        )
    )
    expected = sum(stage.expected for stage in stages)
    if expected > plan.most_requests:
        raise UsageError(
            f"{expected:.0f} requests are planned, more than {plan.most_requests}: lower the rate"
            " or the times, or raise most_requests (--most-requests)"
        )
    rng = np.random.default_rng(plan.seed)
    planned = arrivals(stages, plan.arrivals, rng)
    if not len(planned):
        raise UsageError("no request is due in this plan: raise the rate or the time")
    # The target is checked before the event loop starts, where a sentence is still one.
    opened = _opener(plan, _choice(plan.requests, rng), cwd=cwd, owned=owned)

    async def whole() -> LoadRecord:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            # Only the main thread may set them; elsewhere the caller ends the load.
            with contextlib.suppress(RuntimeError, ValueError):
                loop.add_signal_handler(name, stop.set)
        try:
            async with opened() as sender:
                return await drive(
                    planned,
                    stages,
                    sender,
                    limits=Limits(timeout=plan.timeout, most_waiting=plan.most_waiting),
                    clock=time.perf_counter,
                    cpu_clock=time.process_time,
                    stop=stop,
                    on_progress=on_progress,
                )
        finally:
            for name in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(RuntimeError, ValueError):
                    loop.remove_signal_handler(name)

    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        record = runner.run(whole())
    if not np.isfinite(record.sent).any():
        raise MeasurementError(f"{plan.target}: the load was ended before a request was sent")
    judged = judge_load(record, _objectives(plan), seed=plan.seed)
    return record, summarize(record, judged, target=plan.target, arrivals=plan.arrivals)


def _objectives(plan: LoadPlan) -> list[LoadObjective]:
    limits = [(statistic, getattr(plan, statistic)) for statistic in STATISTICS]
    return [LoadObjective(statistic, limit) for statistic, limit in limits if limit is not None]


def _choice(requests: Sequence[PlannedRequest], rng: np.random.Generator) -> list[int]:
    """Return indices of ``requests``, by their weight, in a seeded order."""
    if len(requests) < 2:  # noqa: PLR2004 - nothing to choose
        return [0]
    weights = np.array([one.weight for one in requests], dtype=float)
    chosen: list[int] = rng.choice(len(requests), LONGEST_MIX, p=weights / weights.sum()).tolist()
    return chosen


def _opener(
    plan: LoadPlan, choice: list[int], *, cwd: Path, owned: bool
) -> Callable[[], AbstractAsyncContextManager[Sender]]:
    target = plan.target
    if target.startswith("mcp:"):
        return _mcp(plan, target.removeprefix("mcp:"), choice, owned=owned)
    if target.startswith(("http://", "https://")):
        check_address(target, owned=owned, resolve=resolve)
        return _http(plan, choice)
    return _call(plan, cwd)


def _http(plan: LoadPlan, choice: list[int]) -> Callable[[], AbstractAsyncContextManager[Sender]]:
    try:
        from perfkit.reliability.senders.http import HttpRequest, http_sender
    except ModuleNotFoundError as error:
        raise UsageError(
            f"load over HTTP needs {error.name}: install perfkit with its extra, perfkit[load]"
        ) from error
    kinds = plan.requests or (PlannedRequest(),)
    if any(one.tool for one in kinds):
        raise UsageError(f"{plan.target}: an HTTP request has no tool; write mcp:{plan.target}")
    requests = [
        HttpRequest(
            url=urljoin(plan.target, one.path) if one.path else plan.target,
            method=one.method,
            headers=one.headers,
            body=None if one.body is None else one.body.encode(),
        )
        for one in kinds
    ]
    return lambda: http_sender(requests, choice)


def _mcp(
    plan: LoadPlan, address: str, choice: list[int], *, owned: bool
) -> Callable[[], AbstractAsyncContextManager[Sender]]:
    if not plan.requests or not all(one.tool for one in plan.requests):
        raise UsageError(f"{plan.target}: an MCP target needs the tool to call: --tool NAME")
    if not address.startswith("stdio:"):
        check_address(address, owned=owned, resolve=resolve)
    elif not address.removeprefix("stdio:").strip():
        raise UsageError("mcp:stdio: needs the command that starts the server")
    try:
        from perfkit.reliability.senders.mcp import ToolCall, mcp_sender
    except ModuleNotFoundError as error:
        raise UsageError(
            f"load over MCP needs {error.name}: install the package mcp, version 2"
        ) from error
    calls = [ToolCall(tool=one.tool or "", arguments=one.arguments) for one in plan.requests]
    return lambda: mcp_sender(address, calls, choice)


def _call(plan: LoadPlan, cwd: Path) -> Callable[[], AbstractAsyncContextManager[Sender]]:
    from perfkit.reliability.senders.call import call_sender

    target = parse_target(plan.target, cwd=cwd)
    if target.kind is not TargetKind.CALLABLE:
        raise UsageError(
            f"{plan.target}: load is for servers and callables: an http(s) address, "
            "mcp:stdio:COMMAND, mcp:http://..., or pkg.mod:callable"
        )
    # Called in this process: a process between would add its own waiting.
    sys.path.insert(0, str(cwd))
    try:
        function = pkgutil.resolve_name(target.name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{plan.target}: {error}; check the name") from error
    except Exception as error:
        raise MeasurementError(
            f"{plan.target}: importing it failed: {type(error).__name__}: {error}"
        ) from error
    if not callable(function):
        raise UsageError(f"{plan.target}: found {type(function).__name__}, wanted a callable")
    return lambda: call_sender(function, threads=min(plan.most_waiting, MOST_THREADS))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed, else None for asyncio's own."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop
