"""``perfkit merge``: the reports of a matrix's shards as one, with one exit code."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options


def merge(
    context: typer.Context,
    reports: Annotated[
        list[Path],
        typer.Argument(help="Reports that compare or check wrote with --shard and --output."),
    ],
    *,
    output: options.ReportFile = None,
    strict: options.Strict = False,
    json: options.Json = False,
) -> int:
    """Merge the reports of all shards into the verdict of the whole suite.

    The false alarm rate is held over all shards together. What no report answers for is listed as
    not measured, and exits 4.
    """
    from datetime import UTC, datetime

    from perfkit.cli.change import finish_report
    from perfkit.cli.report_file import read_report
    from perfkit.cli.settings import settings_of
    from perfkit.errors import UsageError
    from perfkit.forge.git import Repository
    from perfkit.gate.merging import merged_report

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    thresholds = settings_of(invocation).thresholds
    found = merged_report(
        [(str(path), read_report(path)) for path in reports],
        thresholds,
        today=datetime.now(tz=UTC).date(),
    )
    try:
        repository = Repository.around(Path.cwd())
    except UsageError:
        repository = None  # reports can be merged where nothing is checked out
    return finish_report(invocation, found, repository, output=output, strict=strict)
