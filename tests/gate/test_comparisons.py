"""Every row that the gate can give, and that nothing is left unanswered."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.config.thresholds import Thresholds
from perfkit.errors import ExitCode, UsageError
from perfkit.gate.comparisons import judge, shift_between, summary
from perfkit.gate.evidence import Evidence
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    Report,
    Sample,
    Shift,
    Status,
    Unit,
    Verdict,
)

TODAY = date(2025, 6, 1)
ID = BenchmarkId("suite.time_x")


def thresholds(**values: list[dict[str, object]]) -> Thresholds:
    entries = {key: tuple(value) for key, value in values.items()}
    return Thresholds.model_validate(entries)


def sample(
    *values: float,
    identity: BenchmarkId = ID,
    outcome: str | None = None,
    failure: str | None = None,
    exact: bool = False,
    unit: Unit = Unit.SECONDS,
    better: str = "lower",
) -> Sample:
    return Sample(
        benchmark=identity,
        unit=unit,
        processes=tuple((value,) for value in values),
        rounds=tuple(range(len(values))),
        outcome=outcome,
        failure=failure,
        exact=exact,
        better=better,  # type: ignore[arg-type]
    )


FAST = (1.00, 1.01, 0.99, 1.02, 1.00, 1.01)
SLOW = (1.30, 1.31, 1.29, 1.32, 1.30, 1.31)


def judged(
    base: Sample | None,
    head: Sample | None,
    *,
    rules: Thresholds | None = None,
    base_again: Sample | None = None,
    head_again: Sample | None = None,
    in_base: bool = False,
    missing: bool = False,
    skipped_base: bool = False,
    skipped_head: bool = False,
    confirm: bool = True,
) -> Comparison:
    rules = rules or thresholds()
    again = base_again is not None or head_again is not None or not confirm
    evidence = Evidence(
        base={} if base is None else {ID: base},
        head={} if head is None else {ID: head},
        expected=frozenset({ID}),
        missing=frozenset({ID} if missing else ()),
        skipped_base=frozenset({ID} if skipped_base else ()),
        skipped_head=frozenset({ID} if skipped_head else ()),
        in_base=frozenset({ID} if in_base else ()),
        base_again=({} if base_again is None else {ID: base_again}) if again else None,
        head_again=({} if head_again is None else {ID: head_again}) if again else None,
    )
    (row,) = judge(evidence, rules, today=TODAY, shift_of=lambda a, b: shift_between(a, b, rules))
    return row


def test_a_confirmed_regression_shows_the_confirming_rounds() -> None:
    again = tuple(value * 0.9 for value in SLOW)
    row = judged(sample(*FAST), sample(*SLOW), base_again=sample(*FAST), head_again=sample(*again))
    assert (row.verdict, row.status, row.reason) == (Verdict.REGRESSED, Status.FAILED, "")
    assert row.shift is not None
    assert row.shift.ratio.estimate == pytest.approx(1.17, abs=0.01)
    # The row agrees with itself: the values shown are those of the shift.
    assert row.base is not None
    assert row.head is not None
    assert row.head.median / row.base.median == pytest.approx(row.shift.ratio.estimate, abs=0.02)
    assert row.threshold == row.shift.floor == 0.05


def test_improved_unchanged_and_inconclusive() -> None:
    row = judged(sample(*SLOW), sample(*FAST), base_again=sample(*SLOW), head_again=sample(*FAST))
    assert (row.verdict, row.status) == (Verdict.IMPROVED, Status.PASSED)
    many = [1 + 0.001 * (index % 5) for index in range(20)]
    row = judged(sample(*many), sample(*many))
    assert (row.verdict, row.status) == (Verdict.UNCHANGED, Status.PASSED)
    row = judged(sample(1.0, 2.0, 1.1), sample(1.5, 1.2, 2.5))
    assert (row.verdict, row.status) == (Verdict.INCONCLUSIVE, Status.INCONCLUSIVE)


def test_a_suspect_that_is_not_confirmed_does_not_fail() -> None:
    noisy = sample(1.0, 1.4, 0.9, 1.2, 1.1, 1.3)
    row = judged(sample(*FAST), sample(*SLOW), base_again=noisy, head_again=noisy)
    assert row.verdict in {Verdict.INCONCLUSIVE, Verdict.UNCHANGED}
    row = judged(sample(*FAST), sample(*SLOW), base_again=noisy, head_again=sample(*reversed(SLOW)))
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.reason == "first rounds said regressed, independent rounds did not confirm it"


def test_a_suspect_without_confirming_rounds_is_inconclusive() -> None:
    row = judged(sample(*FAST), sample(*SLOW), confirm=False)
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.reason == "regressed at first sight, but no independent rounds confirm it"


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_suspect_that_fails_when_measured_again_has_failed(side: str) -> None:
    broken = sample(failure="crashed")
    row = judged(
        sample(*FAST),
        sample(*SLOW),
        base_again=broken if side == "base" else sample(*FAST),
        head_again=broken if side == "head" else sample(*SLOW),
    )
    assert (row.verdict, row.status, row.shift) == (Verdict.FAILED, Status.ERROR, None)
    assert row.reason == f"{side}, when measured again: crashed"


def test_head_decides_missing_and_failed() -> None:
    base = sample(*FAST)
    row = judged(base, None, missing=True)
    assert (row.verdict, row.reason) == (Verdict.MISSING, "not in the suite of head")
    assert row.status is Status.ERROR
    assert row.base == summary(base)
    row = judged(base, None, skipped_head=True)
    assert (row.verdict, row.reason) == (Verdict.MISSING, "declined to run on head (skipped)")
    row = judged(base, sample(failure="timed out"))
    assert (row.verdict, row.reason, row.status) == (Verdict.FAILED, "timed out", Status.ERROR)
    row = judged(base, sample(1.0, failure="crashed in round 2"))
    assert (row.verdict, row.head is not None) == (Verdict.FAILED, True)
    row = judged(base, sample())
    assert (row.verdict, row.reason) == (Verdict.FAILED, "not measured on head")
    for former in (base, None):  # interrupted before its turn
        row = judged(former, None)
        assert (row.verdict, row.reason) == (Verdict.FAILED, "not measured on head")


def test_base_decides_what_is_new() -> None:
    head = sample(*FAST)
    row = judged(None, head)
    assert (row.verdict, row.reason, row.status) == (
        Verdict.NEW,
        "not measured on base",
        Status.PASSED,
    )
    row = judged(None, head, skipped_base=True)
    assert (row.verdict, row.reason) == (Verdict.NEW, "base declined to run it")
    row = judged(sample(failure="no such function"), head)
    assert (row.verdict, row.reason) == (Verdict.NEW, "base cannot run it: no such function")
    # But base's own benchmark, and one that ran before it failed, have to be answered for.
    row = judged(sample(failure="timed out"), head, in_base=True)
    assert (row.verdict, row.status) == (Verdict.FAILED, Status.ERROR)
    row = judged(sample(1.0, failure="timed out"), head)
    assert (row.verdict, row.status) == (Verdict.FAILED, Status.ERROR)


def test_different_work_is_neither_better_nor_worse() -> None:
    row = judged(sample(*SLOW, outcome="count 9"), sample(*FAST, outcome="count 0"))
    assert (row.verdict, row.status, row.shift) == (Verdict.DIFFERENT_WORK, Status.FAILED, None)
    assert row.reason == "outcome was count 9, is count 0"
    assert (row.outcome_base, row.outcome_head) == ("count 9", "count 0")
    row = judged(sample(*SLOW, outcome=None), sample(*FAST, outcome="count 0"))
    assert row.verdict is Verdict.DIFFERENT_WORK


def test_exact_metrics_need_one_process_and_no_confirmation() -> None:
    def count(value: float, better: str = "lower") -> Sample:
        return sample(value, exact=True, unit=Unit.COUNT, better=better)

    assert judged(count(100), count(106)).verdict is Verdict.REGRESSED
    assert judged(count(100), count(104)).verdict is Verdict.UNCHANGED
    assert judged(count(100), count(90)).verdict is Verdict.IMPROVED
    assert judged(count(100, "higher"), count(90, "higher")).verdict is Verdict.REGRESSED


def test_rules_by_pattern_metric_and_absolute_floor() -> None:
    def verdict(rules: Thresholds) -> Verdict:
        return shift_between(sample(*FAST), sample(*SLOW), rules).verdict

    wide = {"match": "suite.*", "threshold": "50%"}
    assert verdict(thresholds(benchmarks=[wide])) is not Verdict.REGRESSED
    assert verdict(thresholds(benchmarks=[{**wide, "match": "other.*"}])) is Verdict.REGRESSED
    assert verdict(thresholds(benchmarks=[{**wide, "metric": "memory"}])) is Verdict.REGRESSED
    floor = {"match": "*", "threshold": "5%", "metric": "time", "absolute_floor": "2s"}
    assert verdict(thresholds(benchmarks=[floor])) is not Verdict.REGRESSED
    floor["absolute_floor"] = "1ms"
    assert verdict(thresholds(benchmarks=[floor])) is Verdict.REGRESSED


WAIVER = {
    "benchmark": "suite.*",
    "ceiling": "40%",
    "expires": date(2025, 6, 1),
    "issue": "#7",
    "reason": "known",
}


def regressed(rules: Thresholds) -> Comparison:
    return judged(
        sample(*FAST), sample(*SLOW), rules=rules,
        base_again=sample(*FAST), head_again=sample(*SLOW),
    )  # fmt: skip


def test_a_waiver_accepts_up_to_its_ceiling_and_day() -> None:
    row = regressed(thresholds(waivers=[WAIVER]))
    assert (row.verdict, row.status) == (Verdict.REGRESSED, Status.PASSED)
    assert row.waived == "known (#7, until 2025-06-01)"
    row = regressed(thresholds(waivers=[{**WAIVER, "expires": date(2025, 5, 31)}]))
    assert (row.waived, row.status) == ("", Status.FAILED)
    assert row.reason == "its waiver (#7) expired on 2025-05-31"
    row = regressed(thresholds(waivers=[{**WAIVER, "ceiling": "20%"}]))
    assert (row.waived, row.status) == ("", Status.FAILED)
    assert row.reason == "beyond its waiver's ceiling of 0.2 (#7)"
    for other in ({"benchmark": "other.*"}, {"metric": "memory"}):
        row = regressed(thresholds(waivers=[{**WAIVER, **other}]))
        assert (row.waived, row.status) == ("", Status.FAILED)


def test_a_waiver_covers_regressions_only() -> None:
    rules = thresholds(waivers=[WAIVER])
    for row in (
        judged(sample(*FAST), None, rules=rules, missing=True),
        judged(sample(*FAST), sample(failure="crashed"), rules=rules),
        judged(sample(*FAST, outcome="a"), sample(*FAST, outcome="b"), rules=rules),
    ):
        assert not row.waived
        assert row.status is not Status.PASSED


@pytest.mark.parametrize("head", [50.0, 0.0, -50.0])
def test_a_waiver_of_a_higher_is_better_metric(head: float) -> None:
    """Half of it is twice as bad; nothing of it, or less, is beyond every ceiling."""
    rules = thresholds(waivers=[{**WAIVER, "ceiling": "150%"}])
    row = judged(
        sample(100.0, exact=True, unit=Unit.COUNT, better="higher"),
        sample(head, exact=True, unit=Unit.COUNT, better="higher"),
        rules=rules,
    )
    assert row.verdict is Verdict.REGRESSED
    assert bool(row.waived) == (head == 50.0)


def test_the_summary_is_of_what_stands_for_a_process() -> None:
    found = summary(
        Sample(
            benchmark=ID,
            unit=Unit.SECONDS,
            processes=((1.0, 9.0, 9.0), (2.0,), (3.0,)),
            rounds=(0, 1, 2),
        )
    )
    assert (found.low, found.median, found.high, found.n) == (2.3, 2.6, 2.8, 3)
    one = summary(sample(5.0))
    assert (one.low, one.median, one.high, one.n) == (5.0, 5.0, 5.0, 1)


identities = st.builds(BenchmarkId, st.sampled_from(["a", "b", "c", "d", "e", "f"]))
some_sample = st.builds(
    lambda values, failure, outcome, exact: sample(
        *values, failure=failure, outcome=outcome, exact=exact
    ),
    st.lists(st.floats(0.5, 2.0), max_size=6),
    st.sampled_from([None, None, None, "crashed"]),
    st.sampled_from([None, None, "count 1", "count 2"]),
    st.booleans(),
)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    def side() -> dict[BenchmarkId, Sample]:
        found = draw(st.dictionaries(identities, some_sample))
        return {identity: replace(one, benchmark=identity) for identity, one in found.items()}

    base, head = side(), side()
    again = draw(st.booleans())
    some = st.frozensets(identities)
    return Evidence(
        base=base,
        head=head,
        expected=frozenset({*base, *head, *draw(some)}),
        missing=draw(some) - head.keys(),
        skipped_base=draw(some) - base.keys(),
        skipped_head=draw(some) - head.keys(),
        in_base=draw(some),
        base_again=side() if again else None,
        head_again=side() if again else None,
    )


def shift_by_median(base: Sample, head: Sample) -> Shift:
    """Return a shift without statistics: its verdict follows the medians."""
    ratio = (summary(head).median) / (summary(base).median)
    verdict = (
        Verdict.REGRESSED
        if ratio > 1.1
        else Verdict.IMPROVED
        if ratio < 0.9
        else Verdict.UNCHANGED
        if len(base.processes) > 2
        else Verdict.INCONCLUSIVE
    )
    return Shift(
        verdict=verdict,
        ratio=Interval(ratio, ratio, ratio, 0.95),
        p_value=0.001,
        floor=0.05,
        n_base=len(base.processes),
        n_head=len(head.processes),
        design="exact" if base.exact and head.exact else "interleaved",
    )


def narrowed(found: Evidence) -> Evidence:
    """Keep confirming rounds of suspects only, as the measuring part does."""
    if found.base_again is None or found.head_again is None:
        return found
    rows = judge(
        replace(found, base_again=None, head_again=None),
        thresholds(),
        today=TODAY,
        shift_of=shift_by_median,
    )
    suspects = {
        row.benchmark
        for row in rows
        if row.shift
        and row.shift.verdict in {Verdict.REGRESSED, Verdict.IMPROVED}
        and row.shift.design != "exact"
    }
    return replace(
        found,
        base_again={i: one for i, one in found.base_again.items() if i in suspects},
        head_again={i: one for i, one in found.head_again.items() if i in suspects},
    )


@given(evidence())
def test_every_expected_benchmark_is_answered_for(found: Evidence) -> None:
    found = narrowed(found)
    rows = judge(found, thresholds(), today=TODAY, shift_of=shift_by_median)
    assert [row.benchmark for row in rows] == sorted(found.expected)
    for row in rows:
        base, head = found.base.get(row.benchmark), found.head.get(row.benchmark)
        if row.status is Status.PASSED:
            assert head is not None
            assert head.processes
            assert not head.failure
        if row.verdict in {Verdict.REGRESSED, Verdict.IMPROVED, Verdict.UNCHANGED}:
            assert row.shift is not None
            assert base is not None
            assert head is not None
            assert base.outcome == head.outcome
            assert not base.failure
        if row.verdict in {Verdict.FAILED, Verdict.MISSING, Verdict.NEW, Verdict.DIFFERENT_WORK}:
            assert row.reason
            assert row.shift is None


@given(evidence(), st.randoms(use_true_random=False))
def test_the_verdict_of_the_whole_is_a_pure_function_of_the_rows(
    found: Evidence, random: object
) -> None:
    rows = list(judge(narrowed(found), thresholds(), today=TODAY, shift_of=shift_by_median))
    whole = Report(command="compare", comparisons=tuple(rows))
    random.shuffle(rows)  # type: ignore[attr-defined]
    shuffled = Report(command="check", comparisons=tuple(rows), rounds=7, seconds=3.0)
    assert whole.status is shuffled.status
    statuses = {row.status for row in rows}
    order = (Status.FAILED, Status.ERROR, Status.INCONCLUSIVE, Status.PASSED)
    assert whole.status is next((s for s in order if s in statuses), Status.ERROR)
    code = whole.exit_code()
    assert (code == ExitCode.PASSED) == (
        bool(rows) and statuses <= {Status.PASSED, Status.INCONCLUSIVE}
    )
    assert (whole.exit_code(strict=True) == ExitCode.PASSED) == (statuses == {Status.PASSED})
    assert replace(whole, interrupted=True).exit_code() == ExitCode.INTERRUPTED


def test_a_row_keeps_outcomes_notes_and_unit() -> None:
    row = judged(sample(*FAST, outcome="7"), sample(*FAST, outcome="7"))
    assert (row.outcome_base, row.outcome_head) == ("7", "7")
    noted = [replace(sample(*FAST), notes=(name,)) for name in ("one", "two")]
    assert judged(noted[0], noted[1]).warnings == ("one", "two")
    sized = sample(1.0, unit=Unit.BYTES)
    assert [judged(*pair).unit for pair in ((None, sized), (sized, None), (None, None))] == [
        Unit.BYTES, Unit.BYTES, Unit.SECONDS
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["base", "head"])
@pytest.mark.parametrize(("step", "word"), [(0.02, "rises"), (-0.02, "falls")])
def test_a_side_that_drifts_is_named_with_its_direction(name: str, step: float, word: str) -> None:
    drifting = sample(*(1 + step * number for number in range(12)))
    still = sample(*((1.0, 1.01, 0.99) * 4))
    row = judged(drifting, still) if name == "base" else judged(still, drifting)
    (said,) = [one for one in row.warnings if "from round to round" in one]
    assert said.startswith(f"{name} {word} from round to round: state that grows, a cache that")


def test_a_report_keeps_evenly_spaced_values_to_four_digits() -> None:
    assert summary(sample(1.23456, 2.0)).values == (1.235, 2.0)
    every = [float(number) for number in range(1, 120)]
    assert summary(sample(*every[:60])).values == tuple(every[:60])
    assert summary(sample(*every)).values == tuple(every[::2])
    kept = summary(sample(*every[:61])).values
    assert (len(kept), kept[0], kept[-1]) == (60, 1.0, 61.0)
    assert summary(sample(*every)).n == 119


def test_a_row_says_where_its_floor_comes_from_and_why() -> None:
    own = {"match": "suite.*", "threshold": "8%", "why": "starts a process"}
    row = judged(sample(*FAST), sample(*FAST), rules=thresholds(benchmarks=[own]))
    assert (row.floor_source, row.why) == ("threshold of suite.*", "starts a process")


def test_the_rule_of_a_comparison_is_the_configured_one() -> None:
    def verdict(base: Sample, head: Sample, **regression: object) -> Verdict:
        rules = Thresholds.model_validate({"regression": regression})
        return shift_between(base, head, rules).verdict

    fast, slow = sample(*FAST), sample(*SLOW)
    assert verdict(fast, slow) is Verdict.REGRESSED
    assert verdict(fast, slow, alpha=0.001) is Verdict.INCONCLUSIVE
    more = [replace(one, better="higher") for one in (fast, slow)]
    assert verdict(more[0], more[1]) is Verdict.IMPROVED
    # No look beyond the plan, unless the caller has another one.
    long = sample(*FAST * 2)
    rules = Thresholds.model_validate({"regression": {"max_rounds": 8}})
    with pytest.raises(UsageError, match="planned for 8"):
        shift_between(long, long, rules)
    assert shift_between(long, long, rules, max_rounds=12).verdict is Verdict.UNCHANGED


def test_a_count_is_exact_where_both_sides_say_so() -> None:
    one, more = (sample(value, exact=True, unit=Unit.COUNT) for value in (10.0, 12.0))
    rules = Thresholds()
    assert shift_between(one, more, rules).verdict is Verdict.REGRESSED
    loose = Thresholds.model_validate({"regression": {"threshold": "50%"}})
    assert shift_between(one, more, loose).verdict is Verdict.UNCHANGED
    assert shift_between(one, replace(more, exact=False), rules).design == "interleaved"
    assert shift_between(replace(one, exact=False), more, rules).design == "interleaved"


def test_memory_that_may_have_shrunk_by_more_than_its_floor_is_not_unchanged() -> None:
    base = [40.0, 40.1, 40.2, 40.0, 40.1, 40.2]
    head = [35.0, 38.5, 37.5, 38.0, 38.2, 37.0]
    sides = [
        sample(*(one * 2**20 for one in side), identity=ID.peak_memory, unit=Unit.BYTES)
        for side in (base, head)
    ]
    assert shift_between(sides[0], sides[1], Thresholds()).verdict is Verdict.INCONCLUSIVE


def test_a_single_process_is_summed_up_as_it_is() -> None:
    found = summary(sample(2.0))
    assert (found.median, found.low, found.high, found.n, found.values) == (2, 2, 2, 1, (2.0,))
