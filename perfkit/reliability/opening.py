"""From the target of a plan to something that sends requests to it."""

import asyncio
import pkgutil
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np

from perfkit.config.load_plan import LoadPlan
from perfkit.config.load_settings import PlannedRequest
from perfkit.errors import InterruptedMeasurementError, MeasurementError, UsageError
from perfkit.reliability.drive import Sender
from perfkit.reliability.hosts import check_address, joined, resolve
from perfkit.targets.spec import TargetKind, parse_target

Opened = Callable[[], AbstractAsyncContextManager[Sender]]
"""Opens a sender for as long as it is held."""

MOST_THREADS = 64
"""Threads for a callable that is not async; more would only wait for each other in Python."""

CONNECT_SECONDS = 30.0
"""What a server may take until it is connected: one that imports much takes seconds."""

LONGEST_MIX = 10_000
"""Requests after which the seeded order of a mix repeats."""


def choice_of(requests: Sequence[PlannedRequest], rng: np.random.Generator) -> list[int]:
    """Return indices of ``requests``, by their weight, in a seeded order."""
    if len(requests) < 2:  # noqa: PLR2004 - nothing to choose
        return [0]
    weights = np.array([one.weight for one in requests], dtype=float)
    chosen: list[int] = rng.choice(len(requests), LONGEST_MIX, p=weights / weights.sum()).tolist()
    return chosen


def opener(plan: LoadPlan, rng: np.random.Generator, *, cwd: Path, owned: bool) -> Opened:
    """Return what opens a sender to the plan's target, after checking all that can be checked.

    Raises UsageError where the target cannot be used, or is not the user's.
    """
    choice = choice_of(plan.requests, rng)
    target = plan.target
    if target.startswith("mcp:"):
        return _mcp(plan, target.removeprefix("mcp:"), choice, owned=owned)
    if target.startswith(("http://", "https://")):
        check_address(target, owned=owned, resolve=resolve)
        return _http(plan, choice)
    return _call(plan, cwd)


@asynccontextmanager
async def connected(
    opened: Opened, target: str, *, stop: asyncio.Event, within: float = CONNECT_SECONDS
) -> AsyncIterator[Sender]:
    """Yield the sender; ``stop`` and a time limit in seconds bound how long connecting takes.

    Raises:
        InterruptedMeasurementError: ``stop`` was set before there was a connection.
        MeasurementError: there was none in time.
    """
    async with AsyncExitStack() as stack:
        limit = asyncio.timeout(within)

        async def give_up() -> None:
            await stop.wait()
            limit.reschedule(0)

        try:
            async with limit:
                watching = asyncio.create_task(give_up())
                try:
                    sender = await stack.enter_async_context(opened())
                finally:
                    watching.cancel()
        except TimeoutError:
            if stop.is_set():
                raise InterruptedMeasurementError(
                    f"{target}: interrupted before there was a connection; nothing was sent"
                ) from None
            if limit.expired():
                raise MeasurementError(f"{target}: no connection within {within:g} s") from None
            raise
        yield sender


def _http(plan: LoadPlan, choice: list[int]) -> Opened:
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
            url=joined(plan.target, one.path),
            method=one.method,
            headers=one.headers,
            body=None if one.body is None else one.body.encode(),
        )
        for one in kinds
    ]
    return lambda: http_sender(requests, choice)


def _mcp(plan: LoadPlan, address: str, choice: list[int], *, owned: bool) -> Opened:
    if not plan.requests or not all(one.tool for one in plan.requests):
        raise UsageError(f"{plan.target}: an MCP target needs the tool to call: --tool NAME")
    if not address.startswith("stdio:"):
        check_address(address, owned=owned, resolve=resolve)
    else:
        _check_command(address.removeprefix("stdio:"))
    try:
        from perfkit.reliability.senders.mcp import ToolCall, mcp_sender
    except ModuleNotFoundError as error:
        raise UsageError(
            f"load over MCP needs {error.name}: install the package mcp, version 2"
        ) from error
    calls = [ToolCall(tool=one.tool or "", arguments=one.arguments) for one in plan.requests]
    return lambda: mcp_sender(address, calls, choice)


def _check_command(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"mcp:stdio:{text}: is no command: {error}; check its quotes") from None
    if not words or not words[0]:
        raise UsageError("mcp:stdio: needs the command that starts the server")


def _call(plan: LoadPlan, cwd: Path) -> Opened:
    from perfkit.reliability.senders.call import call_sender

    try:
        target = parse_target(plan.target, cwd=cwd)
    except UsageError:
        target = None  # its kinds of target are more than those of a load
    if target is None or target.kind is not TargetKind.CALLABLE:
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
