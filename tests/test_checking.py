from dataclasses import replace
from pathlib import Path

import pytest
from plain_sides import side_of

from perfkit import checking
from perfkit.checking import check_budgets, check_leaks, checks_of_shard, with_checks
from perfkit.config.thresholds import Budget, LeakCheck
from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.gate.shards import split
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Sample,
    Shard,
    Status,
    Unit,
    Verdict,
)

ID = BenchmarkId("suite.track_n", ("1",))
TIME = BenchmarkId("suite.time_n", ("1",))
MEASURED = {ID: Sample(benchmark=ID, unit=Unit.COUNT, processes=((5.0,),), rounds=(0,))}


def budget(name: str, benchmark: str) -> Budget:
    return Budget.model_validate(
        {"name": name, "benchmark": benchmark, "limit": "9count", "statistic": "max"}
    )


def test_a_budget_is_left_out_only_where_the_user_left_its_benchmark_out() -> None:
    budgets = [budget("kept", str(ID)), budget("other", "suite.time_other")]
    results, left_out = check_budgets(budgets, MEASURED, chosen=None)
    assert [(one.name, one.status) for one in results] == [
        ("kept", Status.PASSED),
        ("other", Status.ERROR),
    ]
    assert left_out == ()
    results, left_out = check_budgets(budgets, MEASURED, chosen=[ID])
    assert [one.name for one in results] == ["kept"]
    assert left_out == ("other",)


def test_what_was_chosen_and_not_measured_is_an_error_and_not_left_out() -> None:
    budgets = [budget("lost", str(TIME)), budget("memory", str(TIME.peak_memory))]
    results, left_out = check_budgets(budgets, MEASURED, chosen=[TIME])
    assert [(one.status, one.reason) for one in results] == [(Status.ERROR, "not measured")] * 2
    assert left_out == ()


def memory_budget(name: str, owner: BenchmarkId, limit: str = "9MiB") -> Budget:
    return Budget.model_validate(
        {"name": name, "benchmark": str(owner.peak_memory), "limit": limit, "statistic": "max"}
    )


def peak(mebibytes: float) -> dict[BenchmarkId, Sample]:
    peaks = ((mebibytes * 2**20,),)
    name = TIME.peak_memory
    return {name: Sample(benchmark=name, unit=Unit.BYTES, processes=peaks, rounds=(0,))}


def test_a_memory_budget_is_judged_beside_its_benchmark() -> None:
    kept, exceeded = (
        check_budgets([memory_budget("small", TIME)], peak(size), chosen=[TIME])[0][0]
        for size in (0.5, 10)
    )
    assert (kept.status, kept.unit, kept.measured) == (
        Status.PASSED, Unit.BYTES, Interval(2**19, 2**19, 2**19, 0.95),
    )  # fmt: skip
    assert exceeded.status is Status.FAILED


def shard(index: int, *own: BenchmarkId, skipped: tuple[BenchmarkId, ...] = ()) -> Report:
    """Return the report of one of two shards; it measured ``own``, without memory rows."""
    manifest = Shard(
        index=index, count=2, project="p", suite="0", version="1", alpha=0.01,
        expected=(ID, TIME), skipped=skipped,
    )  # fmt: skip
    rows = [Comparison(benchmark=one, unit=Unit.SECONDS, verdict=Verdict.NEW) for one in own]
    return Report(command="check", comparisons=tuple(rows), shard=manifest)


def test_each_budget_falls_to_the_shard_of_its_benchmark_and_memory_to_that_of_its_time() -> None:
    budgets = [
        budget("count", str(ID)),
        memory_budget("memory", TIME),
        memory_budget("nobody's", BenchmarkId("suite.time_absent")),
    ]
    first, second = shard(1, ID), shard(2, TIME)
    assert [one.name for one in checks_of_shard(first, budgets, [])[0]] == ["count", "nobody's"]
    assert [one.name for one in checks_of_shard(second, budgets, [])[0]] == ["memory"]
    # What declined to run is its shard's all the same, and a whole suite has everything.
    declined = shard(2, skipped=(TIME,))
    assert [one.name for one in checks_of_shard(declined, budgets, [])[0]] == ["memory"]
    assert checks_of_shard(replace(first, shard=None), budgets, CHECKS) == (
        tuple(budgets),
        tuple(CHECKS),
    )
    # Every leak check is made by one of the shards.
    found = [checks_of_shard(one, budgets, CHECKS)[1] for one in (first, second)]
    assert sorted((*found[0], *found[1]), key=CHECKS.index) == CHECKS
    at = split({check.target: 1 for check in CHECKS}, 2)
    assert {at[check.target] for check in found[0]} == {1}


def test_all_shards_owe_the_same_rows() -> None:
    budgets = [memory_budget("memory", TIME), memory_budget("other", BenchmarkId("suite.time_o"))]
    manifests = []
    for report in (shard(1, ID), shard(2, TIME)):
        assert report.shard is not None
        manifests.append(with_checks(report.shard, budgets, CHECKS, selected=False))
        chosen = with_checks(report.shard, budgets, (), selected=True)
        assert [row.name for row in chosen.budgets] == ["memory"]
        assert chosen.leaks == ()
    first, second = manifests
    assert (first.budgets, first.leaks) == (second.budgets, second.leaks)
    assert [(row.name, row.status) for row in first.budgets] == [
        ("memory", Status.ERROR),
        ("other", Status.ERROR),
    ]
    assert first.leaks == tuple(
        LeakResult(
            target=check.target,
            state=LeakState.FAILED,
            ceiling=check.ceiling,
            iterations=0,
            reason="not measured",
        )
        for check in CHECKS
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
        assert (given["cwd"], given["progress"]) == (tmp_path, print)
        if str(target) == "app:second":
            raise MeasurementError("it raised")
        place = f"{tmp_path}/site/app.py:3 keeps"
        one = LeakSite(place=place, bytes_per_iteration=9.0, blocks_per_iteration=1.0)
        return LeakResult(
            target=str(target), state=LeakState.LEAK, ceiling=0.0, iterations=1, sites=(one,)
        )

    monkeypatch.setattr(checking, "find_leaks", find)
    monkeypatch.setenv("PYTHONPATH", "/before")
    found = check_leaks(CHECKS, side_of(tmp_path), progress=print)
    assert [one.state for one in found] == [LeakState.LEAK, LeakState.FAILED, LeakState.LEAK]
    assert found[1] == LeakResult(
        target="app:second", state=LeakState.FAILED, ceiling=1024, iterations=0, reason="it raised"
    )
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
    found = check_leaks(CHECKS, side_of(tmp_path), progress=print)
    assert [one.target for one in found] == ["app:first"]
