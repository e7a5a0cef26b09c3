"""The verdict of the whole is a pure function of its rows: laws over generated reports."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import ExitCode
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    LeakResult,
    LeakState,
    Report,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.model.report import GRAVITY

CODE = {
    Status.PASSED: ExitCode.PASSED,
    Status.FAILED: ExitCode.FAILED,
    Status.INCONCLUSIVE: ExitCode.PASSED,
    Status.ERROR: ExitCode.MEASUREMENT,
}

comparisons = st.builds(
    Comparison,
    benchmark=st.builds(BenchmarkId, st.sampled_from("abc")),
    unit=st.just(Unit.SECONDS),
    verdict=st.sampled_from(Verdict),
    waived=st.sampled_from(("", "", "known")),
    quarantined=st.sampled_from(("", "", "flaps")),
)
budgets = st.builds(
    BudgetResult,
    name=st.just("b"),
    statistic=st.just("median"),
    limit=st.just(1.0),
    unit=st.just(Unit.SECONDS),
    status=st.sampled_from(Status),
)
leaks = st.builds(
    LeakResult,
    target=st.just("t"),
    state=st.sampled_from(LeakState),
    ceiling=st.just(0.0),
    iterations=st.just(1),
)
waivers = st.builds(
    WaiverResult,
    kind=st.sampled_from(("waiver", "quarantine")),
    pattern=st.just("*"),
    metric=st.none(),
    ceiling=st.none(),
    expires=st.just("2025-06-01"),
    issue=st.just("#1"),
    reason=st.just("r"),
    state=st.sampled_from(WaiverState),
)
reports = st.builds(
    Report,
    command=st.just("check"),
    comparisons=st.lists(comparisons, max_size=5).map(tuple),
    budgets=st.lists(budgets, max_size=2).map(tuple),
    leaks=st.lists(leaks, max_size=2).map(tuple),
    waivers=st.lists(waivers, max_size=2).map(tuple),
)


@settings(max_examples=200)
@given(reports, st.randoms(use_true_random=False))
def test_order_and_everything_beside_the_rows_do_not_matter(report: Report, random: object) -> None:
    rows = list(report.comparisons)
    random.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis's own generator
    other = replace(
        report, comparisons=tuple(rows), rounds=9, seconds=7.0, warnings=("w",), command="compare"
    )
    assert other.status is report.status
    assert report.exit_code() is CODE[report.status]
    strict = report.exit_code(strict=True)
    inconclusive = report.status is Status.INCONCLUSIVE
    assert strict is (ExitCode.INCONCLUSIVE if inconclusive else CODE[report.status])
    assert replace(report, interrupted=True).exit_code() is ExitCode.INTERRUPTED


@settings(max_examples=200)
@given(reports, comparisons)
def test_one_more_row_never_hides_another(report: Report, row: Comparison) -> None:
    more = replace(report, comparisons=(*report.comparisons, row))
    rows = (*report.comparisons, *report.budgets, *report.leaks)
    deciding = [one for one in rows if not (isinstance(one, Comparison) and one.quarantined)]
    assert GRAVITY.index(more.status) <= GRAVITY.index(row.status)
    if deciding:
        assert GRAVITY.index(more.status) <= GRAVITY.index(report.status)


@settings(max_examples=200)
@given(reports)
def test_the_worst_row_decides(report: Report) -> None:
    rows = (*report.comparisons, *report.budgets, *report.leaks)
    found = {row.status for row in (*rows, *report.waivers)}
    if not rows:
        assert report.status is Status.ERROR
    elif report.status is not Status.INCONCLUSIVE:
        assert report.status is min(found, key=GRAVITY.index)
    else:
        quarantined = all(isinstance(row, Comparison) and row.quarantined for row in rows)
        assert Status.INCONCLUSIVE in found or quarantined
        assert not found & {Status.FAILED, Status.ERROR}


def test_nothing_measured_is_never_a_pass() -> None:
    assert Report(command="check").exit_code() is ExitCode.MEASUREMENT
    flaky = Comparison(
        benchmark=BenchmarkId("a"),
        unit=Unit.SECONDS,
        verdict=Verdict.REGRESSED,
        quarantined="flaps",
    )
    report = Report(command="check", comparisons=(flaky,))
    assert (flaky.status, report.status) == (Status.PASSED, Status.INCONCLUSIVE)
    assert report.exit_code(strict=True) is ExitCode.INCONCLUSIVE
