"""``perfkit config show``: every effective value, and where it comes from."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from perfkit.config.load import ExplainedValue

config = typer.Typer(help="See what is configured.", no_args_is_help=True)


@config.command()
def show(context: typer.Context, json: options.Json = False) -> ExitCode:
    """Print every value and where it comes from: option, environment, file:line or default."""
    from perfkit.cli.settings import settings_of
    from perfkit.config.load import explain

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "config show"
    values = explain(settings_of(invocation))
    return invocation.finish(
        ExitCode.PASSED,
        text=values_text(values),
        values={"values": [dataclasses.asdict(value) for value in values]},
    )


def values_text(values: "Sequence[ExplainedValue]") -> "RenderableType":
    """Return one row per value, under the name of its file."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("key", overflow="fold")
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    file = ""
    for row in values:
        if row.file != file:
            file = row.file
            if table.row_count:
                table.add_section()
            table.add_row(Text(file, style="bold"))
        match row.value:
            case None:
                value = Text("not set", style="dim")
            case []:
                value = Text("none", style="dim")
            case "":
                value = Text("empty", style="dim")
            case bool():
                value = Text(str(row.value).lower())  # as the file spells it
            case _:
                value = Text(str(row.value))
        style = "dim" if row.source == "default" else "cyan"
        table.add_row(Text(f"  {row.key}"), value, Text(row.source, style=style))
    return table
