"""The peak memory beside a time: a row where it says something, under its own floor."""

from datetime import date

import pytest

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence
from perfkit.gate.memory import GRAIN, with_memory, with_memory_again
from perfkit.model import BenchmarkId, Comparison, Sample, Status, Unit, Verdict

TODAY = date(2025, 6, 1)
ID = BenchmarkId("suite.time_x")
MEMORY = ID.peak_memory
RULES = Thresholds()
TIMES = (1.00, 1.01, 0.99, 1.02, 1.00, 1.01)


def sample(identity: BenchmarkId, values: tuple[float, ...], **facts: str) -> Sample:
    return Sample(
        benchmark=identity,
        unit=Unit.SECONDS if identity == ID else Unit.BYTES,
        processes=tuple((value,) for value in values),
        rounds=tuple(range(len(values))),
        **facts,  # type: ignore[arg-type]
    )


def peaks(mebibytes: float) -> Sample:
    """Return peaks as they are: a few pages apart."""
    return sample(MEMORY, tuple(mebibytes * 2**20 + 4096 * page for page in range(6)))


def evidence(base: Sample | None, head: Sample | None, **facts: str) -> Evidence:
    return with_memory(
        Evidence(
            base={ID: sample(ID, TIMES)},
            head={ID: sample(ID, TIMES, **facts)},
            expected=frozenset({ID}),
        ),
        {} if base is None else {ID: base},
        {} if head is None else {ID: head},
    )


def rows(found: Evidence) -> dict[BenchmarkId, Comparison]:
    judged = judge(
        found, RULES, today=TODAY, shift_of=lambda one, other: shift_between(one, other, RULES)
    )
    return {row.benchmark: row for row in judged}


def test_more_memory_is_a_regression_though_the_time_stands() -> None:
    found = evidence(peaks(40), peaks(48))
    first = rows(found)[MEMORY]
    # With two rows, chance has to be counted twice: without confirming rounds nothing fails.
    assert (first.verdict, first.status) == (Verdict.INCONCLUSIVE, Status.INCONCLUSIVE)
    assert first.shift is not None
    assert first.shift.verdict is Verdict.REGRESSED
    again = with_memory_again(
        Evidence(
            base=found.base,
            head=found.head,
            expected=found.expected,
            base_again={ID: sample(ID, TIMES)},
            head_again={ID: sample(ID, TIMES)},
        ),
        {ID: peaks(40)},
        {ID: peaks(46)},
    )
    row = rows(again)[MEMORY]
    assert (row.verdict, row.status, row.unit) == (Verdict.REGRESSED, Status.FAILED, Unit.BYTES)
    # The confirming rounds are shown, and the time, which was no suspect, is not confirmed.
    assert row.shift is not None
    assert row.shift.ratio.estimate == pytest.approx(46 / 40, abs=0.01)
    assert rows(again)[ID].status is not Status.FAILED
    unconfirmed = with_memory_again(
        Evidence(
            base=found.base,
            head=found.head,
            expected=found.expected,
            base_again={},
            head_again={},
        ),
        {ID: peaks(40)},
        {ID: peaks(40)},
    )
    assert rows(unconfirmed)[MEMORY].verdict is Verdict.UNCHANGED


def test_a_page_more_in_every_process_is_unchanged() -> None:
    row = rows(evidence(peaks(40), peaks(40.2)))[MEMORY]
    assert (row.verdict, row.warnings) == (Verdict.UNCHANGED, ())
    assert row.shift is not None
    assert row.shift.rounds_needed is None
    # Of a time, the same would not be said.
    one, other = (
        sample(ID, tuple(value[0] for value in peaks(size).processes)) for size in (40, 40.2)
    )
    assert shift_between(one, other, RULES).verdict is Verdict.INCONCLUSIVE


def test_below_the_grain_there_is_nothing_to_say() -> None:
    assert GRAIN == 2**20
    assert MEMORY not in evidence(peaks(0.2), peaks(0.9)).expected
    assert MEMORY in evidence(peaks(0.2), peaks(1.0)).expected
    assert MEMORY in evidence(peaks(1.0), peaks(0.2)).expected
    grown = rows(evidence(peaks(0.1), peaks(5)))[MEMORY].shift
    assert grown is not None
    assert grown.verdict is Verdict.REGRESSED


def test_without_both_sides_of_the_same_work_there_is_no_row() -> None:
    assert MEMORY not in evidence(None, peaks(9)).expected
    assert MEMORY not in evidence(peaks(9), None).expected
    assert MEMORY not in evidence(peaks(9), peaks(9), outcome="other").expected
    assert MEMORY not in evidence(peaks(9), peaks(9), failure="crashed").expected
    none = Evidence(base={}, head={}, expected=frozenset({ID}))
    assert with_memory(none, {ID: peaks(9)}, {ID: peaks(9)}).expected == {ID}
    assert with_memory_again(none, {ID: peaks(9)}, {ID: peaks(9)}) is none


def rounds(*numbers: int) -> Sample:
    """Return peaks of these rounds only."""
    sizes = tuple((40.0 * 2**20 + number,) for number in numbers)
    return Sample(benchmark=MEMORY, unit=Unit.BYTES, processes=sizes, rounds=numbers)


def test_only_rounds_of_both_sides_are_compared() -> None:
    found = evidence(rounds(0, 1, 2, 4), rounds(1, 2, 3, 4))
    assert (found.base[MEMORY], found.head[MEMORY]) == (rounds(1, 2, 4), rounds(1, 2, 4))
    assert MEMORY not in evidence(rounds(0), rounds(1)).expected
    # A crash in the confirming rounds leaves one side without its last round.
    again = with_memory_again(
        Evidence(
            base=found.base, head=found.head, expected=found.expected, base_again={}, head_again={}
        ),
        {ID: rounds(0, 1, 2)},
        {ID: rounds(0, 1)},
    )
    assert again.base_again == again.head_again == {MEMORY: rounds(0, 1)}
    assert rows(again)[MEMORY].verdict is Verdict.INCONCLUSIVE
