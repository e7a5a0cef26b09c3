"""``perfkit comment``: the Markdown a reviewer reads."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options
from perfkit.cli.invocation import Raw


def comment(
    context: typer.Context,
    report: Annotated[
        Path | None,
        typer.Argument(help="A report written by compare or check. Default: the last one here."),
    ] = None,
    *,
    json: options.Json = False,
) -> int:
    """Render a report as the comment under a pull request, and print it.

    The exit code is the report's own: a comment about a regression exits 1.
    """
    from perfkit.benchmarking.build import STATE
    from perfkit.cli.change import LAST_REPORT
    from perfkit.cli.report_file import read_report
    from perfkit.forge.git import Repository
    from perfkit.reporting.document import to_values
    from perfkit.reporting.markdown import report_markdown

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    path = report or Repository.around(Path.cwd()).root / STATE / LAST_REPORT
    found = read_report(path)
    markdown = report_markdown(found)
    return invocation.finish(
        found.exit_code(),
        text=Raw(markdown),  # a Markdown table is its lines
        values={"markdown": markdown, **to_values(found)},
        status=found.status,
    )
