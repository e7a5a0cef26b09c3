"""Waivers of leak checks: what they let pass, and when they themselves fail."""

from datetime import date
from typing import Any

import pytest

from perfkit.config.thresholds import LeakWaiver
from perfkit.gate.leak_waivers import NO_CHECK, leak_waivers_of, waived_leaks
from perfkit.gate.waivers import ELSEWHERE, with_exceeded
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Shift,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)

TODAY = date(2025, 6, 1)
YESTERDAY = date(2025, 5, 31)


def waiver(**changed: object) -> LeakWaiver:
    values = {
        "target": "shop:*",
        "ceiling": "100B",
        "expires": TODAY,
        "issue": "#7",
        "reason": "known",
    }
    return LeakWaiver.model_validate({**values, **changed})


def leak(grown: float = 90, state: LeakState = LeakState.LEAK) -> LeakResult:
    # Two lines: each has the ceiling for itself.
    sites = tuple(
        LeakSite(place=f"shop.py:{line}", bytes_per_iteration=grown, blocks_per_iteration=1)
        for line in (4, 9)
    )
    return LeakResult(
        target="shop:sell", state=state, ceiling=0, iterations=4000, sites=sites, reason="it held"
    )


def judged(
    result: LeakResult, *waivers: LeakWaiver, targets: tuple[str, ...] = ("shop:sell",)
) -> tuple[LeakResult, tuple[WaiverResult, ...]]:
    (row,) = waived_leaks([result], waivers, TODAY)
    return row, leak_waivers_of([result], waivers, today=TODAY, targets=targets)


@pytest.mark.parametrize(
    ("grown", "changed", "status", "state"),
    [
        (100, {}, Status.PASSED, WaiverState.HOLDS),
        (101, {}, Status.FAILED, WaiverState.EXCEEDED),
        (90, {"expires": YESTERDAY}, Status.FAILED, WaiverState.EXPIRED),
        (90, {"target": "other:*"}, Status.FAILED, WaiverState.UNMATCHED),
    ],
)
def test_a_leak_is_accepted_up_to_the_ceiling_until_the_day(
    grown: float, changed: dict[str, Any], status: Status, state: WaiverState
) -> None:
    row, (found,) = judged(leak(grown), waiver(**changed))
    assert (row.status, found.state) == (status, state)
    assert (found.status is Status.PASSED) is (state is WaiverState.HOLDS)
    assert (found.kind, found.ceiling, found.expires) == (
        "leak waiver", 100, str(changed.get("expires", TODAY)),
    )  # fmt: skip


def test_what_fails_in_spite_of_a_waiver_says_why() -> None:
    row, (found,) = judged(leak(101), waiver())
    assert row.reason == "it held; beyond its waiver's ceiling of 100 B (#7)"
    assert found.found == "shop:sell keeps more"
    row, (found,) = judged(leak(), waiver(expires=YESTERDAY))
    assert row.reason == "it held; its waiver (#7) expired on 2025-05-31"
    row, (found,) = judged(leak(), waiver(target="other:*"))
    assert (row.reason, found.found) == ("it held", NO_CHECK)
    assert judged(leak(), waiver())[0].waived == "known (#7, until 2025-06-01)"


def test_the_last_waiver_counts() -> None:
    narrow = waiver(target="shop:sell", ceiling="10B")
    row, found = judged(leak(), waiver(), narrow)
    assert row.status is Status.FAILED
    assert [one.state for one in found] == [WaiverState.HOLDS, WaiverState.EXCEEDED]
    assert judged(leak(), narrow, waiver())[0].status is Status.PASSED


@pytest.mark.parametrize("state", [LeakState.INCONCLUSIVE, LeakState.FAILED, LeakState.CLEAN])
def test_only_a_leak_can_be_waived(state: LeakState) -> None:
    row, (found,) = judged(leak(1000, state), waiver())
    assert row == leak(1000, state)
    assert found.state is WaiverState.HOLDS


def test_a_waiver_of_a_check_that_another_shard_makes_holds() -> None:
    (found,) = leak_waivers_of([], [waiver()], today=TODAY, targets=["shop:sell"])
    assert (found.state, found.found) == (WaiverState.HOLDS, ELSEWHERE)
    (late,) = leak_waivers_of([], [waiver(expires=YESTERDAY)], today=TODAY, targets=["shop:sell"])
    assert late.state is WaiverState.EXPIRED


def test_a_leak_waiver_is_none_of_a_benchmark() -> None:
    (held,) = leak_waivers_of([], [waiver(target="*")], today=TODAY, targets=["shop:sell"])
    ratio = Interval(500, 500, 500, 0.99)
    shift = Shift(
        verdict=Verdict.REGRESSED, ratio=ratio, p_value=0.0, floor=0.05, n_base=6, n_head=6,
        design="interleaved",
    )  # fmt: skip
    row = Comparison(
        benchmark=BenchmarkId("suite.time_x"),
        unit=Unit.SECONDS,
        verdict=Verdict.REGRESSED,
        shift=shift,
    )
    assert with_exceeded([held], [row]) == (held,)
