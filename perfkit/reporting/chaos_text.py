"""What `perfkit chaos run` saw, for the terminal and as JSON values; pure functions of a result."""

from typing import TYPE_CHECKING

from perfkit.model import ChaosResult, FaultEffect, LoadResult, Status
from perfkit.reporting.load_text import (
    COLOUR,
    count_columns,
    degraded_words,
    judgement_words,
    load_values,
    seconds,
)
from perfkit.reporting.quantity import share

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

WORD = {
    Status.PASSED: "Passed",
    Status.FAILED: "Failed",
    Status.INCONCLUSIVE: "Inconclusive",
    Status.ERROR: "Not done",
}


def chaos_text(result: ChaosResult) -> "RenderableType":
    """Return the answer in one line, the three loads, and what clients saw of each fault."""
    from rich.console import Group
    from rich.text import Text

    headline = f"{WORD[result.status]}: {result.name}: {result.reason}."
    parts: list[RenderableType] = [
        Text(headline, style=f"bold {COLOUR[result.status]}"),
        Text(),
        _loads(result),
    ]
    for load in _known(result):
        parts += [
            Text(f"  {load.stages[-1].name}: {judgement_words(one)}") for one in load.judgements
        ]
    if result.availability is not None:
        low, high = share(result.availability.low), share(result.availability.high)
        found = share(result.availability.estimate)
        parts += [Text(), Text(f"Availability during the faults: {found} [{low}, {high}]")]
    parts += [Text(effect_words(one)) for one in result.effects]
    for load in _known(result)[1:2]:
        parts += [Text(f"{count} x {reason}") for reason, count in load.errors.items()]
        parts += map(Text, degraded_words(load))
    return Group(*parts)


def effect_words(one: FaultEffect) -> str:
    """Return a fault with what clients saw of it."""
    what = f"{one.fault} at {one.at:.1f} s for {one.lasted:.1f} s"
    if one.detected_after is None:
        return f"{what}: no request failed"
    seen = f"{one.failed} failed" + (f", {one.degraded} degraded" if one.degraded else "")
    first = f"{what}: {seen}; detected after {seconds(one.detected_after)} (MTTD)"
    if one.recovered_after is None:
        return f"{first}, not recovered (MTTR) before the next fault or the end"
    return f"{first}, recovered after {seconds(one.recovered_after)} (MTTR)"


def _known(result: ChaosResult) -> list[LoadResult]:
    return [one for one in (result.before, result.meanwhile, result.after) if one is not None]


def _loads(result: ChaosResult) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("load", no_wrap=True)
    counts = count_columns([one for load in _known(result) for one in load.stages])
    for name in (*counts, "p50", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for load in _known(result):
        for one in load.stages:
            figures = map(seconds, (one.p50, one.p99, one.largest))
            numbers = (str(getattr(one, name)) for name in counts)
            table.add_row(one.name, *numbers, *figures)
    return table


def chaos_values(result: ChaosResult) -> dict[str, object]:
    """Return the verb's keys of the JSON envelope; times in seconds."""
    found = result.availability
    return {
        "name": result.name,
        "reason": result.reason,
        "interrupted": result.interrupted,
        "before": load_values(result.before),
        "meanwhile": load_values(result.meanwhile) if result.meanwhile else None,
        "after": load_values(result.after) if result.after else None,
        "availability": found
        and {"low": found.low, "estimate": found.estimate, "high": found.high},
        "faults": [
            {
                "fault": one.fault,
                "at": one.at,
                "lasted": one.lasted,
                "hits": one.hits,
                "failed": one.failed,
                "degraded": one.degraded,
                "detected_after": one.detected_after,
                "recovered_after": one.recovered_after,
            }
            for one in result.effects
        ],
    }
