from pathlib import Path

import pytest

from perfkit import checking
from perfkit.benchmarking.build import Side
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import Suite
from perfkit.checking import check_budgets, check_leaks
from perfkit.config.thresholds import Budget, LeakCheck
from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.model import (
    BenchmarkId,
    LeakResult,
    LeakSite,
    LeakState,
    Revision,
    Sample,
    Status,
    Unit,
)

ID = BenchmarkId("suite.track_n", ("1",))
MEASURED = {ID: Sample(benchmark=ID, unit=Unit.COUNT, processes=((5.0,),), rounds=(0,))}


def budget(name: str, benchmark: str) -> Budget:
    return Budget.model_validate(
        {"name": name, "benchmark": benchmark, "limit": "9count", "statistic": "max"}
    )


def test_a_budget_is_left_out_only_where_the_user_left_its_benchmark_out() -> None:
    budgets = [budget("kept", str(ID)), budget("other", "suite.time_other")]
    results, left_out = check_budgets(budgets, MEASURED, selected=False)
    assert [(one.name, one.status) for one in results] == [
        ("kept", Status.PASSED),
        ("other", Status.ERROR),
    ]
    assert left_out == ()
    results, left_out = check_budgets(budgets, MEASURED, selected=True)
    assert [one.name for one in results] == ["kept"]
    assert left_out == ("other",)


def side(tmp_path: Path) -> Side:
    return Side(
        revision=Revision(label="HEAD", commit="0" * 40),
        suite=Suite(
            config=tmp_path / "asv.conf.json",
            project="p",
            subdirectory="",
            benchmarks=tmp_path,
            results=tmp_path,
            default_timeout=1.0,
        ),
        interpreter=Interpreter(site=tmp_path / "site"),
        requirements=(),
    )


CHECKS = [
    LeakCheck.model_validate({"target": f"app:{name}", "ceiling": "1KiB", "iterations": 50})
    for name in ("first", "second", "third")
]


def test_a_check_that_fails_is_a_result_and_the_others_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def find(target: object, **given: object) -> LeakResult:
        seen.append((str(target), given["ceiling"], given["iterations"], given["environment"]))
        if str(target) == "app:second":
            raise MeasurementError("it raised")
        place = f"{tmp_path}/site/app.py:3 keeps"
        one = LeakSite(place=place, bytes_per_iteration=9.0, blocks_per_iteration=1.0)
        return LeakResult(
            target=str(target), state=LeakState.LEAK, ceiling=0.0, iterations=1, sites=(one,)
        )

    monkeypatch.setattr(checking, "find_leaks", find)
    monkeypatch.setenv("PYTHONPATH", "/before")
    found = check_leaks(CHECKS, side(tmp_path), progress=print)
    assert [one.state for one in found] == [LeakState.LEAK, LeakState.FAILED, LeakState.LEAK]
    assert found[1].reason == "it raised"
    # Places are named as in the project, not as in its build.
    assert found[0].sites[0].place == "app.py:3 keeps"
    assert seen[0] == ("app:first", 1024, 50, {"PYTHONPATH": f"{tmp_path}/site:/before"})


def test_an_interrupt_ends_the_checks_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(target: object, **given: object) -> LeakResult:
        del given
        if str(target) == "app:second":
            raise InterruptedMeasurementError("interrupted")
        return LeakResult(target=str(target), state=LeakState.CLEAN, ceiling=0.0, iterations=1)

    monkeypatch.setattr(checking, "find_leaks", find)
    found = check_leaks(CHECKS, side(tmp_path), progress=print)
    assert [one.target for one in found] == ["app:first"]
