"""Exceptions: waivers and quarantine applied to rows, and whether they may stand themselves."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from perfkit.config.thresholds import Metric, Quarantine, Thresholds, Waiver
from perfkit.model import BenchmarkId, Comparison, Unit, Verdict, WaiverResult, WaiverState

METRIC: dict[Unit, Metric] = {
    Unit.SECONDS: "time",
    Unit.BYTES: "memory",
    Unit.COUNT: "count",
}


def excepted(row: Comparison, thresholds: Thresholds, today: date) -> Comparison:
    """Return the row with its quarantine, else with its waiver, applied."""
    quarantine = thresholds.quarantine_for(str(row.benchmark))
    if quarantine is not None and not quarantine.expired(today):
        until = f"{quarantine.issue}, until {quarantine.expires}"
        return replace(row, quarantined=f"{quarantine.reason} ({until})")
    return waived(row, thresholds, today)


def waived(row: Comparison, thresholds: Thresholds, today: date) -> Comparison:
    """Return the row with its waiver applied: accepted, or failing with the reason why not."""
    waiver = thresholds.waiver_for(str(row.benchmark), METRIC[row.unit])
    if waiver is None or row.verdict is not Verdict.REGRESSED or row.shift is None:
        return row
    if waiver.expired(today):
        return replace(row, reason=f"its waiver ({waiver.issue}) expired on {waiver.expires}")
    if worse(row) > waiver.ceiling:
        return replace(
            row, reason=f"beyond its waiver's ceiling of {waiver.ceiling:.3g} ({waiver.issue})"
        )
    return replace(row, waived=f"{waiver.reason} ({waiver.issue}, until {waiver.expires})")


def worse(row: Comparison) -> float:
    """Return by how much a regressed row is worse, as a share of the base; infinite from nothing.

    A regression is far from 1 in either direction: where higher is better, it is below 1.
    """
    ratio = row.shift.ratio.estimate if row.shift is not None else 0.0
    return max(ratio, 1 / ratio) - 1 if ratio > 0 else math.inf


def exceptions_of(
    rows: Sequence[Comparison],
    thresholds: Thresholds,
    *,
    today: date,
    skipped: Collection[BenchmarkId] = (),
    whole: bool,
) -> tuple[WaiverResult, ...]:
    """Return every waiver and quarantine of the configuration with its state.

    ``rows`` are judged, ``skipped`` the benchmarks without a row because they declined to run.
    Where the rows are not the ``whole`` suite, an entry that covers none of them is left out:
    nothing is known of it.
    """
    found = []
    for waiver in thresholds.waivers:
        covered = [row for row in rows if waiver.covers(str(row.benchmark), METRIC[row.unit])]
        known = bool(covered) or any(
            waiver.covers(str(one), waiver.metric or "time") for one in skipped
        )
        if known or whole:
            found.append(_waiver(waiver, covered, thresholds, today, known=known))
    for quarantine in thresholds.quarantine:
        known = any(quarantine.covers(str(row.benchmark)) for row in rows) or any(
            quarantine.covers(str(one)) for one in skipped
        )
        if known or whole:
            found.append(_quarantine(quarantine, today, known=known))
    return tuple(found)


def _waiver(
    waiver: Waiver,
    covered: Sequence[Comparison],
    thresholds: Thresholds,
    today: date,
    *,
    known: bool,
) -> WaiverResult:
    beyond = [
        row
        for row in covered
        if row.verdict is Verdict.REGRESSED
        and not row.quarantined
        and worse(row) > waiver.ceiling
        and thresholds.waiver_for(str(row.benchmark), METRIC[row.unit]) is waiver
    ]
    state, said = _state(known=known, expired=waiver.expired(today))
    if state is WaiverState.HOLDS and beyond:
        state = WaiverState.EXCEEDED
        said = f"{', '.join(str(row.benchmark) for row in beyond)} regressed beyond it"
    return WaiverResult(
        kind="waiver",
        pattern=waiver.benchmark,
        metric=waiver.metric,
        ceiling=waiver.ceiling,
        expires=waiver.expires.isoformat(),
        issue=waiver.issue,
        reason=waiver.reason,
        state=state,
        found=said,
    )


def _quarantine(quarantine: Quarantine, today: date, *, known: bool) -> WaiverResult:
    state, said = _state(known=known, expired=quarantine.expired(today))
    return WaiverResult(
        kind="quarantine",
        pattern=quarantine.benchmark,
        metric=None,
        ceiling=None,
        expires=quarantine.expires.isoformat(),
        issue=quarantine.issue,
        reason=quarantine.reason,
        state=state,
        found=said,
    )


def _state(*, known: bool, expired: bool) -> tuple[WaiverState, str]:
    if not known:
        return WaiverState.UNMATCHED, "the suite has no such benchmark"
    if expired:
        return WaiverState.EXPIRED, "its last day has passed"
    return WaiverState.HOLDS, ""
