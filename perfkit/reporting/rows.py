"""The rows of a report in a terminal: a table where it fits, a few lines each where it does not.

A table that is too wide loses its last column, and that is the verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

NAME_COLUMNS = 20
"""Least width of a benchmark's name, and of the words of its verdict."""

BETWEEN = 3
"""Columns between two of the six columns of the table."""

INDENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row in words; ``style`` is the colour of its mark and of its verdict."""

    mark: str
    name: str
    base: str
    head: str
    change: str
    verdict: str
    style: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What rich draws of the rows, depending on the width that there is."""

    lines: Sequence[Line]

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Yield the table, or the lines where the terminal is too narrow for it."""
        del console
        if self._table_columns() <= options.max_width:
            yield self._table()
        else:
            yield from map(_stacked, self.lines)

    def _table_columns(self) -> int:
        """Return the least width of the table: its numbers do not wrap."""
        from rich.cells import cell_len

        numbers = (
            max(cell_len(cell) for cell in (head, *cells))
            for head, cells in (
                ("base", [line.base for line in self.lines]),
                ("head", [line.head for line in self.lines]),
                ("change", [line.change for line in self.lines]),
            )
        )
        return 1 + 2 * NAME_COLUMNS + sum(numbers) + 5 * BETWEEN

    def _table(self) -> "RenderableType":
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
        table.add_column("")
        table.add_column("benchmark", overflow="fold", min_width=NAME_COLUMNS)
        for name in ("base", "head", "change"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("verdict", min_width=NAME_COLUMNS)
        for line in self.lines:
            table.add_row(
                Text(line.mark, line.style),
                *(Text(visible(cell)) for cell in (line.name, line.base, line.head, line.change)),
                Text(visible(line.verdict), line.style),
            )
        return table


def _stacked(line: Line) -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    figures = f"{line.base} -> {line.head}"
    if line.change != "-":
        figures += f", {line.change}"
    below = [Text(visible(line.verdict), line.style)]
    if (line.base, line.head) != ("-", "-"):
        below.insert(0, Text(visible(figures)))
    return Group(
        Text.assemble((line.mark, line.style), " ", visible(line.name), overflow="fold"),
        Padding(Group(*below), (0, 0, 0, INDENT)),
    )
