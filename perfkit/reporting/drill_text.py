"""A rehearsed disaster for the terminal, as JSON values, and as a runbook to follow."""

from typing import TYPE_CHECKING

from perfkit.model import DrillResult, Status, Unit
from perfkit.plural import plural
from perfkit.reporting.quantity import duration, quantity

if TYPE_CHECKING:
    from rich.console import RenderableType


def drill_text(drill: DrillResult) -> "RenderableType":
    """Return the answer in one line, then each step with its figure."""
    from rich.console import Group
    from rich.text import Text

    passed = drill.status is Status.PASSED
    headline = "Passed: every damage was noticed and everything was restored."
    if not passed:
        headline = f"Failed: {'; '.join(drill.reasons)}."
    lines = [
        Text(headline, style=f"bold {'green' if passed else 'red'}"),
        Text(),
        *(Text(f"{name:<14}{value}") for name, value in _figures(drill)),
    ]
    return Group(*lines)


def _figures(drill: DrillResult) -> list[tuple[str, str]]:
    return [
        (
            "backed up",
            (
                f"{plural(drill.files, 'file')}, {quantity(drill.size, Unit.BYTES)},"
                f" {plural(drill.rows, 'row')}"
            ),
        ),
        ("backup took", quantity(drill.backup_seconds, Unit.SECONDS)),
        ("damages", f"{drill.detected} of {drill.damages} noticed"),
        ("restored", f"{'the same' if drill.same else 'NOT the same'}: {drill.digest[:16]}"),
        ("RTO", _against(drill.recovery_seconds, drill.longest_recovery)),
        ("RPO", _against(drill.lost_seconds, drill.longest_loss)),
    ]


def _against(measured: float, allowed: float | None) -> str:
    limit = "no limit was given" if allowed is None else f"allowed {duration(allowed)}"
    return f"{quantity(measured, Unit.SECONDS)} ({limit})"


def drill_values(drill: DrillResult) -> dict[str, object]:
    """Return the verb's keys of the JSON envelope; seconds and bytes."""
    return {
        "sources": list(drill.sources),
        "files": drill.files,
        "bytes": drill.size,
        "rows": drill.rows,
        "backup_seconds": drill.backup_seconds,
        "damages": {"done": drill.damages, "noticed": drill.detected},
        "recovery_seconds": drill.recovery_seconds,
        "lost_seconds": drill.lost_seconds,
        "limits": {
            "recovery_seconds": drill.longest_recovery,
            "lost_seconds": drill.longest_loss,
        },
        "same": drill.same,
        "digest": drill.digest,
        "reasons": list(drill.reasons),
    }


def runbook(drill: DrillResult, *, archive: str, day: str, told: tuple[str, ...]) -> str:
    """Return a page in Markdown with the commands to type and the figures of the drill.

    ``day`` is when it was rehearsed, ``told`` who has to be told.
    """
    sources = " ".join(drill.sources)
    people = "\n".join(f"- {one}" for one in told) or "- nobody is named: `--tell NAME`"
    rehearsed = "passed" if drill.status is Status.PASSED else f"FAILED: {'; '.join(drill.reasons)}"
    figures = "\n".join(f"| {name} | {value} |" for name, value in _figures(drill))
    return f"""# When the data is lost

Written by `perfkit drill runbook` from a rehearsal on {day}, which {rehearsed}.

## Tell

{people}

Say what is lost: everything written after the backup that is restored was taken.

## Stop

Stop whatever writes to {sources}, and keep what is left of it: copy it aside before anything else.

## Check the backup

    perfkit drill verify {archive}

It must say that every byte is as it was. If not, take the backup before it.

## Restore beside it

    perfkit drill restore {archive} restored

Nothing is written over: look at `restored`, then move each part to its place.

## Start, and see that it holds

Start what was stopped, and run a short load with your own objectives:

    perfkit load TARGET --for 10s

## Rehearsed

| | |
|---|---|
{figures}

Back up regularly, at least as often as what may be lost:

    perfkit drill backup {archive} {sources}
"""
