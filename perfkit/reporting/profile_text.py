"""A profile for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfkit.model import CallNode, CallPath, Hotspot, Profile, Timing, Unit
from perfkit.reporting.quantity import quantity, scale_of
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

DEEPEST = 24
"""Levels of the call tree that fit beside their text in 120 columns."""


def profile_text(
    profile: Profile, *, top: int = 15, paths: Sequence[CallPath] = ()
) -> "RenderableType":
    """Return the times, the ``top`` hotspots and the call tree, at least 80 columns wide.

    With ``paths`` those stand in the place of the tree.
    """
    from rich.console import Group
    from rich.text import Text

    hot = [hot for hot in profile.hotspots if hot.samples]
    parts: list[RenderableType] = [
        _times(profile),
        Text(),
        Text(f"Hotspots: {min(top, len(hot))} of {len(hot)} functions, by self time", "bold"),
        _table(hot[:top]),
        Text(),
    ]
    parts += _paths(paths, top) if paths else _calls(profile)
    parts += [Text(f"Warning: {visible(warning)}", "yellow") for warning in profile.warnings]
    return Group(*parts)


def _calls(profile: Profile) -> "list[RenderableType]":
    from rich.text import Text

    parts: list[RenderableType] = [
        Text("Call tree: where at least 1 % of the time went", "bold"),
        *_trees(profile),
    ]
    if any(node.depth >= DEEPEST for node in profile.tree):
        parts.append(Text(f"Calls deeper than {DEEPEST} levels are left out here.", "dim"))
    return parts


def _paths(paths: Sequence[CallPath], top: int) -> "list[RenderableType]":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    factor, symbol, decimals = scale_of([path.seconds for path in paths], Unit.SECONDS)
    for heading in ("total", f"total {symbol}", "samples"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("called through, outermost first", overflow="fold")
    for path in paths[:top]:
        table.add_row(
            f"{path.share:.1%}",
            f"{path.seconds / factor:.{decimals}f}",
            f"{path.samples:,}",
            Text(visible(path.function.name)),
            Text(" > ".join(visible(one.name) for one in path.callers), "dim"),
        )
    shown = min(top, len(paths))
    return [Text(f"Call paths: {shown} of {len(paths)}, by total time", "bold"), table]


def _times(profile: Profile) -> "Table":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_row("Target", Text(visible(profile.target)))
    grid.add_row("Time", _time(profile.timing))
    if profile.timing is not None and profile.timing.warmup_seconds:
        grid.add_row("Warm-up", _warmup(profile.warmup, profile.timing))
    grid.add_row("Profiled", profiled_words(profile))
    grid.add_row("Own code", _own_code(profile))
    return grid


def _own_code(profile: Profile) -> str:
    own, calling = profile.own_share, profile.calling_share
    text = f"{own:.1%} of the time; {max(1 - own - calling, 0):.1%} in libraries"
    return f"{text}; {calling:.1%} in calling the target" if calling else text


def profiled_words(profile: Profile) -> str:
    """Return how the shares were measured, in one line."""
    calls = _count(profile.calls, "call")
    warmup = f" after {_count(profile.warmup, 'warm-up call')}" if profile.warmup else ""
    took = quantity(profile.seconds, Unit.SECONDS)
    if profile.reach is not None:
        reach = profile.reach
        processes = "1 process" if reach.processes == 1 else f"{reach.processes:,} processes"
        took = (
            f"{quantity(reach.processor_seconds, Unit.SECONDS)} of processor time in"
            f" {_count(reach.threads, 'thread')} of {processes}, {took}"
        )
    return (
        f"{took} for {calls}{warmup}, with the profiler running;"
        f" {profile.samples:,} samples, one every {profile.interval * 1e3:g} ms"
    )


def _warmup(calls: int, timing: Timing) -> str:
    return (
        f"{quantity(timing.warmup_seconds, Unit.SECONDS)} for {_count(calls, 'call')} before the"
        " first, in no other number here"
    )


def _time(timing: Timing | None) -> str:
    if timing is None:
        return "not known: it did not end within its time limit"
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
    for heading in ("self", "95 %", f"self {symbol}", "total", f"total {symbol}", "samples"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("defined at", overflow="fold")
    for hot in hotspots:
        table.add_row(
            f"{hot.self_share:.1%}",
            "-".join(f"{100 * part:.0f}" for part in hot.self_band),
            f"{hot.self_seconds / factor:.{decimals}f}",
            f"{hot.total_share:.1%}",
            f"{hot.total_seconds / factor:.{decimals}f}",
            f"{hot.samples:,}",
            Text(visible(hot.function.name), "bold" if hot.own else ""),
            Text(visible(hot.place), "dim"),
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

    more = f" (+{_count(node.folded, 'library function')})" if node.folded else ""
    return Text.assemble(
        (f"{node.share:.1%}", "bold"),
        " ",
        (visible(node.function.name), "bold" if node.own else ""),
        " ",
        (visible(node.place) + more, "dim"),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
