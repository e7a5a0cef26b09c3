"""The start of a program and its imports for the terminal."""

import statistics
from typing import TYPE_CHECKING

from perfkit.model import ImportCost, ImportTimes, Unit
from perfkit.reporting.quantity import quantity, scale_of
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.tree import Tree

SMALLEST_SHARE = 0.02
"""Part of all import time below which a module is no node of the tree."""


def import_text(found: ImportTimes, *, top: int = 15) -> "RenderableType":
    """Return the cold start, the ``top`` modules by their own time, and the tree of imports."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_row("Target", Text(visible(found.target)))
    grid.add_row("Start", _spread(found.start_seconds) + f"; first {_seconds(found.first_seconds)}")
    grid.add_row("Empty", _spread(found.empty_seconds) + ", the interpreter alone")
    whole = sum(one.self_seconds for one in found.imports)
    grid.add_row("Imports", f"{_seconds(whole)} in {len(found.imports)} modules, -X importtime")
    if not found.imports:
        return Group(grid, Text("It imports nothing that the interpreter has not."))
    costly = sorted(found.imports, key=lambda one: -one.self_seconds)[:top]
    return Group(
        grid,
        Text(),
        Text(f"Modules: {len(costly)} of {len(found.imports)}, by their own time", "bold"),
        _table(costly),
        Text(),
        Text(f"Imports: where at least {SMALLEST_SHARE:.0%} of the time went", "bold"),
        *_trees(found, whole),
    )


def _table(rows: list[ImportCost]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    factor, symbol, decimals = scale_of([one.total_range[1] for one in rows], Unit.SECONDS)
    for heading in (f"self {symbol}", f"total {symbol}", "least - most"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("module", overflow="fold")
    for one in rows:
        low, high = one.total_range
        table.add_row(
            f"{one.self_seconds / factor:.{decimals}f}",
            f"{one.total_seconds / factor:.{decimals}f}",
            f"{low / factor:.{decimals}f} - {high / factor:.{decimals}f}",
            Text(visible(one.module)),
        )
    return table


def _trees(found: ImportTimes, whole: float) -> "list[Tree]":
    from rich.text import Text
    from rich.tree import Tree

    roots: list[Tree] = []
    path: list[Tree] = []
    for one in found.imports:
        if one.depth > len(path) or one.total_seconds < SMALLEST_SHARE * whole:
            del path[one.depth :]
            continue
        del path[one.depth :]
        label = Text.assemble((_seconds(one.total_seconds), "bold"), f" {visible(one.module)}")
        branch = path[-1].add(label) if path else Tree(label, guide_style="dim")
        if not path:
            roots.append(branch)
        path.append(branch)
    return roots


def _spread(values: tuple[float, ...]) -> str:
    return (
        f"{_seconds(statistics.median(values))}, median of {len(values)} processes"
        f" ({_seconds(min(values))} to {_seconds(max(values))})"
    )


def _seconds(value: float) -> str:
    return quantity(value, Unit.SECONDS)
