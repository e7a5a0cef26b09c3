"""A change of memory beside a change of time: two independent sets of rounds, not fewer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between, summary
from perfkit.gate.confirming import (
    confirmed,
    memory_confirmed,
    memory_to_confirm,
    suspects_of,
)
from perfkit.gate.evidence import Evidence
from perfkit.gate.memory import with_memory
from perfkit.model import BenchmarkId, Comparison, Sample, Shift, Unit, Verdict

RULES = Thresholds()
ID = BenchmarkId("suite.time_x")
MEMORY = ID.peak_memory
OTHER_MEMORY = BenchmarkId("suite.time_a").peak_memory
FAST, SLOW = (1.00, 1.01, 0.99, 1.02, 1.00, 1.01), (1.20, 1.21, 1.19, 1.22, 1.20, 1.21)
SMALL, LARGE = (40.0, 40.1, 40.2, 40.0, 40.1, 40.2), (50.0, 50.1, 50.2, 50.0, 50.1, 50.2)
NOISY = (39.0, 60.0, 47.0)
"""Three rounds of LARGE with more noise: they show nothing."""

Samples = dict[BenchmarkId, Sample]


def shift_of(base: Sample, head: Sample) -> Shift:
    return shift_between(base, head, RULES)


def side(
    values: Sequence[float], identity: BenchmarkId = ID, failure: str | None = None
) -> Samples:
    memory = identity.beside is not None
    sample = Sample(
        benchmark=identity,
        unit=Unit.BYTES if memory else Unit.SECONDS,
        processes=tuple((value * (2**20 if memory else 1),) for value in values),
        rounds=tuple(range(len(values))),
        failure=failure,
    )
    return {ID: sample}  # memory as well: by the benchmark that it was recorded beside


def peaks(values: Sequence[float]) -> Samples:
    return side(values, MEMORY)


def first(base: Sequence[float] = SMALL[:3], head: Sequence[float] = NOISY) -> Evidence:
    """Three rounds that suspect the time alone."""
    times = Evidence(base=side(FAST[:3]), head=side(SLOW[:3]), expected=frozenset({ID}))
    return with_memory(times, peaks(base), peaks(head))


def again(evidence: Evidence, head: Sequence[float], base: Sequence[float] = SMALL) -> Evidence:
    return confirmed(evidence, (side(FAST), side(SLOW)), (peaks(base), peaks(head)), shift_of)


def more(evidence: Evidence, head: Sequence[float], base: Sequence[float] = SMALL) -> Evidence:
    return memory_confirmed(evidence, (side(FAST), side(SLOW)), (peaks(base), peaks(head)))


def judged(evidence: Evidence) -> dict[BenchmarkId, Comparison]:
    rows = judge(evidence, RULES, today=date(2026, 1, 5), shift_of=shift_of)
    return {row.benchmark: row for row in rows}


def test_memory_that_only_the_new_rounds_suspect_is_measured_once_more() -> None:
    begun = first()
    assert suspects_of(begun, shift_of) == {ID: (ID,)}
    assert memory_to_confirm(begun, shift_of) == {}
    second = again(begun, LARGE)
    assert judged(second)[MEMORY].reason == (
        "regressed at first sight, but no independent rounds confirm it"
    )
    assert memory_to_confirm(second, shift_of) == {ID: 6}
    third = more(second, LARGE)
    assert memory_to_confirm(third, shift_of) == {}
    rows = judged(third)
    assert rows[MEMORY].verdict is Verdict.REGRESSED
    assert rows[MEMORY].first is not None
    assert rows[MEMORY].first.n_head == 6
    # The time has its own two sets, and is none of the third's business.
    assert rows[ID].verdict is Verdict.REGRESSED
    assert (rows[ID].first, rows[ID].shift) == (judged(second)[ID].first, judged(second)[ID].shift)


def test_one_set_of_rounds_never_fails_the_memory() -> None:
    second = again(first(), LARGE)
    for head, verdict in ((SMALL, Verdict.UNCHANGED), (NOISY * 2, Verdict.INCONCLUSIVE)):
        assert judged(more(second, head))[MEMORY].verdict is verdict
    # Rounds that were lost confirm nothing.
    lost = memory_confirmed(second, ({}, {}), ({}, {}))
    assert judged(lost)[MEMORY].verdict is Verdict.INCONCLUSIVE
    assert judged(lost)[ID].verdict is Verdict.REGRESSED


def test_memory_that_the_first_rounds_suspect_needs_one_new_set() -> None:
    begun = first(base=(40.0,) * 3, head=(50.0,) * 3)
    assert suspects_of(begun, shift_of) == {ID: (ID, MEMORY)}
    begun = first(head=LARGE[:3])
    second = again(begun, LARGE)
    assert memory_to_confirm(second, shift_of) == {}
    assert judged(second)[MEMORY].verdict is Verdict.REGRESSED


def test_steady_memory_is_suspected_without_any_noise() -> None:
    begun = first(base=(40.0,) * 3, head=(50.0,) * 3)
    assert shift_of(begun.base[MEMORY], begun.head[MEMORY]).suspected is Verdict.REGRESSED
    second = again(begun, base=(40.0,) * 6, head=(50.0,) * 6)
    assert memory_to_confirm(second, shift_of) == {}
    assert judged(second)[MEMORY].verdict is Verdict.REGRESSED
    fewer = again(first(base=(50.0,) * 3, head=(40.0,) * 3), base=(50.0,) * 6, head=(40.0,) * 6)
    assert judged(fewer)[MEMORY].verdict is Verdict.IMPROVED
    same = again(first(base=(50.0,) * 3, head=(50.0,) * 3), base=(50.0,) * 6, head=(50.0,) * 6)
    assert judged(same)[MEMORY].verdict is Verdict.UNCHANGED


def test_memory_that_did_not_change_needs_no_third_set() -> None:
    second = again(first(head=SMALL[:3]), SMALL)
    assert memory_to_confirm(second, shift_of) == {}
    assert judged(second)[MEMORY].verdict is Verdict.UNCHANGED


def test_memory_of_enough_first_rounds_is_judged_on_them() -> None:
    times = Evidence(base=side(FAST), head=side(SLOW), expected=frozenset({ID}))
    second = again(with_memory(times, peaks(SMALL), peaks(SMALL)), LARGE)
    assert memory_to_confirm(second, shift_of) == {}
    assert judged(second)[MEMORY].verdict is Verdict.UNCHANGED


@pytest.mark.parametrize("name", ["base", "head"])
def test_a_failure_of_the_new_rounds_is_no_reason_for_more(name: str) -> None:
    sides = [side(FAST), side(SLOW)]
    sides[name == "head"] = side(FAST[:2], failure="crashed")
    second = confirmed(first(), (sides[0], sides[1]), (peaks(SMALL), peaks(LARGE)), shift_of)
    assert memory_to_confirm(second, shift_of) == {}
    rows = judged(second)
    assert (rows[ID].verdict, rows[ID].reason) == (
        Verdict.FAILED,
        f"{name}, when measured again: crashed",
    )
    assert rows[MEMORY].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", ["base", "head"])
def test_a_failure_of_the_third_rounds_fails_the_benchmark(name: str) -> None:
    second = again(first(), LARGE)
    sides = [side(FAST), side(SLOW)]
    sides[name == "head"] = side(FAST[:1], failure="crashed")
    third = memory_confirmed(second, (sides[0], sides[1]), (peaks(SMALL[:1]), peaks(LARGE[:1])))
    row = judged(third)[ID]
    assert (row.verdict, row.reason) == (
        Verdict.FAILED,
        f"{name}, when measured again: crashed",
    )


def test_one_failure_does_not_hide_the_memory_of_others() -> None:
    other = BenchmarkId("suite.time_a")

    def with_other(found: Samples, *, failure: str | None = None) -> Samples:
        named = replace(found[ID], benchmark=other if found[ID].benchmark == ID else OTHER_MEMORY)
        return {other: replace(named, failure=failure), **found}

    begun = with_memory(
        Evidence(
            base=with_other(side(FAST[:3])),
            head=with_other(side(SLOW[:3])),
            expected=frozenset({ID, other}),
        ),
        with_other(peaks(SMALL[:3])),
        with_other(peaks(NOISY)),
    )
    second = confirmed(
        begun,
        (with_other(side(FAST)), with_other(side(SLOW), failure="crashed")),
        (with_other(peaks(SMALL)), with_other(peaks(LARGE))),
        shift_of,
    )
    assert memory_to_confirm(second, shift_of) == {ID: 6}


def test_a_time_that_was_no_suspect_is_not_judged_on_the_rounds_of_its_memory() -> None:
    times = Evidence(base=side(FAST), head=side(FAST), expected=frozenset({ID}))
    begun = with_memory(times, peaks(SMALL), peaks(LARGE))
    assert suspects_of(begun, shift_of) == {ID: (MEMORY,)}
    second = confirmed(
        begun,
        (side(FAST * 2), side(SLOW * 2)),
        (peaks(SMALL * 2), peaks(LARGE * 2)),
        shift_of,
    )
    rows = judged(second)
    assert rows[MEMORY].verdict is Verdict.REGRESSED
    assert (rows[ID].verdict, rows[ID].head) == (Verdict.UNCHANGED, summary(begun.head[ID]))


def test_memory_that_is_ignored_is_asked_for_nothing() -> None:
    times = Evidence(base=side(FAST[:3]), head=side(SLOW[:3]), expected=frozenset({ID}))
    second = again(times, LARGE)
    assert memory_to_confirm(second, shift_of) == {}
    assert set(judged(second)) == {ID}
