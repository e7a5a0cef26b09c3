"""The list of verbs in the help, by panel.

Rendered without rich: typer's rich help costs as much start-up time as all of perfkit's own
imports, and a person who asks for help wants it at once.
"""

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    # typer exports no other name for these two types
    from typer._click import Context
    from typer._click.formatting import HelpFormatter

PANELS = ("Measure", "Decide", "Report", "Watch")
"""The panels in the order of a working day: measure, decide, report; then watch production."""


class Panels(TyperGroup):
    """A group whose commands are listed under their help panel."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write one section per panel, commands in order of registration."""
        rows: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
        longest = max((len(name) for name in self.commands), default=0)
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if isinstance(command, TyperCommand | TyperGroup) and not command.hidden:
                panel = command.rich_help_panel
                chosen = panel if isinstance(panel, str) else "Commands"
                words = command.get_short_help_str(formatter.width - longest - 6)
                rows.setdefault(chosen, []).append((name, words))
        for panel, listed in rows.items():
            if listed:
                with formatter.section(panel):
                    formatter.write_dl(listed)
