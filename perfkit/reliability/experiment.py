"""A steady state, faults on purpose, and the steady state again; whatever happens, undone."""

import asyncio
import os
import random
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from perfkit.config.chaos_plan import ChaosPlan, PlannedFault
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import ChaosResult, FaultEffect, LoadObjective, LoadResult, Status
from perfkit.reliability.acts import Act, act_of
from perfkit.reliability.arrivals import Stage, arrivals
from perfkit.reliability.drive import Limits, drive
from perfkit.reliability.effects import Happened, effects
from perfkit.reliability.failpoint_file import FailpointFile
from perfkit.reliability.faults import Fault, fault_of
from perfkit.reliability.journal import Journal
from perfkit.reliability.judge import judge_load
from perfkit.reliability.load import fast_loop, objectives_of, stopped_by_signals
from perfkit.reliability.opening import opener
from perfkit.reliability.record import LoadRecord
from perfkit.reliability.summary import summarize
from perfkit.reliability.victim import Victim
from perfkit.stats import share_interval

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from perfkit.reliability.proxy_http import FaultyHttp

READY_EVERY = 0.05
"""Seconds between two attempts to connect to a server that starts."""


def run_experiment(
    plan: ChaosPlan,
    *,
    cwd: Path,
    owned: bool,
    journal: Journal,
    say: Callable[[str], None],
) -> ChaosResult:
    """Carry out ``plan`` and return what was seen.

    Before this returns or raises, every fault is undone and the started server is ended. SIGINT and
    SIGTERM end it early, the same way.

    Raises:
        UsageError: the plan cannot be carried out here.
        MeasurementError: the server does not start, or ends by itself.
    """
    planned = [(one, fault_of(one.kind, one.measures, one.failpoint)) for one in plan.faults]
    if any(fault.between for _, fault in planned) and "http" not in plan.load.target:
        raise UsageError(
            f"{plan.load.target}: faults between client and server need an http address"
        )
    # Refused before anything is started.
    load = plan.load
    due = load.rate * (load.warm + 2 * plan.steady + plan.method)
    if due > load.most_requests:
        raise UsageError(
            f"{due:.0f} requests are planned, more than {load.most_requests}: lower the rate or the"
            " times, or raise load.most_requests"
        )
    opener(plan.load, np.random.default_rng(plan.load.seed), cwd=cwd, owned=owned)

    async def whole() -> ChaosResult:
        with stopped_by_signals() as stop:
            return await _Experiment(plan, planned, cwd, owned, journal, say, stop).run()

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(whole())


@dataclass
class _Experiment:
    plan: ChaosPlan
    planned: list[tuple[PlannedFault, Fault]]
    cwd: Path
    owned: bool
    journal: Journal
    say: Callable[[str], None]
    stop: asyncio.Event
    happened: list[Happened] = field(default_factory=list)
    _victim: Victim | None = None
    _proxy: "FaultyHttp | None" = None
    _failpoints: FailpointFile | None = None

    async def run(self) -> ChaosResult:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self.journal.write("begun", name=self.plan.name)
            before, _ = await self._phase("before", self.plan.steady, warm=self.plan.load.warm)
            if before.status in {Status.FAILED, Status.ERROR}:
                return self._result(before, reason="the steady state was not met before any fault")
            if self.stop.is_set():
                return self._result(before, reason="interrupted before any fault")
            async with self._faults():
                meanwhile, record = await self._phase("method", self.plan.method)
            if self.stop.is_set():
                return self._result(before, meanwhile, record, reason="interrupted; all is undone")
            try:
                after, _ = await self._phase("after", self.plan.steady)
            except MeasurementError as error:
                return self._result(before, meanwhile, record, gone=str(error))
            return self._result(before, meanwhile, record, after)

    async def _start(self, stack: AsyncExitStack) -> None:
        """Start the server, wait for it, and put the proxy before it where faults need one."""
        address = urlsplit(self.plan.load.target.removeprefix("mcp:"))
        if self.plan.start:
            command, environ = shlex.split(self.plan.start), dict(os.environ)
            if any(fault.failpoint for _, fault in self.planned):
                folder = stack.enter_context(TemporaryDirectory(prefix="perfkit-failpoints-"))
                self._failpoints = FailpointFile(Path(folder), seed=self.plan.load.seed)
                environ |= self._failpoints.environ
            self._victim = Victim(command, environ=environ, cwd=self.cwd)
            stack.enter_context(self._victim)
            waited_for = urlsplit(f"//{self.plan.ready}") if self.plan.ready else address
            if waited_for.hostname:
                await self._ready(waited_for.hostname, waited_for.port or 80)
        if any(fault.between for _, fault in self.planned):
            from perfkit.reliability.proxy_http import faulty_http

            upstream = f"{address.scheme}://{address.netloc}"
            rng = random.Random(self.plan.load.seed)
            self._proxy = await stack.enter_async_context(faulty_http(upstream, rng))

    async def _ready(self, host: str, port: int) -> None:
        ends = time.monotonic() + self.plan.ready_within
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError as error:
                if self._victim is not None and not self._victim.running:
                    code = self._victim.process.returncode
                    raise MeasurementError(f"{self.plan.start}: ended with {code}") from error
                if time.monotonic() > ends:
                    raise MeasurementError(
                        f"{self.plan.start}: nothing listens on {host}:{port} after"
                        f" {self.plan.ready_within:g} s (ready_within)"
                    ) from error
                await asyncio.sleep(READY_EVERY)
            else:
                writer.close()
                return

    async def _phase(
        self, name: str, seconds: float, *, warm: float = 0.0
    ) -> tuple[LoadResult, LoadRecord]:
        """Send the load for so long, and judge it by the objectives of the phase."""
        load = self.plan.load
        if self._proxy is not None:
            load = load.model_copy(update={"target": self._through(self._proxy.port)})
        rng = np.random.default_rng(load.seed)
        stages = [Stage(name, seconds, load.rate, load.rate)]
        if warm:
            stages.insert(0, Stage("warm", warm, load.rate, load.rate, judged=False))
        self.say(f"{name}: {load.rate:g} requests a second for {seconds:g} s")
        async with opener(load, rng, cwd=self.cwd, owned=True)() as sender:
            record = await drive(
                arrivals(stages, load.arrivals, rng),
                stages,
                sender,
                limits=Limits(timeout=load.timeout, most_waiting=load.most_waiting),
                clock=time.perf_counter,
                cpu_clock=time.process_time,
                stop=self.stop,
                on_progress=lambda _: None,
            )
        judged = judge_load(record, self._objectives(name), seed=load.seed)
        result = summarize(record, judged, target=self.plan.load.target, arrivals=load.arrivals)
        self.journal.write(name, status=str(result.status), answered=result.answered)
        return result, record

    def _through(self, port: int) -> str:
        """Return the target's address with the proxy's host and port."""
        prefix = "mcp:" if self.plan.load.target.startswith("mcp:") else ""
        address = urlsplit(self.plan.load.target.removeprefix("mcp:"))
        return f"{prefix}{address._replace(scheme='http', netloc=f'127.0.0.1:{port}').geturl()}"

    def _objectives(self, phase: str) -> list[LoadObjective]:
        if phase != "method":
            return objectives_of(self.plan.load)
        during = self.plan.during
        found = []
        if during.p99 is not None:
            found.append(LoadObjective("p99", during.p99))
        if during.availability is not None:
            found.append(LoadObjective("availability", during.availability))
        return found

    @asynccontextmanager
    async def _faults(self) -> "AsyncIterator[None]":
        """Do every fault at its time; on leaving, those that go on are ended and undone."""
        start = time.perf_counter()
        tasks = [
            asyncio.create_task(self._one(planned, fault, start)) for planned, fault in self.planned
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [error for error in ended if isinstance(error, Exception)]
        if broken:
            raise broken[0]

    async def _one(self, planned: PlannedFault, fault: Fault, start: float) -> None:
        await asyncio.sleep(planned.at)
        self.say(f"fault: {fault}")
        act = act_of(
            fault,
            lasts=planned.lasts,
            proxy=self._proxy,
            victim=self._victim,
            failpoints=self._failpoints,
            again=True,
        )
        with self._noted(fault, act, start):
            await act.begin()
            try:
                await asyncio.sleep(planned.lasts)
            finally:
                await act.end()

    @contextmanager
    def _noted(self, fault: Fault, act: Act, start: float) -> Iterator[None]:
        begun = time.perf_counter() - start
        self.journal.write("fault", kind=fault.kind, after=begun)
        try:
            yield
        finally:
            ended = time.perf_counter() - start
            self.journal.write("undone", kind=fault.kind, after=ended)
            self.happened.append(Happened(str(fault), begun, ended, act.hits))

    def _result(
        self,
        before: LoadResult,
        meanwhile: LoadResult | None = None,
        record: LoadRecord | None = None,
        after: LoadResult | None = None,
        *,
        reason: str = "",
        gone: str = "",
    ) -> ChaosResult:
        seen_effects = tuple(effects(record, self.happened)) if record is not None else ()
        status, why = conclusion(before, meanwhile, after, seen_effects, gone)
        seen = record.judged() if record is not None else None
        result = ChaosResult(
            name=self.plan.name,
            before=before,
            meanwhile=meanwhile,
            after=after,
            availability=share_interval(int(seen.unavailable.sum()), len(seen.due))
            if seen is not None and len(seen.due)
            else None,
            effects=seen_effects,
            status=status,
            reason=reason or why,
            interrupted=self.stop.is_set(),
        )
        self.journal.write("ended", status=str(status), reason=result.reason)
        return result


def conclusion(
    before: LoadResult,
    meanwhile: LoadResult | None,
    after: LoadResult | None,
    done: Sequence[FaultEffect] = (),
    gone: str = "",
) -> tuple[Status, str]:
    """Return what the three loads come to, and why; pure.

    A fault that hit nothing shows nothing. ``gone`` says why no load could be sent afterwards.
    """
    if before.status in {Status.FAILED, Status.ERROR}:
        return Status.ERROR, "the steady state was not met before any fault"
    if gone or (after is not None and after.status in {Status.FAILED, Status.ERROR}):
        why = f": {gone}" if gone else ""
        return Status.FAILED, f"the steady state did not come back after the faults{why}"
    if meanwhile is None or after is None:
        return Status.ERROR, "the experiment was not finished"
    if any(one.status is Status.FAILED for one in meanwhile.judgements):
        return Status.FAILED, "what has to hold during the faults did not"
    every = [*before.judgements, *meanwhile.judgements, *after.judgements]
    missed = [one.fault for one in done if not one.hits]
    if missed or any(one.status is Status.INCONCLUSIVE for one in every):
        why = "too little was seen to tell whether the state is steady"
        if missed:
            why = f"{missed[0]} hit nothing, so nothing was shown of it"
        return Status.INCONCLUSIVE, why
    why = "the steady state came back" if every else "no objective was given: nothing was judged"
    return Status.PASSED, why
