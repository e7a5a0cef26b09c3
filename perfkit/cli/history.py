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
    branch: Annotated[
        str, typer.Option("--branch", help="Whose commits, along first parents.")
    ] = "HEAD",
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
    json: options.Json = False,
) -> int:
    """Show every benchmark's history with its changes of level, and what commit brought them.

    Reads the runs that `perfkit bench` stored, or any file of numbers. It reports and does not
    judge: a pull request is judged by `perfkit compare`. Steps are told from slow drifts, and a
    lone spike is neither.
    """
    from perfkit.config.units import parse_ratio
    from perfkit.errors import ExitCode, UsageError
    from perfkit.reporting.history_text import history_text, history_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    try:
        smallest = parse_ratio(min_effect)
    except UsageError as error:
        raise UsageError(f"--min-effect: {error}") from None
    if source is None and column:
        raise UsageError("--column chooses columns of a file: give the file with --input.")
    if source is not None and bench:
        raise UsageError("--bench chooses stored benchmarks: choose columns with --column.")
    found = (
        _stored(bench or [], branch, alpha=alpha, min_effect=smallest)
        if source is None
        else _from_file(source, column or [], alpha=alpha, min_effect=smallest)
    )
    return invocation.finish(
        ExitCode.PASSED, text=history_text(found), values=history_values(found)
    )


def _from_file(path: Path, columns: list[str], *, alpha: float, min_effect: float) -> "History":
    from perfkit.baselines.plain import read_series
    from perfkit.stats.history import history_of

    return history_of(read_series(path, columns), alpha=alpha, min_effect=min_effect)


def _stored(patterns: list[str], branch: str, *, alpha: float, min_effect: float) -> "History":
    import re

    from perfkit.baselines.series import series_of
    from perfkit.baselines.store import read_runs
    from perfkit.cli.settings import repository_and_suite
    from perfkit.errors import MeasurementError, UsageError
    from perfkit.stats.history import history_of

    try:
        wanted = [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise UsageError(
            f"--bench: {error.pattern!r} is no regular expression: {error}."
        ) from error
    repository, suite = repository_and_suite(Path.cwd())
    order = repository.first_parents(repository.resolve(branch).commit)
    series = [
        one
        for one in series_of(read_runs(suite.results), order)
        if not wanted or any(pattern.search(one.name) for pattern in wanted)
    ]
    if not series:
        raise MeasurementError(
            f"{suite.results}: holds no run of a commit of {branch}"
            + (" that --bench matches" if patterns else "")
            + "; `perfkit bench` measures one and stores it."
        )
    return history_of(series, alpha=alpha, min_effect=min_effect, subject_of=repository.subject)
