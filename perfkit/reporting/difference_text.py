"""Two sides of a target profiled, for the terminal, for JSON and as a page."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perfkit.model import Culprit, Difference, DifferenceNode, Unit
from perfkit.reporting.culprit_words import share
from perfkit.reporting.flame_html import flame_page
from perfkit.reporting.quantity import change, quantity, scale_of
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def difference_text(found: Difference, *, top: int = 15) -> "RenderableType":
    """Return the times of both sides and the functions that made the difference."""
    from rich.console import Group
    from rich.text import Text

    shown = notable(found)[:top]
    grid = _grid(found)
    parts: list[RenderableType] = [grid, Text()]
    if not any(row.significant for row in shown):
        parts.append(Text("No function differs for certain", "bold"))
    if shown:
        title = "Functions: change of the time in each, with the libraries that it calls"
        parts += [Text(title, "bold"), _table(shown)]
    parts += [Text(f"Warning: {visible(one)}", "yellow") for one in found.warnings]
    return Group(*parts)


def notable(found: Difference) -> tuple[Culprit, ...]:
    """Return what differs for certain, slower ones first; else the guesses."""
    return tuple(row for row in found.rows if row.significant) or found.culprits


def method(found: Difference) -> str:
    """Return how the figures were made, in one line."""
    base, head = found.sessions
    return (
        f"{base}+{head} profiles, {found.samples[0]:,}+{found.samples[1]:,} samples;"
        f" permutation test over {len(found.rows)} functions, {found.relabellings:,} relabellings"
    )


def _grid(found: Difference) -> "Table":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_row("Target", Text(visible(found.target)))
    if found.base_seconds is not None and found.head_seconds is not None:
        scale = scale_of([found.base_seconds, found.head_seconds], Unit.SECONDS)
        before, after = (
            quantity(value, Unit.SECONDS, scale)
            for value in (found.base_seconds, found.head_seconds)
        )
        ratio = found.head_seconds / found.base_seconds if found.base_seconds else float("inf")
        grid.add_row(
            "Time", f"{before} -> {after} per call ({change(ratio)}), without the profiler"
        )
    grid.add_row("Sides", Text(visible(f"{found.base} -> {found.head}")))
    grid.add_row("Profiled", Text(method(found)))
    return grid


def _table(rows: Sequence[Culprit]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("before", "after", "slowdown", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("defined at", overflow="fold")
    for row in rows:
        sign = "+" if row.change > 0 else "-"
        table.add_row(
            share(row.base),
            share(row.head),
            "-" if row.explained is None else share(row.explained),
            f"{row.p_adjusted:.2g}",
            Text(f"{sign} {visible(row.function)}", "red" if row.change > 0 else "blue"),
            Text(visible(_where(row)), "dim"),
        )
    return table


def _where(row: Culprit) -> str:
    notes = [
        "" if row.significant else "not significant",
        f"through {row.through}" if row.through else "",
        f"before {row.former}" if row.former else "",
    ]
    return "; ".join([row.place, *(note for note in notes if note)])


def difference_values(found: Difference) -> dict[str, Any]:
    """Return the JSON values."""
    return asdict(found)


def difference_html(found: Difference, nodes: Sequence[DifferenceNode]) -> str:
    """Return the differential flame graph as one page that loads nothing from elsewhere."""
    values = {
        "target": visible(found.target),
        "base": visible(found.base),
        "head": visible(found.head),
        "method": method(found),
        "notes": list(found.warnings),
        "rows": [
            {
                "function": row.function,
                "place": row.place,
                "base": row.base,
                "head": row.head,
                "explained": row.explained,
                "p": row.p_adjusted,
                "significant": row.significant,
                "through": row.through,
            }
            for row in notable(found)
        ],
        "nodes": [
            [node.depth, node.function, node.place, round(node.base, 5), round(node.head, 5)]
            for node in nodes
        ],
    }
    return flame_page("difference.html", values)
