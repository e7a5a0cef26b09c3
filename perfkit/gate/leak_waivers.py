"""Waivers of leak checks: what they let pass, and whether they may stand themselves."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from perfkit.config.thresholds import LeakWaiver
from perfkit.gate.waivers import ELSEWHERE
from perfkit.model import LeakResult, Status, WaiverResult, WaiverState

NO_CHECK = "no leak check has such a target"


def waived_leaks(
    leaks: Sequence[LeakResult], waivers: Sequence[LeakWaiver], today: date
) -> tuple[LeakResult, ...]:
    """Return the results with their waivers applied: accepted, or failing with why not."""
    return tuple(_waived(leak, _waiver_of(leak, waivers), today) for leak in leaks)


def leak_waivers_of(
    leaks: Sequence[LeakResult],
    waivers: Sequence[LeakWaiver],
    *,
    today: date,
    targets: Collection[str],
) -> tuple[WaiverResult, ...]:
    """Return every leak waiver of the configuration with its state.

    ``leaks`` are the checks that were made, ``targets`` those of the configuration: what covers
    only others of them holds.
    """
    found = []
    for waiver in waivers:
        beyond = [
            leak.target
            for leak in leaks
            if _waiver_of(leak, waivers) is waiver
            and leak.status is Status.FAILED
            and largest_growth(leak) > waiver.ceiling
        ]
        if not any(map(waiver.covers, targets)):
            state, why = WaiverState.UNMATCHED, NO_CHECK
        elif waiver.expired(today):
            state, why = WaiverState.EXPIRED, "its last day has passed"
        elif beyond:
            state, why = WaiverState.EXCEEDED, f"{', '.join(beyond)} keeps more"
        elif not any(waiver.covers(leak.target) for leak in leaks):
            state, why = WaiverState.HOLDS, ELSEWHERE
        else:
            state, why = WaiverState.HOLDS, ""
        found.append(
            WaiverResult(
                kind="leak waiver",
                pattern=waiver.target,
                metric=None,
                ceiling=waiver.ceiling,
                expires=waiver.expires.isoformat(),
                issue=waiver.issue,
                reason=waiver.reason,
                state=state,
                found=why,
            )
        )
    return tuple(found)


def largest_growth(leak: LeakResult) -> float:
    """Return the largest growth of one line, or of what has no line, in bytes per iteration."""
    lines = [site.bytes_per_iteration for site in leak.sites]
    return max(leak.bytes_per_iteration - sum(lines), *lines, 0.0)


def _waiver_of(leak: LeakResult, waivers: Sequence[LeakWaiver]) -> LeakWaiver | None:
    """Return the last waiver that covers the target; it may be expired."""
    return next((one for one in reversed(waivers) if one.covers(leak.target)), None)


def _waived(leak: LeakResult, waiver: LeakWaiver | None, today: date) -> LeakResult:
    if waiver is None or leak.status is not Status.FAILED:
        return leak
    if waiver.expired(today):
        why = f"its waiver ({waiver.issue}) expired on {waiver.expires}"
    elif largest_growth(leak) > waiver.ceiling:
        why = f"beyond its waiver's ceiling of {waiver.ceiling} B ({waiver.issue})"
    else:
        return replace(leak, waived=f"{waiver.reason} ({waiver.issue}, until {waiver.expires})")
    return replace(leak, reason="; ".join(filter(None, (leak.reason, why))))
