"""One fault for one command: a proxy before what it talks to, or something done to it."""

import asyncio
import os
import random
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.reliability.acts import Act, Proxy, act_of
from perfkit.reliability.failpoint_file import FailpointFile
from perfkit.reliability.faults import AT_FAILPOINTS, NO_STATUS, Fault, FaultKind
from perfkit.reliability.hosts import check_address, resolve
from perfkit.reliability.load import fast_loop, stopped_by_signals
from perfkit.reliability.victim import Victim, under

PROXY, DISK = "{proxy}", "{disk}"
"""What stands in the command for the proxy's address and for the folder of the full disk."""

LIMITS = frozenset({FaultKind.ENOSPC, FaultKind.MEMORY})
"""Faults that hold from the command's start to its end."""

WATCH_EVERY = 0.05
"""Seconds between two looks at whether the command has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """What was done, and how the command ended: its exit status, -N for signal N."""

    fault: str
    hits: int
    code: int
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault for one command, from ``after`` seconds on, for ``lasts`` or to its end.

    A network fault stands between the command and ``upstream`` (an http address or HOST:PORT): in
    the command's arguments ``{proxy}`` is the address to talk to, which is also in the variable
    PERFKIT_PROXY. The full disk is at ``{disk}``, in PERFKIT_DISK and TMPDIR.
    """

    fault: Fault
    command: tuple[str, ...]
    upstream: str | None = None
    after: float = 0.0
    lasts: float | None = None
    seed: int = 0
    owned: bool = False
    """Whether the upstream is the user's, wherever it is."""


def inject(injection: Injection, *, cwd: Path, say: Callable[[str], None]) -> Injected:
    """Run the command under its fault; SIGINT and SIGTERM end both.

    Raises UsageError where something is missing, or this machine cannot.
    """
    kind = injection.fault.kind
    if injection.upstream is None and injection.fault.between:
        raise UsageError(
            f"{kind} stands between a client and its server: name that with --upstream, or a place"
            " of the command with --failpoint"
            if kind in AT_FAILPOINTS
            else f"{kind} stands between a client and its server: name that with --upstream"
        )
    if injection.upstream is not None and not injection.fault.between:
        raise UsageError(f"{kind} is done to the command itself and has no --upstream")
    if kind in LIMITS and (injection.after or injection.lasts is not None):
        raise UsageError(f"{kind} holds from the command's start to its end: no --after or --for")
    if kind is FaultKind.KILL and injection.lasts is not None:
        raise UsageError("kill ends the command, which is not started anew: no --for")
    if injection.upstream is not None:
        _check_upstream(injection.upstream, kind, owned=injection.owned)

    async def whole() -> Injected:
        with stopped_by_signals() as stop:
            return await _run(injection, cwd, say, stop)

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(whole())


async def _run(
    injection: Injection, cwd: Path, say: Callable[[str], None], stop: asyncio.Event
) -> Injected:
    fault = injection.fault
    environ, words = dict(os.environ), list(injection.command)
    async with AsyncExitStack() as stack:
        proxy, failpoints, limit = None, None, None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perfkit-inject-")))
        if injection.upstream is not None:
            rng = random.Random(injection.seed)
            proxy, address = await _proxied(stack, injection.upstream, rng)
            environ["PERFKIT_PROXY"] = address
            words = [word.replace(PROXY, address) for word in words]
            say(f"{injection.upstream} is reached through {address}")
        elif fault.failpoint:
            failpoints = FailpointFile(folder, seed=injection.seed)
            environ |= failpoints.environ
        elif fault.kind in LIMITS:
            disk, limit = folder / "disk", folder / "limited"
            disk.mkdir()
            environ |= {"PERFKIT_DISK": str(disk), "TMPDIR": str(disk)}
            words = under(fault, [word.replace(DISK, str(disk)) for word in words], disk, limit)
        victim = stack.enter_context(Victim(words, environ=environ, cwd=cwd))
        act: Act | None = None
        acting = None
        if limit is None:
            act = act_of(
                fault,
                lasts=injection.lasts,
                proxy=proxy,
                victim=victim,
                failpoints=failpoints,
                again=False,
            )
            acting = asyncio.create_task(_timed(injection, act, victim, say))
        while victim.running and not stop.is_set():
            await asyncio.sleep(WATCH_EVERY)
            if acting is not None and acting.done():
                acting.result()  # raises what it raised
        interrupted = victim.running
        if acting is not None:
            acting.cancel()
            (ended,) = await asyncio.gather(acting, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended
        victim.end()
        held = limit is not None and limit.exists()
        if limit is not None and not held and not interrupted:
            raise UsageError(
                f"{fault} could not be set on this machine (what was said stands above), so the"
                " command was not started"
            )
        return Injected(
            fault=str(fault),
            hits=int(held) if act is None else act.hits,
            code=victim.process.returncode,
            interrupted=interrupted,
        )


async def _timed(
    injection: Injection, act: Act, victim: Victim, say: Callable[[str], None]
) -> None:
    """Begin the fault at its time and end it at its time."""
    await asyncio.sleep(injection.after)
    if not victim.running:
        return
    say(f"fault: {injection.fault}")
    await act.begin()
    if injection.lasts is not None:
        await asyncio.sleep(injection.lasts)
        await act.end()


def _check_upstream(upstream: str, kind: FaultKind, *, owned: bool) -> None:
    if not upstream.startswith("http://"):
        host, _, port = upstream.rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError(f"--upstream {upstream}: wanted http://HOST:PORT or HOST:PORT")
        if kind is FaultKind.ERROR:
            raise UsageError(f"--upstream {upstream}: {NO_STATUS}")
        upstream = f"http://{upstream}"
    check_address(upstream, owned=owned, resolve=resolve)


async def _proxied(stack: AsyncExitStack, upstream: str, rng: random.Random) -> tuple[Proxy, str]:
    """Return a proxy to ``upstream``, held by ``stack``, and its address."""
    if upstream.startswith("http://"):
        from perfkit.reliability.proxy_http import faulty_http

        http = await stack.enter_async_context(faulty_http(upstream, rng))
        return http, f"http://127.0.0.1:{http.port}"
    host, _, port = upstream.rpartition(":")
    from perfkit.reliability.proxy_tcp import faulty_tcp

    tcp = await stack.enter_async_context(faulty_tcp(host, int(port), rng))
    return tcp, f"127.0.0.1:{tcp.port}"
