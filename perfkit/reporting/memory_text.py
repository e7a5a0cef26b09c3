"""What a target held at its peak, for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfkit.model import AllocationChange, PeakMemory, Unit
from perfkit.reporting.quantity import quantity, scale_of
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def peak_text(found: PeakMemory, *, top: int = 15) -> "RenderableType":
    """Return the peak and the ``top`` functions that held it."""
    from rich.console import Group
    from rich.text import Text

    rows = found.allocators[:top]
    title = (
        f"Memory: peak {quantity(found.peak_bytes, Unit.BYTES)} of one call;"
        f" {len(rows)} of {len(found.allocators)} functions, by what they held then"
    )
    table = _table("held", "part", "blocks")
    for one in rows:
        table.add_row(
            quantity(one.bytes, Unit.BYTES),
            f"{one.bytes / found.peak_bytes:.1%}" if found.peak_bytes else "-",
            f"{one.blocks:,}",
            Text(visible(one.function)),
            Text(visible(one.place), "dim"),
        )
    return Group(Text(), Text(title, "bold"), table)


def allocation_text(
    found: Sequence[AllocationChange], *, sessions: int, top: int = 15
) -> "RenderableType":
    """Return the functions that hold more or less memory at the peak than before."""
    from rich.console import Group
    from rich.text import Text

    title = f"Memory held at the peak of one call, medians of {sessions}+{sessions} runs"
    if not found:
        return Group(Text(), Text(f"{title}: no function differs by 1 KiB", "bold"))
    table = _table("before", "after", "change")
    for one in found[:top]:
        more = one.after > one.before
        scale = scale_of([one.before, one.after], Unit.BYTES)
        note = "" if one.apart else "; not apart: runs of one side differ as much"
        table.add_row(
            quantity(one.before, Unit.BYTES, scale),
            quantity(one.after, Unit.BYTES, scale),
            ("+" if more else "-") + quantity(abs(one.after - one.before), Unit.BYTES),
            Text(f"{'+' if more else '-'} {visible(one.function)}", "red" if more else "blue"),
            Text(visible(one.place) + note, "dim"),
        )
    return Group(Text(), Text(title, "bold"), table)


def _table(*numbers: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("mostly at", overflow="fold")
    return table
