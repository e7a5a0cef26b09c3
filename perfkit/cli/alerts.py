"""``perfkit alerts``: what fires, what would fire, and telling somebody."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

alerts = typer.Typer(help="Evaluate alert rules and tell somebody.", no_args_is_help=True)


@alerts.command("test")
def replay(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Scenarios, as promtool's unit tests.")
    ],
    *,
    json: options.Json = False,
) -> ExitCode:
    """Replay scenarios: series, and which alerts of the configured rules have to fire when.

    Exits 1 where an alert fires that should not, or does not fire that should.
    """
    from perfkit.cli.settings import settings_of
    from perfkit.monitoring.rules import rules_of
    from perfkit.monitoring.scenario import play, read_scenarios
    from perfkit.monitoring.text import outcomes_text, outcomes_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "alerts test"
    rules = rules_of(settings_of(invocation))
    read = [scenario for file in files for scenario in read_scenarios(file)]  # all, before any runs
    outcomes = [outcome for scenario in read for outcome in play(scenario, rules)]
    passed = all(outcome.passed for outcome in outcomes)
    return invocation.finish(
        ExitCode.PASSED if passed else ExitCode.FAILED,
        text=outcomes_text(outcomes),
        values=outcomes_values(outcomes),
    )
