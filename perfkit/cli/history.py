"""``perfkit history``: when did it become slower?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options

if TYPE_CHECKING:
    from perfkit.stats.history import History


def history(
    context: typer.Context,
    *,
    bench: options.Bench = None,
    machine: Annotated[
        list[str] | None,
        typer.Option(
            "--machine",
            "-m",
            metavar="REGEX",
            help="Only machines or environments whose name this matches; may be repeated.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="COMMIT|DATE", help="Only changes after this commit or date."
        ),
    ] = None,
    branch: Annotated[
        str, typer.Option("--branch", help="Whose commits, along first parents.")
    ] = "HEAD",
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="DIR", help="An asv results folder. Default: the suite's own."
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", metavar="FILE", help="Look at a .csv or .json (or .gz) file instead."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", "-c", help="Only this column of the file; may be repeated."),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option("--alpha", help="Chance that a series without any change shows one."),
    ] = 0.01,
    min_effect: Annotated[
        str, typer.Option("--min-effect", metavar="RATIO", help="Smallest change that is shown.")
    ] = "1%",
    every_series: Annotated[
        bool, typer.Option("--all", help="Show every series, also of many without a change.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write every series as one HTML file."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Also write every point as CSV."),
    ] = None,
    json: options.Json = False,
) -> int:
    """Show every benchmark's history with its changes of level, and what commit brought them.

    Reads the runs that `perfkit bench` stored and those of asv, or any file of numbers. It
    reports and does not judge: a pull request is judged by `perfkit compare`. Steps are told from
    slow drifts, and a lone spike is neither.
    """
    from perfkit.config.units import parse_ratio
    from perfkit.durable import write_whole
    from perfkit.errors import ExitCode, UsageError
    from perfkit.reporting.history_csv import history_csv
    from perfkit.reporting.history_html import history_html
    from perfkit.reporting.history_text import history_text, history_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    try:
        smallest = parse_ratio(min_effect)
    except UsageError as error:
        raise UsageError(f"--min-effect: {error}") from None
    if source is None:
        if column:
            raise UsageError("--column chooses columns of a file: give the file with --input.")
        found = _stored(
            results, bench or [], machine or [], since, branch, alpha=alpha, min_effect=smallest
        )
    else:
        if bench:
            raise UsageError("--bench chooses stored benchmarks: choose columns with --column.")
        if machine or since or results:
            raise UsageError("--machine, --since and --results are about stored runs.")
        found = _from_file(source, column or [], alpha=alpha, min_effect=smallest)
    if html is not None:
        write_whole(html, history_html(found))
    if csv is not None:
        write_whole(csv, history_csv(found))
    return invocation.finish(
        ExitCode.PASSED,
        text=history_text(found, every_series=every_series),
        values=history_values(found) if invocation.json else {},
    )


def _from_file(path: Path, columns: list[str], *, alpha: float, min_effect: float) -> "History":
    from perfkit.baselines.plain import read_series
    from perfkit.stats.history import history_of

    return history_of(read_series(path, columns), alpha=alpha, min_effect=min_effect)


def _stored(
    results: Path | None,
    benchmarks: list[str],
    machines: list[str],
    since: str | None,
    branch: str,
    *,
    alpha: float,
    min_effect: float,
) -> "History":
    from perfkit.baselines.history import Selection, stored_history
    from perfkit.benchmarking.suite import find_suite
    from perfkit.errors import UsageError
    from perfkit.forge.git import Repository

    selection = Selection.of(benchmarks, machines)
    try:
        repository = Repository.around(Path.cwd())
    except UsageError:
        if results is None:
            raise
        repository = None  # any folder of results can be looked at, in the order of its dates
    folder = find_suite(Path.cwd()).results if results is None else results
    return stored_history(
        folder,
        repository,
        branch,
        selection,
        since=since,
        alpha=alpha,
        min_effect=min_effect,
    )
