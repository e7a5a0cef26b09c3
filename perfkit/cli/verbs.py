"""The verbs, each imported when it is asked for, and their list in the help.

A run needs one verb: building the options of all of them takes as long as typer's own import.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    # typer exports no other name for these types
    from typer._click import Command, Context
    from typer._click.formatting import HelpFormatter

PANELS: Mapping[str, tuple[str, ...]] = {
    "Measure": ("profile", "leaks", "bench", "load", "chaos", "doctor"),
    "Decide": ("impact", "compare", "check", "merge"),
    "Report": (
        *("history", "bisect", "report", "comment", "init"),
        *("baselines", "drill", "config"),
    ),
    "Watch": ("monitor", "slo", "alerts", "export"),
}
"""The verbs by panel, in the order of a working day: measure, decide, report, watch production."""


class Verbs(Mapping[str, "Command"]):
    """The command of every verb ``NAME``: what ``perfkit.cli.NAME`` has under that name."""

    def __init__(self) -> None:
        self._built: dict[str, Command] = {}

    def __getitem__(self, name: str) -> "Command":
        if name not in self._built:
            if name not in list(self):
                raise KeyError(name)
            found = getattr(import_module(f"perfkit.cli.{name}"), name)
            only = typer.Typer(add_completion=False, rich_markup_mode=None)
            if isinstance(found, typer.Typer):
                only.add_typer(found, name=name)
            else:
                only.command(name)(found)
            self._built[name] = typer.main.get_group(only).commands[name]
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return (name for names in PANELS.values() for name in names)

    def __len__(self) -> int:
        return sum(map(len, PANELS.values()))


class Panels(TyperGroup):
    """The program's group: its commands are the verbs, listed under their panel.

    Rendered without rich: typer's rich help costs as much start-up time as all of perfkit's own
    imports, and a person who asks for help wants it at once.
    """

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own, passed on
        super().__init__(**attributes)
        self.commands = cast("dict[str, Command]", Verbs())

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """Write one section per panel, commands in the panel's order."""
        longest = max(map(len, self.commands))
        for panel, names in PANELS.items():
            commands = [self.commands[name] for name in names]
            with formatter.section(panel):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(formatter.width - longest - 6))
                        for name, command in zip(names, commands, strict=True)
                        if isinstance(command, TyperCommand | TyperGroup)
                    ]
                )
