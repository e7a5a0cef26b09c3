"""Which sets of rounds a comparison asks for, played with measurements that are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from plain_sides import side_of

from perfkit.benchmarking import compare
from perfkit.benchmarking.allocations import Counted
from perfkit.benchmarking.compare import Compared, compare_sides
from perfkit.benchmarking.expected import Expected
from perfkit.benchmarking.session import Measurement, Plan
from perfkit.benchmarking.sides import Sides
from perfkit.config.thresholds import Thresholds
from perfkit.model import BenchmarkId, Environment, Sample, Unit, Verdict

ID = BenchmarkId("suite.time_x")
MEMORY = ID.peak_memory
MACHINE = Environment(
    label="a", cpu="x", cores=2, memory_bytes=1, system="Linux", kernel="6", libc="glibc",
    python="3.13", governor=None, quota_cores=None, packages_digest="0", load=0.1,
)  # fmt: skip
FAST, SLOW = (1.00, 1.01, 0.99, 1.02, 1.00, 1.01), (1.20, 1.21, 1.19, 1.22, 1.20, 1.21)
SMALL, LARGE = (40.0, 40.1, 40.2, 40.0, 40.1, 40.2), (50.0, 50.1, 50.2, 50.0, 50.1, 50.2)
NOISY = (39.0, 60.0, 47.0)


def sample(identity: BenchmarkId, values: Sequence[float]) -> Sample:
    memory = identity.beside is not None
    return Sample(
        benchmark=identity,
        unit=Unit.BYTES if memory else Unit.SECONDS,
        processes=tuple((value * (2**20 if memory else 1),) for value in values),
        rounds=tuple(range(len(values))),
    )


def rounds(
    base: Sequence[float],
    head: Sequence[float],
    memory: tuple[Sequence[float], Sequence[float]] | None = None,
    *,
    interrupted: bool = False,
) -> Measurement:
    peaks = {} if memory is None else dict(zip(("base", "head"), memory, strict=True))
    return Measurement(
        samples={"base": {ID: sample(ID, base)}, "head": {ID: sample(ID, head)}},
        memory={
            "base": {ID: sample(MEMORY, peaks["base"])} if peaks else {},
            "head": {ID: sample(MEMORY, peaks["head"])} if peaks else {},
        },
        skipped={"base": set(), "head": set()},
        rounds=len(head),
        seconds=100.0,
        interrupted=interrupted,
    )


def compared(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *script: Measurement,
    settings: Mapping[str, object] | None = None,
) -> tuple[Compared, list[tuple[tuple[BenchmarkId, ...], Plan]]]:
    """Return the comparison that these sets of rounds give, and what each had to decide."""
    asked: list[tuple[tuple[BenchmarkId, ...], Plan]] = []
    left = list(script)

    def measure(
        running: object,
        benchmarks: object,
        identities: Sequence[BenchmarkId],
        plan: Plan,
        *,
        in_question: Mapping[BenchmarkId, Sequence[BenchmarkId]],
        **_: object,
    ) -> Measurement:
        del running, benchmarks
        assert tuple(in_question) == tuple(identities)
        asked.append((tuple(one for metrics in in_question.values() for one in metrics), plan))
        return left.pop(0)

    monkeypatch.setattr(compare, "measure", measure)
    side = side_of(tmp_path)
    found = compare_sides(
        Sides(base=side, head=side),
        Expected(benchmarks=(), measured=(ID,), missing=(), in_base=frozenset({ID})),
        Thresholds.model_validate({"regression": settings or {}}),
        command="compare",
        environment=MACHINE,
        today=date(2026, 1, 5),
        clock=lambda: 0.0,
        seed=7,
        on_progress=lambda _: None,
    )
    assert left == []
    return found, asked


SUSPECTED = rounds(FAST[:3], SLOW[:3], (SMALL[:3], NOISY))
"""Three rounds that suspect the time, and cannot tell of the memory."""


def test_memory_that_the_confirming_rounds_suspect_is_confirmed_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = compared(
        monkeypatch,
        tmp_path,
        SUSPECTED,
        rounds(FAST * 2, SLOW * 2, (SMALL * 2, LARGE * 2)),
        rounds(FAST * 2, SLOW * 2, (SMALL * 2, LARGE * 2)),
    )
    verdicts = {row.benchmark: row.verdict for row in found.report.comparisons}
    assert verdicts == {ID: Verdict.REGRESSED, MEMORY: Verdict.REGRESSED}
    # The third set is about the memory alone, so that it ends when that is decided.
    assert [names for names, _ in asked] == [(ID,), (ID,), (MEMORY,)]
    plans = [plan for _, plan in asked]
    # Sets of rounds of their own, in what is left of the time; the last one as long as the
    # suspicion took.
    assert [plan.seed for plan in plans] == [7, 8, 9]
    assert [plan.seconds for plan in plans] == [600, 500, 400]
    assert [plan.min_rounds for plan in plans] == [6, 6, 12]
    assert [plan.first_look for plan in plans] == [3, None, None]
    assert (found.report.rounds, found.report.seconds) == (3 + 12 + 12, 300.0)


def test_a_suspicion_of_the_memory_alone_is_not_waited_for_in_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = compared(
        monkeypatch,
        tmp_path,
        rounds(FAST, FAST, (SMALL, LARGE)),
        rounds(FAST, FAST, (SMALL, LARGE)),
    )
    verdicts = {row.benchmark: row.verdict for row in found.report.comparisons}
    assert verdicts == {ID: Verdict.UNCHANGED, MEMORY: Verdict.REGRESSED}
    assert [names for names, _ in asked] == [(ID,), (MEMORY,)]


def test_without_a_suspicion_of_its_memory_a_time_is_confirmed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = compared(monkeypatch, tmp_path, SUSPECTED, rounds(FAST, SLOW, (SMALL, SMALL)))
    verdicts = {row.benchmark: row.verdict for row in found.report.comparisons}
    assert verdicts == {ID: Verdict.REGRESSED, MEMORY: Verdict.UNCHANGED}
    assert len(asked) == 2


def test_ctrl_c_ends_the_confirming_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short = rounds(FAST, SLOW, (SMALL, LARGE), interrupted=True)
    found, asked = compared(monkeypatch, tmp_path, SUSPECTED, cut_short)
    assert (found.report.interrupted, len(asked)) == (True, 2)
    alone = rounds(FAST[:3], SLOW[:3], interrupted=True)
    found, asked = compared(monkeypatch, tmp_path, alone)
    assert (found.report.interrupted, len(asked)) == (True, 1)


def test_allocations_are_rows_of_their_own_once_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ID.allocations
    few, many = (
        Sample(
            benchmark=name, unit=Unit.COUNT, processes=((count,),) * 3, rounds=(0, 1, 2), exact=True
        )
        for count in (5000.0, 7000.0)
    )
    counted = Counted(base={ID: few}, head={ID: many})
    asked = []

    def count(
        sides: object, benchmarks: object, owners: Sequence[BenchmarkId], **limits: object
    ) -> Counted:
        del sides, benchmarks
        asked.append((owners, limits["most"]))
        return counted

    monkeypatch.setattr(compare, "count_allocations", count)
    wanted = {"allocations": "compared"}
    found, _ = compared(monkeypatch, tmp_path, rounds(FAST, FAST), settings=wanted)
    verdicts = {row.benchmark: row.verdict for row in found.report.comparisons}
    assert verdicts == {ID: Verdict.UNCHANGED, name: Verdict.REGRESSED}
    assert asked == [([ID], 12)]
    assert found.head[name] == many  # for budgets
    # What cannot be counted is a failure, of either side.
    for side in ("base", "head"):
        failed = replace(few, processes=(), rounds=(), failure="crashed")
        counted = Counted(base={ID: few}, head={ID: few})
        getattr(counted, side)[ID] = failed
        found, _ = compared(monkeypatch, tmp_path, rounds(FAST, FAST), settings=wanted)
        verdicts = {row.benchmark: row.verdict for row in found.report.comparisons}
        assert verdicts == {ID: Verdict.UNCHANGED, name: Verdict.FAILED}
    counted = Counted(interrupted=True)
    found, _ = compared(monkeypatch, tmp_path, rounds(FAST, FAST), settings=wanted)
    assert found.report.interrupted
    asked.clear()
    compared(monkeypatch, tmp_path, rounds(FAST, FAST))
    compared(monkeypatch, tmp_path, rounds(FAST, FAST, interrupted=True), settings=wanted)
    assert asked == []
