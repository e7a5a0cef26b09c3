"""What ``compare`` and ``check`` share: measure a change with progress, and end with its report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from perfkit.cli.conditions import quiet_machine
from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import measuring, working
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.benchmarking.compare import Compared
    from perfkit.benchmarking.sides import Sides
    from perfkit.benchmarking.suite import Suite
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository
    from perfkit.gate.shards import Part
    from perfkit.model import Environment, Report, Revision

LAST_REPORT = "last-report.json"
"""Name of the newest report in the state folder, which ``perfkit comment`` renders."""


def judged_revision(repository: "Repository", suite: "Suite", name: str | None) -> "Revision":
    """Return the commit that ``name`` means, or the working tree.

    Results that `perfkit bench` stored and nobody committed yet are no change of it.
    """
    if name is not None:
        return repository.resolve(name)
    return repository.working_tree(apart_from=suite.results)


def former_revision(
    repository: "Repository", name: str | None, judged: "Revision", onto: str | None = None
) -> "Revision":
    """Return the commit that ``name`` means, or the merge base of ``judged`` with ``onto``.

    ``onto`` is the main branch where it is None.
    """
    if name is not None:
        return repository.resolve(name)
    return repository.merge_base(judged.commit, onto or repository.default_branch())


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
    environment: "Environment",
    part: "Part | None" = None,
    doubtful: Mapping[str, str] | None = None,
) -> "Iterator[tuple[Sides, Compared]]":
    """Hold both sides built, and yield them with the judged comparison.

    ``doubtful`` is as for :func:`perfkit.benchmarking.expected.expected_of`.
    """
    from perfkit.benchmarking.sides import both_built, suite_in

    with ExitStack() as stack:
        with working(invocation, f"building {base.label} and {head.label}"):
            sides = stack.enter_context(
                both_built(
                    repository,
                    base,
                    head,
                    suite_in(repository, suite),
                    isolate=isolate,
                    patterns=patterns,
                )
            )
        yield (
            sides,
            measured_sides(
                invocation,
                sides,
                thresholds,
                patterns=patterns,
                seed=seed,
                environment=environment,
                part=part,
                doubtful=doubtful,
            ),
        )


def measured_sides(
    invocation: Invocation,
    sides: "Sides",
    thresholds: "Thresholds",
    *,
    patterns: Sequence[str],
    seed: int,
    environment: "Environment",
    part: "Part | None" = None,
    doubtful: Mapping[str, str] | None = None,
) -> "Compared":
    """Discover, measure and judge both sides, or one shard of them, with progress."""
    from perfkit.baselines.noise import stored_noise
    from perfkit.benchmarking.compare import compare_sides
    from perfkit.benchmarking.expected import expected_of, in_shard
    from perfkit.gate.environments import in_places
    from perfkit.machine.environment import read_environment

    quiet = quiet_machine(invocation, environment, patience=thresholds.regression.load_wait)
    expected = expected_of(sides, patterns, doubtful or {})
    if part is not None:
        project, alpha = sides.head.suite.project, thresholds.regression.alpha
        expected = in_shard(expected, part, project=project, alpha=alpha)
    rule = thresholds.regression
    noise = (
        stored_noise(
            sides.head.suite.results, environment, expected.versions, rounds=rule.min_rounds
        )
        if rule.noise_floor == "stored"
        else {}
    )
    with measuring(invocation) as on_progress:
        compared = compare_sides(
            sides,
            expected,
            thresholds,
            command=invocation.command,
            environment=environment,
            today=datetime.now(tz=UTC).date(),
            clock=monotonic,
            seed=seed,
            on_progress=on_progress,
            noise=noise,
            quiet=quiet,
        )
    # A governor that was switched or a quota that was set halfway makes two machines of one.
    report = in_places(compared.report, environment, read_environment())
    return replace(compared, report=report)


def finish_report(
    invocation: Invocation,
    report: "Report",
    repository: "Repository | None",
    *,
    output: Path | None,
    html: Path | None,
    every_row: bool,
    strict: bool,
) -> ExitCode:
    """Keep the report for ``perfkit comment``, write it where asked, print it, return its code.

    It is kept in ``repository``, where there is one.
    """
    from perfkit.benchmarking.build import state_folder
    from perfkit.cli.report_history import stored_series
    from perfkit.durable import write_whole
    from perfkit.reporting.document import to_values
    from perfkit.reporting.report_html import report_html
    from perfkit.reporting.terminal import report_text

    code = report.exit_code(strict=strict)
    values = to_values(report)
    document = json.dumps(invocation.envelope(code, report.status, values), indent=2) + "\n"
    if repository is not None:
        write_whole(state_folder(repository.root) / LAST_REPORT, document)
    if output is not None:
        write_whole(output, document)
    if html is not None:
        write_whole(html, report_html(report, stored_series(report)))
    return invocation.finish(
        code, text=report_text(report, every_row=every_row), values=values, status=report.status
    )
