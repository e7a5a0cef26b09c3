"""What ``compare`` and ``check`` share: measure a change with progress, and end with its report."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import measuring, working
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.benchmarking.compare import Compared, Sides
    from perfkit.benchmarking.suite import Suite
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository
    from perfkit.model import Report, Revision, Series

log = logging.getLogger("perfkit.cli")

LAST_REPORT = "last-report.json"
"""Name of the newest report in the state folder, which ``perfkit comment`` renders."""


def judged_revision(repository: "Repository", suite: "Suite", name: str | None) -> "Revision":
    """Return the commit that ``name`` means, or the working tree.

    Results that `perfkit bench` stored and nobody committed yet are no change of it.
    """
    if name is not None:
        return repository.resolve(name)
    return repository.working_tree(apart_from=suite.results)


@contextmanager
def measured_change(
    invocation: Invocation,
    repository: "Repository",
    suite: "Suite",
    *,
    base: "Revision",
    head: "Revision",
    thresholds: "Thresholds",
    patterns: Sequence[str],
    seed: int,
    isolate: bool,
) -> "Iterator[tuple[Sides, Compared]]":
    """Hold both sides built, and yield them with the judged comparison."""
    from perfkit.benchmarking.compare import both_built, suite_in

    with ExitStack() as stack:
        with working(invocation, f"building {base.label} and {head.label}"):
            sides = stack.enter_context(
                both_built(repository, base, head, suite_in(repository, suite), isolate=isolate)
            )
        yield sides, measured_sides(invocation, sides, thresholds, patterns=patterns, seed=seed)


def measured_sides(
    invocation: Invocation,
    sides: "Sides",
    thresholds: "Thresholds",
    *,
    patterns: Sequence[str],
    seed: int,
) -> "Compared":
    """Discover, measure and judge both sides, with progress."""
    from perfkit.benchmarking.compare import compare_sides, expected_of
    from perfkit.machine.environment import read_environment

    expected = expected_of(sides, patterns)
    with measuring(invocation) as on_progress:
        return compare_sides(
            sides,
            expected,
            thresholds,
            command=invocation.command,
            environment=read_environment(),
            today=datetime.now(tz=UTC).date(),
            clock=monotonic,
            seed=seed,
            on_progress=on_progress,
        )


def finish_report(
    invocation: Invocation,
    report: "Report",
    repository: "Repository",
    *,
    output: Path | None,
    html: Path | None,
    every_row: bool,
    strict: bool,
) -> ExitCode:
    """Keep the report for ``perfkit comment``, write it where asked, print it, return its code."""
    from perfkit.benchmarking.build import state_folder
    from perfkit.durable import write_whole
    from perfkit.reporting.document import to_values
    from perfkit.reporting.report_html import report_html
    from perfkit.reporting.terminal import report_text

    code = report.exit_code(strict=strict)
    values = to_values(report)
    document = json.dumps(invocation.envelope(code, report.status, values), indent=2) + "\n"
    write_whole(state_folder(repository.root) / LAST_REPORT, document)
    if output is not None:
        write_whole(output, document)
    if html is not None:
        write_whole(html, report_html(report, stored_series(report)))
    return invocation.finish(
        code, text=report_text(report, every_row=every_row), values=values, status=report.status
    )


def report_from(path: Path | None) -> "Report":
    """Return the report in a file, or the last one of this repository; UsageError where none is."""
    from perfkit.benchmarking.build import STATE
    from perfkit.errors import UsageError
    from perfkit.forge.git import Repository
    from perfkit.reporting.document import from_text

    path = path or Repository.around(Path.cwd()).root / STATE / LAST_REPORT
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"{path}: no such report; run `perfkit compare BASE` first, or name a file written"
            " with its --output."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not readable as a report: {error}.") from error
    return from_text(text, str(path))


def stored_series(report: "Report") -> "tuple[Series, ...]":
    """Return what is stored of the report's benchmarks, where its head is a commit of this place.

    Empty outside a repository with a suite, or of another one: a history is an addition.
    """
    from perfkit.baselines.descriptions import unit_of_results
    from perfkit.baselines.index import read_results
    from perfkit.baselines.series import series_of
    from perfkit.cli.settings import repository_and_suite
    from perfkit.errors import UsageError

    if report.head is None:
        return ()
    try:
        repository, suite = repository_and_suite(Path.cwd())
        order = repository.first_parents(repository.resolve(report.head.commit).commit)
    except UsageError as error:
        log.info("no history: %s", error)
        return ()
    if not suite.results.is_dir():
        return ()
    collection, _ = read_results(suite.results)
    wanted = {str(row.benchmark) for row in report.comparisons}
    found = series_of(collection, order, unit_of=unit_of_results(suite.results))
    return tuple(one for one in found if one.name in wanted)
