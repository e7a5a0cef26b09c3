"""Stored results: what one run measured is judged, what several did is only shown."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.config.thresholds import Thresholds
from perfkit.errors import ExitCode
from perfkit.gate.stored import (
    LONGEST_PAUSE,
    Origin,
    StoredSample,
    judge_stored,
    same_run,
    stored_differences,
    stored_shift,
)
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Environment,
    EnvironmentDifference,
    Report,
    Sample,
    Status,
    Unit,
    Verdict,
)

TODAY = date(2025, 6, 1)
ID = BenchmarkId("suite.time_x")
OTHER = BenchmarkId("suite.time_y")
REMEDY = "measure both now with perfkit compare main HEAD"
FAST = (1.00, 1.01, 0.99, 1.02, 1.00, 1.01, 0.98, 1.03)
SLOW = tuple(1.3 * value for value in FAST)

ONE = Origin(run="1", machine="a", started=1000, ended=1000)
TWO = Origin(run="2", machine="a", started=2000, ended=2000)


def stored(values: tuple[float, ...], origin: Origin, **facts: Any) -> StoredSample:  # noqa: ANN401  # fields of Sample
    sample = Sample(
        benchmark=facts.pop("benchmark", ID),
        unit=facts.pop("unit", Unit.SECONDS),
        processes=tuple((value,) for value in values),
        rounds=tuple(range(len(values))),
        **facts,
    )
    return StoredSample(sample=sample, origin=origin)


def judged(
    base: list[StoredSample], head: list[StoredSample], **values: list[dict[str, object]]
) -> tuple[Comparison, ...]:
    thresholds = Thresholds.model_validate({key: tuple(value) for key, value in values.items()})
    return judge_stored(base, head, thresholds, today=TODAY, remedy=REMEDY)


@pytest.mark.parametrize(
    ("base", "head", "verdict"),
    [
        (FAST, SLOW, Verdict.REGRESSED),
        (SLOW, FAST, Verdict.IMPROVED),
        (FAST, FAST, Verdict.UNCHANGED),
        (FAST[:2], SLOW[:2], Verdict.INCONCLUSIVE),
    ],
)
def test_one_run_is_judged_and_different_runs_are_not(
    base: tuple[float, ...], head: tuple[float, ...], verdict: Verdict
) -> None:
    (row,) = judged([stored(base, ONE)], [stored(head, ONE)])
    assert row.verdict is verdict
    assert row.shift is not None
    assert row.shift.design == "sequential"
    assert "runs" not in row.reason
    (row,) = judged([stored(base, ONE)], [stored(head, TWO)])
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.shift is not None
    looks = "" if verdict is Verdict.INCONCLUSIVE else f"looks {verdict}, but was "
    assert row.reason == f"{looks}measured in different runs; {REMEDY}"


def test_different_runs_exit_0_and_3_under_strict() -> None:
    rows = judged([stored(FAST, ONE)], [stored(SLOW, TWO)])
    report = Report(command="compare", comparisons=rows)
    assert report.exit_code() is ExitCode.PASSED
    assert report.exit_code(strict=True) is ExitCode.INCONCLUSIVE


def test_another_machine_is_said() -> None:
    elsewhere = replace(TWO, machine="b")
    (row,) = judged([stored(FAST, ONE)], [stored(SLOW, elsewhere)])
    assert "in different runs on different machines" in row.reason


def test_the_same_identity_on_another_machine_is_another_run() -> None:
    assert same_run(ONE, ONE)
    assert not same_run(ONE, TWO)
    assert not same_run(ONE, replace(ONE, machine="b"))


@pytest.mark.parametrize(("pause", "same"), [(0, True), (LONGEST_PAUSE, True), (600_001, False)])
def test_commits_of_asv_are_of_one_run_when_they_follow_each_other(pause: int, same: bool) -> None:
    first = Origin(run=None, machine="a", started=10_000, ended=70_000)
    second = Origin(run=None, machine="a", started=70_000 + pause, ended=200_000 + pause)
    assert same_run(first, second) is same
    assert same_run(second, first) is same
    # Interleaved rounds of asv overlap.
    assert same_run(first, replace(first, started=20_000, ended=80_000))
    # A run that has a name is never guessed to be one that has none.
    assert not same_run(first, replace(second, run="1"))


def test_results_of_one_run_are_preferred_to_newer_ones() -> None:
    base = [stored(FAST, ONE), stored(SLOW, TWO)]
    (row,) = judged(base, [stored(SLOW, ONE)])
    assert row.verdict is Verdict.REGRESSED
    # Else those of one machine, and among these the newest.
    elsewhere = replace(TWO, run="3", machine="b", started=9000)
    head = [stored(SLOW, TWO), stored(FAST, replace(TWO, run="4", started=3000))]
    (row,) = judged([stored(FAST, ONE)], [*head, stored(SLOW, elsewhere)])
    assert row.reason.startswith("looks unchanged, but was measured in different runs;")


def test_a_waiver_does_not_pass_what_is_not_known() -> None:
    waiver: dict[str, object] = {
        "benchmark": "*",
        "ceiling": "50%",
        "expires": date(2030, 1, 1),
        "issue": "#1",
        "reason": "known",
    }
    (row,) = judged([stored(FAST, ONE)], [stored(SLOW, ONE)], waivers=[waiver])
    assert (row.verdict, row.status) == (Verdict.REGRESSED, Status.PASSED)
    (row,) = judged([stored(FAST, ONE)], [stored(SLOW, TWO)], waivers=[waiver])
    assert (row.waived, row.status) == ("", Status.INCONCLUSIVE)


def test_another_source_or_unit_is_not_compared() -> None:
    for facts in ({"source_hash": "new"}, {"unit": Unit.BYTES}, {"better": "higher"}):
        base = stored(FAST, ONE, source_hash="old")
        head = stored(SLOW, ONE, **{"source_hash": "old", **facts})
        (row,) = judged([base], [head])
        assert (row.verdict, row.shift) == (Verdict.INCONCLUSIVE, None)
        assert row.reason.startswith("not comparable: the benchmark's own source differs")
        assert row.reason.endswith(REMEDY)
        assert (row.benchmark, row.unit) == (ID, head.sample.unit)
        assert row.head is not None
        assert (row.base, row.head.n) == (None, len(SLOW))
    failed = stored((), ONE, source_hash="new", failure="crashed")
    (row,) = judged([stored(FAST, ONE, source_hash="old")], [failed])
    assert (row.verdict, row.head) == (Verdict.INCONCLUSIVE, None)
    # A source that one side does not tell is no other source.
    for known in ("base", "head"):
        base = stored(FAST, ONE, source_hash="old" if known == "base" else None)
        head = stored(SLOW, ONE, source_hash="old" if known == "head" else None)
        (row,) = judged([base], [head])
        assert row.verdict is Verdict.REGRESSED


HERE = Environment(
    label="a", cpu="EPYC", cores=4, memory_bytes=2**33, system="Linux", kernel="6.1",
    libc="glibc 2.36", python="3.11", governor=None, quota_cores=None, packages_digest="a",
    load=0.1,
)  # fmt: skip
THERE = replace(HERE, cpu="Xeon", cores=8)


@pytest.mark.parametrize(
    ("base", "head", "said", "listed"),
    [
        (HERE, THERE, " (CPU model, cores differ)", ("CPU model", "cores")),
        (HERE, replace(HERE, load=9.0), "", ()),
        (HERE, None, "", ()),
        (None, THERE, "", ()),
        (None, None, "", ()),
    ],
)
def test_what_differs_between_the_places_is_said_where_both_are_known(
    base: Environment | None, head: Environment | None, said: str, listed: tuple[str, ...]
) -> None:
    before = [stored(FAST, replace(ONE, environment=base))]
    after = [
        stored(SLOW, replace(TWO, environment=head)),
        stored(SLOW, replace(TWO, environment=THERE), benchmark=OTHER),
    ]
    rows = {row.benchmark: row for row in judged(before, after)}
    assert rows[ID].reason == f"looks regressed, but was measured in different runs{said}; {REMEDY}"
    # What only one side has is compared with nothing.
    assert tuple(one.fact for one in stored_differences(before, after)) == listed
    twice = [*before, stored(FAST, replace(ONE, environment=base), benchmark=OTHER)]
    found = stored_differences(twice, after)
    if base is not None:
        assert found == (
            EnvironmentDifference(fact="CPU model", base="EPYC", head="Xeon"),
            EnvironmentDifference(fact="cores", base="4", head="8"),
        )


def test_the_differences_of_every_compared_pair_are_listed_once() -> None:
    warm = replace(HERE, governor="powersave")
    before = [
        stored(FAST, replace(ONE, environment=HERE)),
        stored(FAST, replace(ONE, environment=HERE), benchmark=OTHER),
    ]
    after = [
        stored(FAST, replace(TWO, environment=THERE)),
        stored(FAST, replace(TWO, environment=warm), benchmark=OTHER),
    ]
    facts = [one.fact for one in stored_differences(before, after)]
    assert facts == ["CPU model", "cores", "CPU governor"]


def test_another_machine_is_said_in_whole_words() -> None:
    elsewhere = replace(TWO, machine="b", environment=THERE)
    (row,) = judged([stored(FAST, replace(ONE, environment=HERE))], [stored(SLOW, elsewhere)])
    assert row.reason == (
        "looks regressed, but was measured in different runs on different machines"
        f" (CPU model, cores differ); {REMEDY}"
    )


def test_a_stored_shift_follows_the_rule_of_its_benchmark() -> None:
    rules = Thresholds.model_validate(
        {
            "regression": {"alpha": 0.001},
            "benchmarks": ({"match": "suite.*", "threshold": "40%", "why": "noisy"},),
        }
    )
    fast, slow = stored(FAST, ONE).sample, stored(SLOW, ONE).sample
    assert stored_shift(fast, slow, rules).floor == 0.4
    assert stored_shift(fast, slow, rules).verdict is not Verdict.REGRESSED
    assert stored_shift(fast, slow, Thresholds()).verdict is Verdict.REGRESSED
    few = stored(FAST[:6], ONE).sample, stored(SLOW[:6], ONE).sample
    assert stored_shift(*few, Thresholds()).verdict is Verdict.REGRESSED
    strict = Thresholds.model_validate({"regression": {"alpha": 0.001}})
    assert stored_shift(*few, strict).verdict is Verdict.INCONCLUSIVE
    more = replace(fast, better="higher"), replace(slow, better="higher")
    assert stored_shift(*more, Thresholds()).verdict is Verdict.IMPROVED


def test_values_that_never_vary_are_a_change_of_memory_and_no_change_of_time() -> None:
    for unit, verdict in ((Unit.BYTES, Verdict.REGRESSED), (Unit.SECONDS, Verdict.INCONCLUSIVE)):
        sides = [stored((level,) * 8, ONE, unit=unit).sample for level in (1e6, 2e6)]
        assert stored_shift(sides[0], sides[1], Thresholds()).verdict is verdict
        # One side that is exact makes the other no less a measurement.
        half = replace(sides[0], exact=True)
        assert stored_shift(half, sides[1], Thresholds()).design == "sequential"


def test_a_moved_outcome_is_said_and_fails_within_a_run_only() -> None:
    base = stored(FAST, ONE, outcome="3")
    (row,) = judged([base], [stored(SLOW, ONE, outcome="4")])
    assert (row.verdict, row.status) == (Verdict.DIFFERENT_WORK, Status.FAILED)
    (row,) = judged([base], [stored(SLOW, TWO, outcome="4")])
    assert (row.verdict, row.status) == (Verdict.INCONCLUSIVE, Status.INCONCLUSIVE)
    assert row.reason.startswith("outcome was 3, is 4, but measured in different runs")


def test_exact_values_that_are_equal_are_unchanged_whenever_they_were_measured() -> None:
    base = stored((5.0,), ONE, exact=True, unit=Unit.COUNT)
    (row,) = judged([base], [stored((5.0,), TWO, exact=True, unit=Unit.COUNT)])
    assert (row.verdict, row.reason) == (Verdict.UNCHANGED, "")
    (row,) = judged([base], [stored((9.0,), TWO, exact=True, unit=Unit.COUNT)])
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.reason.startswith("looks regressed")


def test_one_side_only() -> None:
    (gone, new) = judged([stored(FAST, ONE)], [stored(FAST, TWO, benchmark=OTHER)])
    assert (gone.verdict, gone.reason) == (Verdict.MISSING, "no stored result of head")
    assert (new.verdict, new.reason) == (Verdict.NEW, "no stored result of base")
    (row,) = judged([], [stored((), TWO, failure="crashed")])
    assert (row.verdict, row.reason) == (Verdict.FAILED, "crashed")


def test_stored_failures_are_no_pass() -> None:
    (row,) = judged([stored(FAST, ONE)], [stored((), TWO, failure="crashed")])
    assert (row.verdict, row.reason, row.status) == (Verdict.FAILED, "crashed", Status.ERROR)
    (row,) = judged([stored((), ONE, failure="crashed")], [stored(FAST, TWO)])
    assert (row.verdict, row.status) == (Verdict.FAILED, Status.ERROR)
    assert row.reason == "base cannot run it: crashed"


sides = st.lists(
    st.builds(
        stored,
        st.lists(st.floats(0.1, 10), min_size=1, max_size=9).map(tuple),
        st.builds(
            Origin,
            run=st.sampled_from("12345"),
            machine=st.sampled_from("ab"),
            started=st.integers(0, 9),
            ended=st.just(9),
        ),
        benchmark=st.sampled_from([ID, OTHER]),
        outcome=st.sampled_from([None, "3"]),
    ),
    max_size=4,
)


@given(sides, sides)
def test_no_row_is_left_out_and_none_fails_without_a_run_of_both(
    base: list[StoredSample], head: list[StoredSample]
) -> None:
    rows = judged(base, head)
    known = {one.sample.benchmark for one in (*base, *head)}
    assert [row.benchmark for row in rows] == sorted(known)
    for row in rows:
        shared = any(
            same_run(one.origin, other.origin)
            for one in base
            for other in head
            if one.sample.benchmark == other.sample.benchmark == row.benchmark
        )
        if not shared:
            assert row.status is not Status.FAILED
            assert row.verdict in {Verdict.INCONCLUSIVE, Verdict.MISSING, Verdict.NEW}
