"""The command line: every verb, in its panel, with the contract of the exit codes."""

from typing import Annotated

import typer

from perfkit import __version__
from perfkit.cli import options
from perfkit.cli.bench import bench
from perfkit.cli.check import check
from perfkit.cli.comment import comment
from perfkit.cli.compare import compare
from perfkit.cli.config import config
from perfkit.cli.doctor import doctor
from perfkit.cli.history import history
from perfkit.cli.init import init
from perfkit.cli.leaks import leaks
from perfkit.cli.profile import profile

EXIT_CODES = """\
[bold]Exit codes[/bold], the same for every verb

  [bold]0[/bold]  done, every gate passed (inconclusive rows are shown, and pass unless --strict)

  [bold]1[/bold]  a gate failed: regression, leak, budget or objective exceeded

  [bold]2[/bold]  usage or configuration error

  [bold]3[/bold]  inconclusive under --strict: the measurement could not decide

  [bold]4[/bold]  measurement failed: target crashed, benchmark missing, nothing measured

 [bold]70[/bold]  perfkit itself failed (a bug)

[bold]130[/bold]  interrupted; what was measured so far is saved
"""

MEASURE = "Measure"
DECIDE = "Decide"
REPORT = "Report"

app = typer.Typer(
    name="perfkit",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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
app.command(rich_help_panel=MEASURE)(doctor)
app.command(rich_help_panel=DECIDE)(compare)
app.command(rich_help_panel=DECIDE)(check)
app.command(rich_help_panel=REPORT)(history)
app.command(rich_help_panel=REPORT)(comment)
app.command(rich_help_panel=REPORT)(init)
app.add_typer(config, name="config", rich_help_panel=REPORT)
