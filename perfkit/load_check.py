"""What ``perfkit check --load`` adds to a comparison: a short load on both sides, in turns."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.schedule import SideName, round_order
from perfkit.benchmarking.sides import Sides
from perfkit.config.load_plan import LoadPlan
from perfkit.config.thresholds import Thresholds
from perfkit.errors import InterruptedMeasurementError, MeasurementError, PerfkitError, UsageError
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence, comparable
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    LoadJudgement,
    Sample,
    Shift,
    Status,
    Unit,
    Verdict,
)
from perfkit.process_group import end_group, wait
from perfkit.reliability.judge import MOST_LAG, judge_load, lag_quantile
from perfkit.reliability.load import objectives_of, planned_stages, run_load
from perfkit.reliability.record import LoadRecord, Outcome, joined, quantile_with_failures
from perfkit.reliability.samples import read_samples
from perfkit.reliability.victim import Victim

QUANTILES: Mapping[BenchmarkId, float] = {
    BenchmarkId("load p50"): 0.5,
    BenchmarkId("load p95"): 0.95,
    BenchmarkId("load p99"): 0.99,
}
THROUGHPUT = BenchmarkId("load throughput")
ROWS = (*QUANTILES, THROUGHPUT)
"""What is compared: seconds from when requests were due, and good answers a second."""

START_SECONDS = 30.0
"""What a service may take until it accepts connections."""

LAST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCompared:
    """The rows, the limits judged on head, and what else has to be said."""

    rows: tuple[Comparison, ...]
    budgets: tuple[BudgetResult, ...]
    warnings: tuple[str, ...]
    rounds: int
    seconds: float
    interrupted: bool


Run = Callable[[Side], LoadRecord]
"""Loads one side once. Raises PerfkitError where it cannot."""


def runner_of(plan: LoadPlan, serve: str | None) -> Run:
    """Return what loads a side: the service that ``serve`` starts, or the callable of the plan.

    Raises:
        UsageError: the target is neither, so that both sides would get one and the same server.
    """
    if serve is not None:
        return lambda side: _served(side, plan, serve)
    if plan.target.startswith(("http://", "https://", "mcp:")):
        raise UsageError(
            f"{plan.target}: check --load loads what each side was built to, not a server that"
            " runs: say with load.serve in config/monitoring_config.yaml how it is started, or name"
            " a callable"
        )
    return lambda side: _called(side, plan)


@dataclass
class _Measured:
    """What was measured of the sides so far, round by round."""

    records: dict[SideName, list[LoadRecord]] = field(
        default_factory=lambda: {"base": [], "head": []}
    )
    failures: dict[SideName, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def ended(self) -> bool:
        return self.interrupted or bool(self.failures)


def compare_load(
    sides: Sides,
    plan: LoadPlan,
    run: Run,
    thresholds: Thresholds,
    *,
    budget: float,
    today: date,
    clock: Callable[[], float],
    seed: int,
    say: Callable[[str], None],
) -> LoadCompared:
    """Load both sides in interleaved rounds, confirm suspects on new rounds, and judge.

    ``budget`` are seconds after which no new round starts, beyond the fewest.
    """
    began, rule = clock(), thresholds.regression

    def shift_of(base: Sample, head: Sample) -> Shift:
        return shift_between(base, head, thresholds)

    def rounds(first: int, *, fewest: int) -> _Measured:
        measured = _Measured()
        for number in range(first, first + rule.max_rounds):
            count = number - first
            if count >= fewest and (clock() - began > budget or _settled(measured, shift_of)):
                break
            say(f"loading {plan.target}: round {count + 1} of each side")
            _round(measured, sides, run, round_order([THROUGHPUT], number, seed)[0][1])
            if measured.ended:
                break
        return measured

    found = rounds(0, fewest=rule.min_rounds)
    evidence = Evidence(
        base=_samples(found, "base"), head=_samples(found, "head"), expected=frozenset(ROWS)
    )
    every = [found]
    suspects = [
        identity
        for identity in ROWS
        if comparable(evidence.base[identity], evidence.head[identity])
        and shift_of(evidence.base[identity], evidence.head[identity]).verdict
        in {Verdict.REGRESSED, Verdict.IMPROVED}
    ]
    if suspects and not found.ended:
        again = rounds(rule.max_rounds, fewest=rule.min_rounds)
        every.append(again)
        evidence = replace(
            evidence,
            base_again={one: _samples(again, "base")[one] for one in suspects},
            head_again={one: _samples(again, "head")[one] for one in suspects},
        )
    head = [record for one in every for record in one.records["head"]]
    return LoadCompared(
        rows=judge(evidence, thresholds, today=today, shift_of=shift_of),
        budgets=_budgets(head, plan),
        warnings=tuple(_warnings(every)),
        rounds=sum(len(one.records["head"]) for one in every),
        seconds=clock() - began,
        interrupted=any(one.interrupted for one in every),
    )


def _round(measured: _Measured, sides: Sides, run: Run, order: Sequence[SideName]) -> None:
    for name in order:
        try:
            record = run(sides.base if name == "base" else sides.head)
        except (KeyboardInterrupt, InterruptedMeasurementError):
            measured.interrupted = True
            return
        except PerfkitError as error:
            measured.failures[name] = str(error)
            continue
        if record.interrupted:
            measured.interrupted = True
            return
        measured.records[name].append(record)


def _settled(measured: _Measured, shift_of: Callable[[Sample, Sample], Shift]) -> bool:
    base, head = _samples(measured, "base"), _samples(measured, "head")
    return all(
        not comparable(base[one], head[one])
        or shift_of(base[one], head[one]).verdict is not Verdict.INCONCLUSIVE
        for one in ROWS
    )


def _samples(measured: _Measured, side: SideName) -> dict[BenchmarkId, Sample]:
    """Return one value a round of each row: a round is the unit of replication."""
    # An interrupted round may have one side only.
    pairs = min(map(len, measured.records.values()))
    known = measured.records[side] if measured.failures else measured.records[side][:pairs]
    held = [record.judged() for record in known]
    found = {}
    for identity in ROWS:
        values = [_value(record, identity) for record in held]
        failure = measured.failures.get(side)
        if failure is None and not all(map(np.isfinite, values)):
            failed = sum(int(np.count_nonzero(record.failed)) for record in held)
            failure = f"{failed} of {sum(len(one.due) for one in held)} requests failed"
        kept = [value for value in values if np.isfinite(value)]
        found[identity] = Sample(
            benchmark=identity,
            unit=Unit.COUNT if identity == THROUGHPUT else Unit.SECONDS,
            better="higher" if identity == THROUGHPUT else "lower",
            processes=tuple((value,) for value in kept),
            rounds=tuple(range(len(kept))),
            failure=failure,
        )
    return found


def _value(record: LoadRecord, identity: BenchmarkId) -> float:
    if identity in QUANTILES:
        return quantile_with_failures(record.latency, record.failed, QUANTILES[identity])
    answered = np.flatnonzero(record.outcome == Outcome.OK)
    if not len(answered):
        return np.inf  # no rate of answers, as there was none
    return len(answered) / float(np.nanmax(record.done) - record.due[0])


def _budgets(records: Sequence[LoadRecord], plan: LoadPlan) -> tuple[BudgetResult, ...]:
    """Return how the limits of the plan stand on head's rounds; shares are plain numbers."""
    wanted = objectives_of(plan)
    if not records:
        return tuple(
            BudgetResult(
                name=f"load {one.statistic}",
                statistic=one.statistic,
                limit=one.limit,
                unit=Unit.COUNT if one.statistic == "availability" else Unit.SECONDS,
                status=Status.ERROR,
                why=plan.why,
                reason="head was not loaded",
            )
            for one in wanted
        )
    whole = joined(records)
    return tuple(
        _budget(one, len(whole.judged().due), plan.why) for one in judge_load(whole, wanted)
    )


def _budget(judged: LoadJudgement, n: int, why: str) -> BudgetResult:
    statistic = judged.objective.statistic
    measured, reason = judged.measured, judged.reason
    if measured is not None and not np.isfinite(measured.estimate):
        measured, reason = None, reason or "so many requests failed that there is no such quantile"
    return BudgetResult(
        name=f"load {statistic}",
        statistic=statistic,
        limit=judged.objective.limit,
        unit=Unit.COUNT if statistic == "availability" else Unit.SECONDS,
        status=judged.status,
        measured=measured,
        n=n,
        why=why,
        reason=reason,
    )


def _warnings(every: Sequence[_Measured]) -> list[str]:
    found = []
    for side in ("base", "head"):
        whole = [record.judged() for one in every for record in one.records[side]]
        failed = sum(int(np.count_nonzero(one.failed)) for one in whole)
        if failed:
            due = sum(len(one.due) for one in whole)
            found.append(f"load: {failed} of {due} requests failed on {side}")
    lags = [
        lag_quantile(record.judged(), 0.99)
        for one in every
        for side in ("base", "head")
        for record in one.records[side]
    ]
    if lags and float(np.median(lags)) > MOST_LAG:
        found.append(
            f"load: the generator was {np.median(lags) * 1e3:.3g} ms late (p99), which is in the"
            " latencies of both sides"
        )
    return found


def _environment(side: Side) -> dict[str, str]:
    environment = dict(os.environ)
    if side.interpreter.site is not None:
        inherited = environment.get("PYTHONPATH")
        entries = [str(side.interpreter.site), *([inherited] if inherited else [])]
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    return environment


def _served(side: Side, plan: LoadPlan, serve: str) -> LoadRecord:
    """Start the service of a side, load it, and end it."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = {"{port}": str(port), "{python}": str(side.interpreter.python)}
    command = [_filled(one, words) for one in shlex.split(serve)]
    folder = side.suite.config.parent
    with Victim(command, environ=_environment(side), cwd=folder) as server:
        _await(server, port)
        target = _filled(plan.target, words)
        record, _ = run_load(
            plan.model_copy(update={"target": target}),
            cwd=folder,
            owned=False,
            on_progress=lambda _: None,
        )
        if not server.running:
            raise MeasurementError(f"{shlex.join(command)}: ended while it was loaded")
        return record


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(name, value)
    return text


def _await(server: Victim, port: int) -> None:
    """Wait until the port accepts connections. MeasurementError where it never does."""
    end = time.monotonic() + START_SECONDS
    while server.running and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    how = (
        f"did not listen on port {port} within {START_SECONDS:g} s"
        if server.running
        else f"ended with {server.process.returncode} before it listened"
    )
    raise MeasurementError(f"{shlex.join(server.command)}: {how}")


def _called(side: Side, plan: LoadPlan) -> LoadRecord:
    """Load a callable in a process of its own, with the side's build in front."""
    if side.interpreter.python != Path(sys.executable):
        raise MeasurementError(
            f"{plan.target}: a callable is loaded by perfkit itself, which is not installed for"
            f" {side.interpreter.python}: start it as a service with load.serve"
        )
    with TemporaryDirectory(prefix="perfkit-") as scratch:
        folder = Path(scratch)
        (folder / "performance_thresholds.yaml").write_text("schema: 1\n")  # not the side's own
        (folder / "plan.json").write_text(plan.model_dump_json())
        samples, answer, said = folder / "samples.csv", folder / "answer", folder / "said"
        command = [sys.executable, "-m", "perfkit", "--config", scratch, "load"]
        command += ["--plan", str(folder / "plan.json"), "--samples", str(samples), "--json"]
        with answer.open("wb") as stdout, said.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=side.suite.config.parent,
                env=_environment(side),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            planned = planned_stages(plan)
            try:
                wait(process, START_SECONDS + sum(one.seconds for one in planned) + plan.timeout)
            except subprocess.TimeoutExpired as error:
                end_group(process)
                raise MeasurementError(f"{plan.target}: its load did not end") from error
            except BaseException:
                end_group(process)
                raise
        if not samples.exists():
            words = said.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
            raise MeasurementError(" ".join(words) or f"{plan.target}: could not be loaded")
        # A callable may print; the document is what follows.
        text = answer.read_text(encoding="utf-8", errors="replace")
        document = json.loads(text[text.index('{\n  "perfkit"') :])
        return read_samples(samples.read_text(encoding="utf-8"), planned, document["errors"])
