"""What `perfkit leaks` found, for the terminal and as JSON values; pure functions of a result."""

from typing import TYPE_CHECKING, assert_never

from perfkit.model import LeakResult, LeakSite, LeakState, Status, Unit
from perfkit.reporting.quantity import quantity, scale_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

COLOUR = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.ERROR: "magenta",
}


def leaks_text(result: LeakResult) -> "RenderableType":
    """Return the state in one line, how it was reached, and a table of the lines that grew."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(leaks_headline(result), style=f"bold {COLOUR[result.status]}"),
        Text(f"{result.reason}."),
    ]
    if result.sites:
        parts += [Text(), _sites(result.sites)]
    if result.holders:
        parts += [Text(), *(Text(f"holder: {holder}") for holder in result.holders)]
    if result.notes:
        parts += [Text(), *(Text(f"note: {note}", style="dim") for note in result.notes)]
    return Group(*parts)


def leaks_headline(result: LeakResult) -> str:
    """Return the state and the growth behind it, in one line."""
    grown = f"{quantity(result.bytes_per_iteration, Unit.BYTES)} per call"
    ceiling = f"the ceiling is {quantity(result.ceiling, Unit.BYTES)} per line"
    sites = f"{len(result.sites)} line{'s' if len(result.sites) != 1 else ''}"
    match result.state:
        case LeakState.LEAK:
            said = f"keeps {grown}, allocated on {sites}; {ceiling}"
        case LeakState.NATIVE:
            said = f"keeps {grown}, and no line is seen to allocate it"
        case LeakState.RSS_ONLY:
            said = f"makes the process {grown} larger, and keeps nothing"
        case LeakState.FILLING:
            said = f"keeps {grown} and slows down; {ceiling}"
        case LeakState.INCONCLUSIVE:
            said = f"keeps {grown}, perhaps only until it is full"
        case LeakState.CLEAN:
            kept = grown if result.sites else "nothing from call to call"
            said = f"keeps {kept}; {ceiling}"
        case LeakState.FAILED:
            said = "could not be measured"
        case _:
            assert_never(result.state)
    return f"{result.state.upper()}: {result.target} {said}"


def leaks_values(result: LeakResult) -> dict[str, object]:
    """Return the verb's keys of the JSON envelope; slopes are per iteration."""
    return {
        "target": result.target,
        "state": str(result.state),
        "ceiling_bytes": result.ceiling,
        "iterations": result.iterations,
        "bytes_per_iteration": result.bytes_per_iteration,
        "unplaced_bytes_per_iteration": result.unplaced,
        "reason": result.reason,
        "sites": [
            {
                "place": site.place,
                "bytes_per_iteration": site.bytes_per_iteration,
                "bytes_interval": site.bytes_interval and list(site.bytes_interval),
                "blocks_per_iteration": site.blocks_per_iteration,
                "stack": list(site.stack),
            }
            for site in result.sites
        ],
        "holders": list(result.holders),
        "notes": list(result.notes),
    }


def _sites(sites: tuple[LeakSite, ...]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("per call", justify="right", no_wrap=True)
    table.add_column("blocks", justify="right", no_wrap=True)
    table.add_column("allocated at, and called from", overflow="fold")
    scale = scale_of([site.bytes_per_iteration for site in sites], Unit.BYTES)
    for site in sites:
        where = Text(site.place, style="bold")
        inner, outer = _around(site)
        for frame in inner:
            where.append(f"\n  in {frame}", style="dim not bold")
        for frame in outer:
            where.append(f"\n  from {frame}", style="dim not bold")
        table.add_row(
            quantity(site.bytes_per_iteration, Unit.BYTES, scale),
            f"{site.blocks_per_iteration:.1f}",
            where,
        )
    return table


SHOWN_FRAMES = 6
"""Frames shown on either side of a site; the JSON holds the whole stack."""


def _around(site: LeakSite) -> tuple[list[str], list[str]]:
    """Return the library frames below a site, outermost first, and the frames that called it."""
    if site.place not in site.stack:
        return [], list(site.stack[:SHOWN_FRAMES])
    at = site.stack.index(site.place)
    return list(reversed(site.stack[:at]))[:SHOWN_FRAMES], list(site.stack[at + 1 :][:SHOWN_FRAMES])
