"""Allocations beside times: how often is counted, and what real processes count."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.benchmarking.allocations import count_allocations, counted_pair
from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import Benchmark, discover
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.recorder import Measured
from perfkit.benchmarking.schedule import SideName
from perfkit.benchmarking.suite import find_suite
from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import shift_between
from perfkit.model import BenchmarkId, Revision, Sample, Shift, Unit, Verdict

IDENTITY = BenchmarkId("suite.time_x", ("3",))


def shift_of(base: Sample, head: Sample) -> Shift:
    return shift_between(base, head, Thresholds())


def benchmark() -> Benchmark:
    return Benchmark(
        name="suite.time_x",
        kind="time",
        unit=Unit.SECONDS,
        parameters=(("3",),),
        timeout=1.0,
        version="1",
    )


def counted(
    base: Sequence[Sequence[float]], head: Sequence[Sequence[float]], most: int = 4
) -> tuple[int, Verdict]:
    """Return how many processes of each side were counted in, and the verdict.

    Each side's counts are given process by process; the last one stands for those that follow.
    """
    given = {"base": base, "head": head}
    asked: list[tuple[SideName, int]] = []

    def count(side: SideName, number: int) -> Measured:
        asked.append((side, number))
        values = given[side][min(number, len(given[side]) - 1)]
        return Measured(values=tuple(values))

    pair = counted_pair(count, benchmark(), IDENTITY, most=most, shift_of=shift_of)
    assert pair is not None
    assert [one.benchmark.beside for one in pair] == [IDENTITY, IDENTITY]
    rounds = [number for side, number in asked if side == "head"]
    assert rounds == list(range(len(rounds)))
    assert len(pair[1].processes) == 3 * len(rounds)
    return len(rounds), shift_of(*pair).verdict


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        ([[5000] * 3], [[5000] * 3], (1, Verdict.UNCHANGED)),
        # Inside the floor of 10 %, whether it repeats or not.
        ([[5000] * 3], [[5400] * 3], (1, Verdict.UNCHANGED)),
        ([[5000, 5003, 5001]], [[5002, 5001, 5009]], (1, Verdict.UNCHANGED)),
        # Beyond a tenth, but by fewer than 100 blocks.
        ([[50] * 3], [[140] * 3], (1, Verdict.UNCHANGED)),
        ([[5000] * 3], [[6000] * 3], (2, Verdict.REGRESSED)),
        ([[5000] * 3], [[4000] * 3], (2, Verdict.IMPROVED)),
        # The second process of head counts otherwise, so more are asked.
        ([[5000] * 3], [[6000] * 3, [6010] * 3], (4, Verdict.REGRESSED)),
        ([[5000] * 3], [[6000] * 3, [5000] * 3], (4, Verdict.INCONCLUSIVE)),
        ([[5000, 7000, 9000]], [[6000, 8000, 9900]], (4, Verdict.INCONCLUSIVE)),
    ],
)
def test_counts_are_repeated_as_often_as_the_verdict_needs(
    base: list[list[float]], head: list[list[float]], found: tuple[int, Verdict]
) -> None:
    assert counted(base, head) == found


def test_a_failure_ends_counting_and_nothing_to_count_is_no_sample() -> None:
    def fails(side: SideName, number: int) -> Measured:
        del number
        return Measured(failure="crashed") if side == "head" else Measured(values=(1.0,))

    pair = counted_pair(fails, benchmark(), IDENTITY, most=9, shift_of=shift_of)
    assert pair is not None
    assert (pair[0].failure, pair[1].failure, len(pair[0].processes)) == (None, "crashed", 1)

    def has_none(side: SideName, number: int) -> None:
        del side, number

    assert counted_pair(has_none, benchmark(), IDENTITY, most=9, shift_of=shift_of) is None


SUITE = """
import os

class Lists:
    number = repeat = 1
    calls = 0

    def setup(self):
        # Made before a call, so that it is no part of what the call allocates.
        self.made = [bytes(100) for _ in range(500)]

    def time_lists(self):
        self.calls += 1
        return [bytearray(20) for _ in range(200)]

    def time_crashes(self):
        os._exit(3)

    def track_calls(self):
        return 1
"""


def test_real_processes_count_the_same_and_only_the_call(project: Project) -> None:
    project.suite(SUITE)
    side = Side(
        revision=Revision(label="HEAD", commit="0" * 40),
        suite=find_suite(project.root),
        interpreter=Interpreter(site=project.root),
        requirements=(),
    )
    benchmarks = discover(side.suite, side.interpreter)
    shown = []
    with MeasuredSide(side) as base, MeasuredSide(side) as head:
        found = count_allocations(
            {"base": base, "head": head},
            benchmarks,
            [identity for benchmark in benchmarks for identity in benchmark.ids],
            suite=side.suite.benchmarks,
            most=4,
            shift_of=shift_of,
            on_progress=lambda done, identity: shown.append((done, identity.name)),
        )
    lists, crashes = BenchmarkId("bench.Lists.time_lists"), BenchmarkId("bench.Lists.time_crashes")
    assert set(found.head) == {lists, crashes}
    assert not found.interrupted
    # A bytearray and its buffer each, and a list that is enlarged now and then.
    first, *others = found.head[lists].processes
    assert others == [first]
    assert 400 <= first[0] <= 440
    assert found.base[lists] == found.head[lists]
    assert "while counting allocations" in str(found.head[crashes].failure)
    assert [name for _, name in shown] == sorted([crashes.name, lists.name])


def test_without_memray_counting_says_what_to_do(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.suite(SUITE)
    (tmp_path / "memray.py").write_text("raise ImportError\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    side = Side(
        revision=Revision(label="HEAD", commit="0" * 40),
        suite=find_suite(project.root),
        interpreter=Interpreter(site=project.root),
        requirements=(),
    )
    name = BenchmarkId("bench.Lists.time_lists")
    found = next(one for one in discover(side.suite, side.interpreter) if name in one.ids)
    with MeasuredSide(side) as running:
        measured = running.count(found, name, side.suite.benchmarks, 0)
    assert measured is not None
    assert "memray, which counts allocations, is not installed beside" in str(measured.failure)
