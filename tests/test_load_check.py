"""Two sides under load: simulated rounds for the judgement, real processes for how they are run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.sides import Sides
from perfkit.cli.check_load import planned_load, without_load
from perfkit.config.load import load_settings
from perfkit.config.load_plan import LoadPlan
from perfkit.config.thresholds import Regression, Thresholds
from perfkit.errors import MeasurementError, UsageError
from perfkit.gate.shards import Part
from perfkit.load_check import LoadCompared, compare_load, runner_of
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Report,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.reliability.arrivals import Floats, Stage
from perfkit.reliability.record import LoadRecord, Outcome
from perfkit.reliability.samples import read_samples, samples_csv
from tests.plain_sides import side_of

TODAY = date(2026, 1, 1)
STAGES = (Stage("warm", 1.0, 100, 100, judged=False), Stage("hold", 2.0, 100, 100))
PLAN = LoadPlan.model_validate({"target": "shop:buy", "rate": "100/s", "hold": "2s"})


def record(latency: Floats, *, failed: int = 0, lag: float = 0.0) -> LoadRecord:
    """One round: a second of warming and two of holding, at 100 requests a second."""
    count = len(latency)
    due = np.arange(count) / 100
    outcome = np.full(count, Outcome.OK, dtype=np.int8)
    outcome[count - failed :] = Outcome.ERROR
    sent = due + lag
    return LoadRecord(
        due=due,
        sent=sent,
        done=np.where(outcome == Outcome.OK, due + latency, np.nan),
        ended=due + latency,
        outcome=outcome,
        stage=(due >= 1).astype(np.int64),
        stages=STAGES,
        errors={"HTTP 503": failed} if failed else {},
        seconds=3.0,
        cpu_seconds=0.1,
    )


class Rounds:
    """Gives each side rounds of latencies: noise of 3 % between rounds, gamma within them."""

    def __init__(self, head: Callable[[Floats], Floats], seed: int = 0) -> None:
        self.head = head
        self.rng = np.random.default_rng(seed)
        self.order: list[str] = []

    def __call__(self, side: Side) -> LoadRecord:
        self.order.append(side.revision.label)
        level = 0.02 * self.rng.lognormal(0, 0.03)
        latency = self.rng.gamma(20, level / 20, 300)
        return record(self.head(latency) if side.revision.label == "head" else latency)


def sides(folder: Path) -> Sides:
    side = side_of(folder)
    return Sides(
        base=replace(side, revision=replace(side.revision, label="base")),
        head=replace(side, revision=replace(side.revision, label="head")),
    )


def compared(
    folder: Path, run: Callable[[Side], LoadRecord], plan: LoadPlan = PLAN, budget: float = 1e9
) -> LoadCompared:
    return compare_load(
        sides(folder),
        plan,
        run,
        Thresholds(regression=Regression(min_rounds=6, max_rounds=8)),
        budget=budget,
        today=TODAY,
        clock=lambda: 0.0,
        seed=0,
        say=lambda _: None,
    )


def verdicts(found: LoadCompared) -> dict[str, Verdict]:
    return {str(row.benchmark): row.verdict for row in found.rows}


def test_a_slower_head_regresses_on_two_sets_of_rounds(tmp_path: Path) -> None:
    run = Rounds(lambda latency: latency * 1.5)
    found = compared(tmp_path, run)
    assert verdicts(found) == {
        "load p50": Verdict.REGRESSED,
        "load p95": Verdict.REGRESSED,
        "load p99": Verdict.REGRESSED,
        "load throughput": Verdict.UNCHANGED,
    }
    p50 = next(row for row in found.rows if str(row.benchmark) == "load p50")
    assert p50.shift is not None
    assert p50.shift.ratio.low < 1.5 < p50.shift.ratio.high
    assert p50.base is not None
    assert p50.base.median == pytest.approx(0.02, rel=0.1)
    # First rounds and as many that confirm; each side is first in every other round.
    assert found.rounds == len(run.order) // 2 >= 12
    assert [run.order[0], run.order[1]] == [run.order[3], run.order[2]]


def test_the_same_code_is_not_called_slower(tmp_path: Path) -> None:
    for seed in range(5):
        found = compared(tmp_path, Rounds(lambda latency: latency, seed))
        assert not {Verdict.REGRESSED, Verdict.IMPROVED} & set(verdicts(found).values())


def test_only_the_tail_may_be_slower(tmp_path: Path) -> None:
    def tail(latency: Floats) -> Floats:
        return np.where(np.arange(300) % 40 == 39, latency * 5, latency)

    found = verdicts(compared(tmp_path, Rounds(tail)))
    assert found["load p99"] is Verdict.REGRESSED
    assert found["load p50"] is not Verdict.REGRESSED


def test_a_side_that_cannot_be_loaded_is_no_pass(tmp_path: Path) -> None:
    def run(side: Side) -> LoadRecord:
        if side.revision.label == "head":
            raise MeasurementError("serve: ended with 1 before it listened")
        return record(np.full(300, 0.01))

    found = compared(tmp_path, run, PLAN.model_copy(update={"p99": 1.0}))
    assert set(verdicts(found).values()) == {Verdict.FAILED}
    assert {row.reason for row in found.rows} == {"serve: ended with 1 before it listened"}
    assert [one.status for one in found.budgets] == [Status.ERROR]


def test_what_base_could_not_serve_is_new(tmp_path: Path) -> None:
    def run(side: Side) -> LoadRecord:
        if side.revision.label == "base":
            raise MeasurementError("no such program")
        return record(np.full(300, 0.01))

    assert set(verdicts(compared(tmp_path, run)).values()) == {Verdict.NEW}


def test_failed_requests_are_told_and_reach_the_quantiles_behind_them(tmp_path: Path) -> None:
    def run(side: Side) -> LoadRecord:
        return record(np.full(300, 0.01), failed=4 if side.revision.label == "head" else 0)

    plan = PLAN.model_copy(update={"availability": 0.999, "p99": 1.0, "p50": 0.5})
    found = compared(tmp_path, run, plan)
    told = {str(row.benchmark): row for row in found.rows}
    assert told["load p99"].verdict is Verdict.FAILED
    assert told["load p99"].reason == "32 of 1600 requests failed"
    assert told["load p50"].verdict is not Verdict.FAILED
    assert found.warnings == ("load: 32 of 1600 requests failed on head",)
    budgets = {one.name: one for one in found.budgets}
    assert budgets["load availability"].status is Status.FAILED
    assert budgets["load p99"].measured is None
    assert budgets["load p99"].status is Status.FAILED
    assert budgets["load p50"].status is Status.PASSED


def test_a_late_generator_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, lambda _: record(np.full(300, 0.03), lag=0.02))
    assert found.warnings == (
        "load: the generator was 20 ms late (p99), which is in the latencies of both sides",
    )


def test_the_time_is_bounded_and_an_interruption_is_told(tmp_path: Path) -> None:
    run = Rounds(lambda latency: latency)
    assert compared(tmp_path, run, budget=-1).rounds == 6

    def interrupted(side: Side) -> LoadRecord:
        if len(run.order) >= 20:
            raise KeyboardInterrupt
        return run(side)

    found = compared(tmp_path, interrupted)
    assert found.interrupted


def test_samples_are_read_as_they_were_written() -> None:
    whole = record(np.linspace(0.01, 0.02, 300), failed=3)
    again = read_samples(samples_csv(whole), STAGES, whole.errors)
    for name in ("due", "sent", "done", "outcome", "stage"):
        np.testing.assert_allclose(getattr(again, name), getattr(whole, name), atol=1e-9)
    assert again.errors == {"HTTP 503": 3}


QUICK = {"rate": "60/s", "hold": "400ms", "warm": "0s", "arrivals": "constant"}

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from kind import kind

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if kind == "head" else 503)
        self.end_headers()

    def log_message(self, *words):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def test_a_service_is_started_from_the_build_of_its_side(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kind.py").write_text(f"kind = {name!r}\n")
    plan = LoadPlan.model_validate({"target": "http://127.0.0.1:{port}/", **QUICK})
    run = runner_of(plan, "{python} server.py {port}")
    found = {}
    for name in ("base", "head"):
        interpreter = Interpreter(site=tmp_path / name)
        found[name] = run(replace(side_of(tmp_path), interpreter=interpreter))
    assert found["head"].count(Outcome.OK) == 24
    assert found["base"].errors == {"HTTP 503": 24}
    with pytest.raises(MeasurementError, match="ended with 1 before it listened"):
        runner_of(plan, "{python} -c 'raise SystemExit(1)' {port}")(side_of(tmp_path))


def test_a_callable_is_called_in_the_build_of_its_side(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sold.py").write_text("def buy():\n    print('sold')\n")
    run = runner_of(LoadPlan.model_validate({"target": "sold:buy", **QUICK}), None)
    assert run(side_of(tmp_path)).count(Outcome.OK) == 24
    gone = runner_of(LoadPlan.model_validate({"target": "gone:buy", **QUICK}), None)
    with pytest.raises(MeasurementError, match="No module named 'gone'"):
        gone(side_of(tmp_path))
    other = Interpreter(python=Path("/usr/bin/another-python"), site=site)
    with pytest.raises(MeasurementError, match=r"start it as a service with load\.serve"):
        run(replace(side_of(tmp_path), interpreter=other))


@pytest.mark.parametrize(
    ("monitoring", "part", "sentence"),
    [
        ("{}", None, "check --load needs load.target"),
        ("load: {target: 'http://127.0.0.1/'}", None, "not a server that runs"),
        ("load: {target: 'a:b'}", Part(1, 2), "not a shard"),
    ],
)
def test_what_cannot_be_loaded_is_said(
    tmp_path: Path, monitoring: str, part: Part | None, sentence: str
) -> None:
    (tmp_path / "monitoring_config.yaml").write_text(monitoring)
    with pytest.raises(UsageError, match=sentence):
        planned_load(load_settings(tmp_path, environ={}), part)


def test_a_round_is_short_whatever_the_configuration_holds(tmp_path: Path) -> None:
    (tmp_path / "monitoring_config.yaml").write_text(
        "load: {target: 'a:b', hold: 10min, soak: 1h, ramp: 1min, check_hold: 3s}"
    )
    plan = planned_load(load_settings(tmp_path, environ={}), None)
    assert (plan.hold, plan.soak, plan.ramp) == (3.0, 0.0, 0.0)


def test_exceptions_for_a_load_are_not_asked_without_one() -> None:
    def waiver(pattern: str) -> WaiverResult:
        return WaiverResult(
            kind="waiver",
            pattern=pattern,
            metric=None,
            ceiling=0.1,
            expires="2030-01-01",
            issue="i",
            reason="r",
            state=WaiverState.UNMATCHED,
        )

    row = Comparison(benchmark=BenchmarkId("b"), unit=Unit.SECONDS, verdict=Verdict.UNCHANGED)
    report = Report(command="check", comparisons=(row,), waivers=(waiver("load p99"), waiver("x")))
    assert [one.pattern for one in without_load(report).waivers] == ["x"]
