"""Exceptions: waivers and quarantine applied to rows, and whether they may stand themselves."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import TypedDict

from perfkit.config.thresholds import Metric, Thresholds, Waiver, matches
from perfkit.gate.memory import GRAIN
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


ELSEWHERE = "what it covers is measured by other shards"
"""Why an exception has no row in one shard's report."""

ABSENT = "the suite has no such benchmark"


def exceptions_of(
    rows: Sequence[Comparison],
    thresholds: Thresholds,
    *,
    today: date,
    skipped: Collection[BenchmarkId] = (),
    elsewhere: Collection[BenchmarkId] = (),
    whole: bool,
) -> tuple[WaiverResult, ...]:
    """Return every waiver and quarantine of the configuration with its state.

    ``rows`` are judged, ``skipped`` the benchmarks without a row because they declined to run,
    ``elsewhere`` those that other shards measure. One that covers benchmarks of the suite, but no
    row, holds and says why it has none. Where the rows are not the ``whole`` suite, an entry that
    covers nothing known is left out: nothing is known of it.
    """
    found = []
    for waiver in thresholds.waivers:
        why = _why_idle(waiver, rows, thresholds, skipped, elsewhere)
        if why != ABSENT or whole:
            found.append(
                WaiverResult(
                    kind="waiver",
                    pattern=waiver.benchmark,
                    metric=waiver.metric,
                    ceiling=waiver.ceiling,
                    expires=waiver.expires.isoformat(),
                    issue=waiver.issue,
                    reason=waiver.reason,
                    **_state(why, expired=waiver.expired(today)),
                )
            )
    for quarantine in thresholds.quarantine:
        known = [
            name
            for name in (*(row.benchmark for row in rows), *skipped, *elsewhere)
            if quarantine.covers(str(name))
        ]
        if known or whole:
            found.append(
                WaiverResult(
                    kind="quarantine",
                    pattern=quarantine.benchmark,
                    metric=None,
                    ceiling=None,
                    expires=quarantine.expires.isoformat(),
                    issue=quarantine.issue,
                    reason=quarantine.reason,
                    **_state("" if known else ABSENT, expired=quarantine.expired(today)),
                )
            )
    return with_exceeded(found, rows)


def with_exceeded(
    results: Sequence[WaiverResult], rows: Sequence[Comparison]
) -> tuple[WaiverResult, ...]:
    """Return the waivers that stand with the state that ``rows`` give them: exceeded, or not.

    Of several that cover a row the last one counts, as in the configuration.
    """
    beyond: dict[int, list[str]] = {}
    for row in rows:
        if row.verdict is not Verdict.REGRESSED or row.quarantined:
            continue
        counts = [
            (index, one.ceiling)
            for index, one in enumerate(results)
            if one.kind == "waiver"
            and one.ceiling is not None
            and matches(one.pattern, one.metric, str(row.benchmark), METRIC[row.unit])
        ]
        if counts and worse(row) > counts[-1][1]:
            beyond.setdefault(counts[-1][0], []).append(str(row.benchmark))
    found = []
    for index, one in enumerate(results):
        if one.state not in {WaiverState.HOLDS, WaiverState.EXCEEDED}:
            found.append(one)
        elif index in beyond:
            said = f"{', '.join(beyond[index])} regressed beyond it"
            found.append(replace(one, state=WaiverState.EXCEEDED, found=said))
        elif one.state is WaiverState.EXCEEDED:
            found.append(replace(one, state=WaiverState.HOLDS, found=""))
        else:
            found.append(one)
    return tuple(found)


def _why_idle(
    waiver: Waiver,
    rows: Sequence[Comparison],
    thresholds: Thresholds,
    skipped: Collection[BenchmarkId],
    elsewhere: Collection[BenchmarkId],
) -> str:
    """Return why no row is covered, ``ABSENT`` where nothing could be; empty where one is."""
    if any(waiver.covers(str(row.benchmark), METRIC[row.unit]) for row in rows):
        return ""

    def meant(name: BenchmarkId) -> bool:
        # What has no row has no unit either; a waiver of memory may mean what lies beside a time.
        return waiver.covers(str(name), waiver.metric or "time") or beside(name)

    def beside(name: BenchmarkId) -> bool:
        if waiver.covers(str(name.peak_memory), "memory"):
            return True
        counted = thresholds.regression.allocations == "compared"
        return counted and waiver.covers(str(name.allocations), "count")

    if any(map(meant, skipped)):
        return "what it covers declined to run"
    owners = [row for row in rows if row.unit is Unit.SECONDS and beside(row.benchmark)]
    if owners:
        return _why_without_row(waiver, owners, thresholds)
    return ELSEWHERE if any(map(meant, elsewhere)) else ABSENT


def _why_without_row(waiver: Waiver, owners: Sequence[Comparison], thresholds: Thresholds) -> str:
    """Return why nothing is recorded beside the times that a waiver covers."""
    if waiver.metric == "count":
        return "allocations of what it covers were not counted"
    if thresholds.regression.memory == "ignored":
        return "memory is not compared, as regression.memory is ignored"
    if any(row.shift is not None for row in owners):
        return f"no peak memory of {GRAIN / 2**20:.0f} MiB or more was seen of what it covers"
    return "what it covers was not compared"


class _State(TypedDict):
    state: WaiverState
    found: str


def _state(why: str, *, expired: bool) -> _State:
    if why == ABSENT:
        return _State(state=WaiverState.UNMATCHED, found=ABSENT)
    if expired:
        return _State(state=WaiverState.EXPIRED, found="its last day has passed")
    return _State(state=WaiverState.HOLDS, found=why)
