"""The command line: what stands before a verb, and the contract of the exit codes."""

from typing import Annotated

import typer

from perfkit import __version__
from perfkit.cli import options
from perfkit.cli.verbs import Panels

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
