"""A steady state, faults on purpose, and the steady state again; whatever happens, undone."""

import asyncio
import os
import random
import shlex
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import numpy as np

from perfkit.config.chaos_plan import ChaosPlan, PlannedFault
from perfkit.errors import InterruptedMeasurementError, MeasurementError, PerfkitError, UsageError
from perfkit.model import ChaosResult, LoadObjective, LoadResult, Status
from perfkit.reliability.acts import Act, act_of
from perfkit.reliability.arrivals import Stage, arrivals
from perfkit.reliability.conclusion import conclusion
from perfkit.reliability.drive import Limits, drive
from perfkit.reliability.effects import Happened, effects
from perfkit.reliability.failpoint_file import FailpointFile
from perfkit.reliability.faults import Fault, fault_of
from perfkit.reliability.journal import Journal
from perfkit.reliability.judge import judge_load
from perfkit.reliability.load import check_time, fast_loop, objectives_of, stopped_by_signals
from perfkit.reliability.opening import connected, opener
from perfkit.reliability.ready import check_free, check_running, ready
from perfkit.reliability.record import LoadRecord
from perfkit.reliability.summary import summarize
from perfkit.reliability.victim import Victim
from perfkit.stats import share_interval

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from perfkit.reliability.proxy_http import FaultyHttp


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
        MeasurementError: the server does not start, or ends by itself, or another one is there.
        InterruptedMeasurementError: it was ended before there was a load.
    """
    planned = [(one, fault_of(one.kind, one.measures, one.failpoint)) for one in plan.faults]
    over_http = plan.load.target.removeprefix("mcp:").startswith(("http://", "https://"))
    if any(fault.between for _, fault in planned) and not over_http:
        raise UsageError(
            f"{plan.load.target}: faults between client and server need an http address"
        )
    # Refused before anything is started.
    load = plan.load
    seconds = load.warm + 2 * plan.steady + plan.method
    check_time(seconds, load.most_time, "load.most_time")
    due = load.rate * seconds
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
    wrong: list[str] = field(default_factory=list)
    """Faults that could not be done or undone, a clause each."""
    _victim: Victim | None = None
    _proxy: "FaultyHttp | None" = None
    _failpoints: FailpointFile | None = None

    async def run(self) -> ChaosResult:
        try:
            return await self._run()
        except BaseException as error:
            self.journal.write("ended", status=str(Status.ERROR), reason=str(error))
            raise

    async def _run(self) -> ChaosResult:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self.journal.write("begun", name=self.plan.name)
            before, _ = await self._phase("before", self.plan.steady, warm=self.plan.load.warm)
            if before.status in {Status.FAILED, Status.ERROR}:
                return self._result(before, reason="the steady state was not met before any fault")
            if self.stop.is_set():
                return self._result(before, reason="interrupted before any fault")
            check_running(self._victim)
            async with self._faults():
                meanwhile, record = await self._phase("method", self.plan.method)
            interrupted = "interrupted; all is undone"
            if self.wrong or self.stop.is_set():
                why = "; ".join(self.wrong) or interrupted
                return self._result(before, meanwhile, record, reason=why)
            try:
                check_running(self._victim)
                after, _ = await self._phase("after", self.plan.steady)
                check_running(self._victim)
            except InterruptedMeasurementError:
                return self._result(before, meanwhile, record, reason=interrupted)
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
            place = self._waited_for(address)
            if place is not None:
                await check_free(*place)
            self._victim = Victim(command, environ=environ, cwd=self.cwd)
            stack.enter_context(self._victim)
            if place is not None:
                within = self.plan.ready_within
                await ready(self._victim, *place, within=within, stop=self.stop)
        if any(fault.between for _, fault in self.planned):
            from perfkit.reliability.proxy_http import faulty_http

            upstream = f"{address.scheme}://{address.netloc}"
            rng = random.Random(self.plan.load.seed)
            self._proxy = await stack.enter_async_context(faulty_http(upstream, rng))

    def _waited_for(self, address: SplitResult) -> tuple[str, int] | None:
        """Return where the started server has to listen; None where that is not known."""
        chosen = urlsplit(f"//{self.plan.ready}") if self.plan.ready else address
        usual = 443 if chosen.scheme == "https" else 80
        return (chosen.hostname, chosen.port or usual) if chosen.hostname else None

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
        opened = opener(load, rng, cwd=self.cwd, owned=True)
        async with connected(opened, self.plan.load.target, stop=self.stop) as sender:
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
        begun = time.perf_counter() - start
        self.journal.write("fault", kind=fault.kind, after=begun)
        try:
            await act.begin()
            await asyncio.sleep(planned.lasts)
        except (PerfkitError, OSError) as error:
            self.wrong.append(f"{fault} could not be done: {error}")
        finally:
            undone = await self._undone(act, fault)
            ended = time.perf_counter() - start
            self.journal.write("undone" if undone else "not undone", kind=fault.kind, after=ended)
            self.happened.append(Happened(str(fault), begun, ended, act.hits))

    async def _undone(self, act: Act, fault: Fault) -> bool:
        """Undo a fault, and return whether that could be done; where not, it is told."""
        ending = asyncio.ensure_future(act.end())
        while not ending.done():
            # The end of the method does not leave a fault half undone.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([ending])
        try:
            ending.result()
        except (PerfkitError, OSError) as error:
            self.wrong.append(f"{fault} could not be undone: {error}")
            return False
        return True

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
        if self.wrong:  # whatever else was seen, this experiment is not the planned one
            status = Status.ERROR
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
