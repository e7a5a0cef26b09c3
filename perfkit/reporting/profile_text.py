"""A profile for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfkit.model import CallNode, Hotspot, Profile, Timing, Unit
from perfkit.reporting.quantity import quantity, scale_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

DEEPEST = 24
"""Levels of the call tree that fit beside their text in 120 columns."""


def profile_text(profile: Profile, *, top: int = 15) -> "RenderableType":
    """Return the times, the ``top`` hotspots and the call tree, at least 80 columns wide."""
    from rich.console import Group
    from rich.text import Text

    hot = [hot for hot in profile.hotspots if hot.samples]
    parts: list[RenderableType] = [
        _times(profile),
        Text(),
        Text(f"Hotspots: {min(top, len(hot))} of {len(hot)} functions, by self time", "bold"),
        _table(hot[:top]),
        Text(),
        Text("Call tree: where at least 1 % of the time went", "bold"),
        *_trees(profile),
    ]
    if any(node.depth >= DEEPEST for node in profile.tree):
        parts.append(Text(f"Calls deeper than {DEEPEST} levels are left out here.", "dim"))
    parts += [Text(f"Warning: {warning}", "yellow") for warning in profile.warnings]
    return Group(*parts)


def _times(profile: Profile) -> "Table":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_row("Target", Text(profile.target))
    grid.add_row("Time", _time(profile.timing))
    calls = _count(profile.calls, "call")
    warmup = f" after {_count(profile.warmup, 'warm-up call')}" if profile.warmup else ""
    grid.add_row(
        "Profiled",
        f"{quantity(profile.seconds, Unit.SECONDS)} for {calls}{warmup}, with the profiler running;"
        f" {profile.samples:,} samples, one every {profile.interval * 1e3:g} ms",
    )
    return grid


def _time(timing: Timing) -> str:
    if timing.calls == 1:
        return f"{quantity(timing.median, Unit.SECONDS)} for 1 call, without the profiler"
    return (
        f"{quantity(timing.median, Unit.SECONDS)} per call, median of {timing.calls:,}, "
        f"first {quantity(timing.first, Unit.SECONDS)}, without the profiler"
    )


def _table(hotspots: Sequence[Hotspot]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    factor, symbol, decimals = scale_of([hot.total_seconds for hot in hotspots], Unit.SECONDS)
    for heading in ("self", f"self {symbol}", "total", f"total {symbol}", "samples"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("defined at", overflow="fold")
    for hot in hotspots:
        table.add_row(
            f"{hot.self_share:.1%}",
            f"{hot.self_seconds / factor:.{decimals}f}",
            f"{hot.total_share:.1%}",
            f"{hot.total_seconds / factor:.{decimals}f}",
            f"{hot.samples:,}",
            Text(hot.function.name),
            Text(hot.place, "dim"),
        )
    return table


def _trees(profile: Profile) -> "list[Tree]":
    from rich.tree import Tree

    roots: list[Tree] = []
    path: list[Tree] = []
    for node in profile.tree:
        if node.depth >= DEEPEST:
            continue
        del path[node.depth :]
        if path:
            branch = path[-1].add(_label(node))
        else:
            branch = Tree(_label(node), guide_style="dim")
            roots.append(branch)
        path.append(branch)
    return roots


def _label(node: CallNode) -> "Text":
    from rich.text import Text

    return Text.assemble(
        (f"{node.share:.1%}", "bold"), f" {node.function.name} ", (node.place, "dim")
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
