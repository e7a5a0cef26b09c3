"""Waivers and quarantine: what they let pass, and when they themselves fail."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from perfkit.config.thresholds import Thresholds
from perfkit.errors import ExitCode
from perfkit.gate.waivers import ABSENT, excepted, exceptions_of, with_exceeded, worse
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    Report,
    Shift,
    Status,
    Unit,
    Verdict,
    WaiverState,
)

TODAY = date(2025, 6, 1)
ID = BenchmarkId("suite.time_x")
WAIVER: dict[str, Any] = {
    "benchmark": "suite.time_*",
    "ceiling": "20%",
    "expires": TODAY,
    "issue": "#7",
    "reason": "known",
}
QUARANTINE: dict[str, Any] = {
    "benchmark": "suite.time_x",
    "expires": TODAY,
    "issue": "#8",
    "reason": "flaps",
}
YESTERDAY = date(2025, 5, 31)


def rules(*waivers: dict[str, Any], quarantine: tuple[dict[str, Any], ...] = ()) -> Thresholds:
    return Thresholds.model_validate({"waivers": waivers, "quarantine": quarantine})


def row(
    ratio: float = 1.1,
    verdict: Verdict = Verdict.REGRESSED,
    identity: BenchmarkId = ID,
    unit: Unit = Unit.SECONDS,
) -> Comparison:
    shift = Shift(
        verdict=verdict,
        ratio=Interval(ratio, ratio, ratio, 0.99),
        p_value=0.0,
        floor=0.05,
        n_base=6,
        n_head=6,
        design="interleaved",
    )
    return Comparison(benchmark=identity, unit=unit, verdict=verdict, shift=shift)


def states(
    rows: list[Comparison], thresholds: Thresholds, *, whole: bool = True
) -> list[WaiverState]:
    judged = [excepted(one, thresholds, TODAY) for one in rows]
    found = exceptions_of(judged, thresholds, today=TODAY, whole=whole)
    for one in found:
        wanted = Status.PASSED if one.state is WaiverState.HOLDS else Status.FAILED
        assert one.status is wanted
        assert one.found != "" or one.state is WaiverState.HOLDS
    return [one.state for one in found]


def test_a_waiver_holds_on_its_last_day_up_to_its_ceiling() -> None:
    thresholds = rules(WAIVER)
    passed = excepted(row(1.2), thresholds, TODAY)
    assert (passed.status, passed.waived) == (Status.PASSED, "known (#7, until 2025-06-01)")
    assert states([row(1.2)], thresholds) == [WaiverState.HOLDS]
    (held,) = exceptions_of([passed], thresholds, today=TODAY, whole=True)
    assert (held.kind, held.pattern, held.metric) == ("waiver", "suite.time_*", None)
    assert (held.ceiling, held.expires) == (0.2, "2025-06-01")
    assert (held.issue, held.reason) == ("#7", "known")


def test_beyond_its_ceiling_row_and_waiver_fail() -> None:
    thresholds = rules(WAIVER)
    failed = excepted(row(1.21), thresholds, TODAY)
    assert (failed.status, failed.waived) == (Status.FAILED, "")
    assert failed.reason == "beyond its waiver's ceiling of 0.2 (#7)"
    (found,) = exceptions_of([failed], thresholds, today=TODAY, whole=True)
    assert (found.state, found.found) == (
        WaiverState.EXCEEDED,
        "suite.time_x regressed beyond it",
    )
    # A later waiver of the same benchmark is the one that counts, and the one that is exceeded.
    narrow = {**WAIVER, "benchmark": "suite.time_x", "ceiling": "50%"}
    assert states([row(1.3)], rules(WAIVER, narrow)) == [WaiverState.HOLDS, WaiverState.HOLDS]
    assert states([row(1.6)], rules(WAIVER, narrow)) == [WaiverState.HOLDS, WaiverState.EXCEEDED]
    # An improvement is never beyond a waiver.
    assert states([row(0.4, Verdict.IMPROVED)], thresholds) == [WaiverState.HOLDS]


def test_an_expired_waiver_fails_whether_anything_regressed_or_not() -> None:
    thresholds = rules({**WAIVER, "expires": YESTERDAY})
    failed = excepted(row(), thresholds, TODAY)
    assert (failed.status, failed.reason) == (
        Status.FAILED,
        "its waiver (#7) expired on 2025-05-31",
    )
    assert states([row()], thresholds) == [WaiverState.EXPIRED]
    assert states([row(1.0, Verdict.UNCHANGED)], thresholds) == [WaiverState.EXPIRED]
    assert states([row(1.9)], thresholds) == [WaiverState.EXPIRED]


def test_an_unmatched_entry_fails_unless_a_part_of_the_suite_ran() -> None:
    absent = {**WAIVER, "benchmark": "suite.time_gone"}
    gone = {**QUARANTINE, "benchmark": "suite.time_gone"}
    thresholds = rules(absent, quarantine=(gone,))
    assert states([row()], thresholds) == [WaiverState.UNMATCHED, WaiverState.UNMATCHED]
    assert states([row()], thresholds, whole=False) == []
    expired = rules({**absent, "expires": YESTERDAY})
    assert states([row()], expired) == [WaiverState.UNMATCHED]
    # What declined to run is known all the same.
    skipped = [BenchmarkId("suite.time_gone")]
    found = exceptions_of([row()], thresholds, today=TODAY, skipped=skipped, whole=True)
    assert [one.state for one in found] == [WaiverState.HOLDS, WaiverState.HOLDS]
    # One of memory does not cover a count, nor one of counts a time.
    memory = rules({**WAIVER, "metric": "memory"})
    assert states([row(unit=Unit.COUNT)], memory) == [WaiverState.UNMATCHED]
    assert states([row(unit=Unit.BYTES)], memory) == [WaiverState.HOLDS]
    assert states([row()], rules({**WAIVER, "metric": "count"})) == [WaiverState.UNMATCHED]


def test_a_waiver_with_a_metric_is_for_rows_of_that_metric() -> None:
    thresholds = rules({**WAIVER, "metric": "memory"})
    grown = row(1.2, unit=Unit.BYTES)
    assert excepted(grown, thresholds, TODAY).waived == "known (#7, until 2025-06-01)"
    assert excepted(row(1.2), thresholds, TODAY).waived == ""
    (found,) = exceptions_of([row(1.3, unit=Unit.BYTES)], thresholds, today=TODAY, whole=True)
    assert (found.state, found.metric) == (WaiverState.EXCEEDED, "memory")


def test_a_row_that_did_not_regress_hides_none_that_did() -> None:
    thresholds = rules(WAIVER)
    rows = [row(1.0, Verdict.UNCHANGED, BenchmarkId("suite.time_a")), row(1.3)]
    assert states(rows, thresholds) == [WaiverState.EXCEEDED]


def test_what_declined_to_run_is_known_by_the_metric_that_a_waiver_names() -> None:
    gone = [BenchmarkId("suite.time_gone")]
    for metric in (None, "time", "memory", "count"):
        thresholds = rules({**WAIVER, "benchmark": "suite.time_gone", "metric": metric})
        found = exceptions_of([row()], thresholds, today=TODAY, skipped=gone, whole=True)
        assert [one.found for one in found] == ["what it covers declined to run"]
    absent = rules({**WAIVER, "benchmark": "suite.time_absent"})
    (unmatched,) = exceptions_of([row()], absent, today=TODAY, skipped=gone, whole=True)
    assert unmatched.found == "the suite has no such benchmark"


SMALL = "no peak memory of 1 MiB or more was seen of what it covers"
MEMORY = {**WAIVER, "metric": "memory"}
OTHER = BenchmarkId("suite.time_other")


NO_TIME = row(1.0, Verdict.UNCHANGED, BenchmarkId("suite.track_y"), Unit.COUNT)


@pytest.mark.parametrize("pattern", ["suite.time_x", "suite.time_*", "suite.time_x.peak_memory"])
@pytest.mark.parametrize(
    ("rows", "given", "memory", "why"),
    [
        ([row(1.0, Verdict.UNCHANGED)], {}, "compared", SMALL),
        ([row()], {}, "ignored", "memory is not compared, as regression.memory is ignored"),
        ([replace(row(), shift=None)], {}, "compared", "what it covers was not compared"),
        ([NO_TIME], {"skipped": [ID]}, "compared", "what it covers declined to run"),
        ([NO_TIME], {"elsewhere": [ID]}, "compared", "what it covers is measured by other shards"),
        # What was measured of it is there to be waived.
        ([row(), row(identity=ID.peak_memory, unit=Unit.BYTES)], {}, "compared", ""),
    ],
)
def test_a_waiver_of_memory_holds_where_there_is_no_memory_to_waive(
    rows: list[Comparison], given: dict[str, Any], memory: str, why: str, pattern: str
) -> None:
    values = {"waivers": ({**MEMORY, "benchmark": pattern},), "regression": {"memory": memory}}
    thresholds = Thresholds.model_validate(values)
    found = exceptions_of([*rows, NO_TIME], thresholds, today=TODAY, whole=True, **given)
    assert [(one.state, one.found, one.status) for one in found] == [
        (WaiverState.HOLDS, why, Status.PASSED)
    ]
    late = exceptions_of(rows, thresholds, today=date(2025, 6, 2), whole=True, **given)
    assert [one.state for one in late] == [WaiverState.EXPIRED]


def test_a_waiver_of_memory_without_its_benchmark_is_unmatched() -> None:
    thresholds = rules({**MEMORY, "benchmark": "suite.time_gone"})
    assert states([row()], thresholds) == [WaiverState.UNMATCHED]
    assert states([row()], thresholds, whole=False) == []


def test_an_exception_of_another_shard_is_neither_left_out_nor_unmatched() -> None:
    thresholds = rules(WAIVER, quarantine=(QUARANTINE,))
    found = exceptions_of([], thresholds, today=TODAY, elsewhere=[ID], whole=True)
    assert [one.state for one in found] == [WaiverState.HOLDS, WaiverState.HOLDS]
    assert [one.found for one in found] == ["what it covers is measured by other shards", ""]


def test_the_state_follows_the_rows() -> None:
    thresholds = rules(WAIVER, {**WAIVER, "metric": "count"}, quarantine=(QUARANTINE,))
    rows = [row(1.3), row(1.5, identity=OTHER)]
    found = exceptions_of(rows, thresholds, today=TODAY, whole=False)
    assert [(one.kind, one.state) for one in found] == [
        ("waiver", WaiverState.EXCEEDED),
        ("quarantine", WaiverState.HOLDS),
    ]
    assert found[0].found == "suite.time_x, suite.time_other regressed beyond it"
    weaker = [replace(one, verdict=Verdict.INCONCLUSIVE) for one in rows]
    held = with_exceeded(found, weaker)
    assert [(one.state, one.found) for one in held] == [(WaiverState.HOLDS, "")] * 2
    assert with_exceeded(held, rows) == found
    late = exceptions_of(rows, thresholds, today=date(2025, 6, 2), whole=False)
    assert with_exceeded(late, rows) == late


@pytest.mark.parametrize("verdict", Verdict)
def test_quarantine_passes_whatever_happened(verdict: Verdict) -> None:
    thresholds = rules(WAIVER, quarantine=(QUARANTINE,))
    found = excepted(row(9.0, verdict), thresholds, TODAY)
    assert (found.status, found.verdict) == (Status.PASSED, verdict)
    assert found.quarantined == "flaps (#8, until 2025-06-01)"
    assert found.waived == ""
    # Neither does it use up the waiver.
    assert states([row(9.0, verdict)], thresholds) == [WaiverState.HOLDS, WaiverState.HOLDS]


def test_an_expired_quarantine_holds_nothing_back() -> None:
    thresholds = rules(quarantine=({**QUARANTINE, "expires": YESTERDAY},))
    assert excepted(row(), thresholds, TODAY).status is Status.FAILED
    (found,) = exceptions_of([row()], thresholds, today=TODAY, whole=True)
    assert (found.kind, found.state) == ("quarantine", WaiverState.EXPIRED)
    assert (found.pattern, found.metric, found.ceiling) == ("suite.time_x", None, None)
    assert (found.expires, found.issue, found.reason) == ("2025-05-31", "#8", "flaps")
    assert found.found == "its last day has passed"


def test_the_memory_beside_a_time_is_in_quarantine_with_it_and_waived_by_name_only() -> None:
    memory = row(identity=ID.peak_memory, unit=Unit.BYTES)
    assert memory.benchmark.beside == ID
    assert excepted(memory, rules(quarantine=(QUARANTINE,)), TODAY).quarantined
    assert not excepted(memory, rules(WAIVER), TODAY).waived
    assert excepted(memory, rules({**WAIVER, "metric": "memory"}), TODAY).waived


def test_worse_in_either_direction() -> None:
    assert worse(row(1.25)) == pytest.approx(0.25)
    assert worse(row(0.8)) == pytest.approx(0.25)
    assert worse(row(0.0)) == float("inf")


@pytest.mark.parametrize(
    ("waiver", "code"),
    [
        (WAIVER, ExitCode.PASSED),
        ({**WAIVER, "expires": YESTERDAY}, ExitCode.FAILED),
        ({**WAIVER, "benchmark": "suite.time_gone"}, ExitCode.FAILED),
    ],
)
def test_a_report_fails_with_its_waivers(waiver: dict[str, Any], code: ExitCode) -> None:
    thresholds = rules(waiver)
    same = row(1.0, Verdict.UNCHANGED)
    found = exceptions_of([same], thresholds, today=TODAY, whole=True)
    assert Report(command="check", comparisons=(same,), waivers=found).exit_code() is code
    # Exceptions are no evidence.
    assert Report(command="check", waivers=found).exit_code() is ExitCode.MEASUREMENT


UNCOUNTED = "allocations of what it covers were not counted"


@pytest.mark.parametrize(
    ("rows", "allocations", "state", "why"),
    [
        ([row()], "ignored", WaiverState.UNMATCHED, ABSENT),
        ([row()], "compared", WaiverState.HOLDS, UNCOUNTED),
        (
            [row(), row(identity=ID.allocations, unit=Unit.COUNT)],
            "compared",
            WaiverState.HOLDS,
            "",
        ),
    ],
)
def test_a_waiver_of_counts_covers_allocations_where_they_are_counted(
    rows: list[Comparison], allocations: str, state: WaiverState, why: str
) -> None:
    counts = {**WAIVER, "metric": "count"}
    thresholds = Thresholds.model_validate(
        {"waivers": (counts,), "regression": {"allocations": allocations}}
    )
    judged = [excepted(one, thresholds, TODAY) for one in rows]
    (found,) = exceptions_of(judged, thresholds, today=TODAY, whole=True)
    assert (found.state, found.found) == (state, why)
    # The time is not meant.
    assert [bool(one.waived) for one in judged] == [False, True][: len(rows)]
