"""The command line: every verb, in its panel, with the contract of the exit codes."""

from typing import Annotated

import typer

from perfkit import __version__
from perfkit.cli import export, options
from perfkit.cli.alerts import alerts
from perfkit.cli.baselines import baselines
from perfkit.cli.bench import bench
from perfkit.cli.bisect import bisect
from perfkit.cli.chaos import chaos
from perfkit.cli.check import check
from perfkit.cli.comment import comment
from perfkit.cli.compare import compare
from perfkit.cli.config import config
from perfkit.cli.doctor import doctor
from perfkit.cli.drill import drill
from perfkit.cli.group import PANELS, Panels
from perfkit.cli.history import history
from perfkit.cli.impact import impact
from perfkit.cli.init import init
from perfkit.cli.leaks import leaks
from perfkit.cli.load import load
from perfkit.cli.merge import merge
from perfkit.cli.monitor import monitor
from perfkit.cli.profile import profile
from perfkit.cli.report import report
from perfkit.cli.slo import slo

EXIT_CODES = """\
\b
Exit codes, the same for every verb:
    0  done, every gate passed (inconclusive rows are shown, and pass unless --strict)
    1  a gate failed: regression, leak, budget or objective exceeded
    2  usage or configuration error
    3  inconclusive under --strict: the measurement could not decide
    4  measurement failed: target crashed, benchmark missing, nothing measured
   70  perfkit itself failed (a bug)
  130  interrupted; what was measured so far is saved
"""

MEASURE, DECIDE, REPORT, WATCH = PANELS

app = typer.Typer(
    name="perfkit",
    no_args_is_help=True,
    rich_markup_mode=None,
    cls=Panels,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _print_version(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        typer.echo(f"perfkit {__version__}")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def perfkit(
    context: typer.Context,
    config_directory: options.ConfigDirectory = None,
    verbose: options.Verbosity = 0,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Measure the performance of a Python program, and decide whether a change made it worse."""
    del config_directory, verbose, version  # their callbacks have acted
    invocation = options.invocation_of(context)
    invocation.command = context.invoked_subcommand or ""
    invocation.start_logging()


app.command(rich_help_panel=MEASURE)(profile)
app.command(rich_help_panel=MEASURE)(leaks)
app.command(rich_help_panel=MEASURE)(bench)
app.command(rich_help_panel=MEASURE)(load)
app.command(rich_help_panel=MEASURE)(doctor)
app.command(rich_help_panel=DECIDE)(impact)
app.command(rich_help_panel=DECIDE)(compare)
app.command(rich_help_panel=DECIDE)(check)
app.command(rich_help_panel=DECIDE)(merge)
app.command(rich_help_panel=REPORT)(history)
app.command(rich_help_panel=REPORT)(bisect)
app.command(rich_help_panel=REPORT)(report)
app.command(rich_help_panel=REPORT)(comment)
app.command(rich_help_panel=REPORT)(init)
app.add_typer(baselines, name="baselines", rich_help_panel=REPORT)
app.add_typer(chaos, name="chaos", rich_help_panel=MEASURE)
app.add_typer(drill, name="drill", rich_help_panel=REPORT)
app.add_typer(config, name="config", rich_help_panel=REPORT)
app.command(rich_help_panel=WATCH)(monitor)
app.command(rich_help_panel=WATCH)(slo)
app.add_typer(alerts, name="alerts", rich_help_panel=WATCH)
app.command(rich_help_panel=WATCH)(export.export)
