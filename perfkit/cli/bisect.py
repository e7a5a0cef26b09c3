"""``perfkit bisect``: which commit made it slower?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.benchmarking.sides import Sides
    from perfkit.config.thresholds import Thresholds
    from perfkit.model import Comparison, Revision


def bisect(
    context: typer.Context,
    bench: Annotated[
        str, typer.Argument(metavar="BENCH", help="A regular expression that matches one.")
    ],
    good: Annotated[str, typer.Argument(metavar="GOOD", help="A commit before the change.")],
    bad: Annotated[str, typer.Argument(metavar="BAD", help="A commit with the change.")] = "HEAD",
    *,
    min_rounds: options.MinRounds = None,
    max_rounds: options.MaxRounds = None,
    budget: options.TimeBudget = None,
    cpu_affinity: options.CpuAffinity = None,
    load_wait: options.LoadWait = None,
    json: options.Json = False,
) -> int:
    """Find the commit that moved a benchmark, and confirm it against its parent.

    Commits along first parents are measured against GOOD until one is left. A commit that does
    not build or stays undecided is passed over, and none is ever named from noise: exit code 0
    means that one commit was found and confirmed, 3 that the range could only be narrowed, or that
    GOOD and BAD do not differ.
    """
    from datetime import UTC, datetime
    from time import monotonic

    from rich.text import Text

    from perfkit.benchmarking.compare import compare_sides
    from perfkit.benchmarking.culprit import find_culprit
    from perfkit.benchmarking.expected import expected_of
    from perfkit.benchmarking.sides import suite_in
    from perfkit.cli.conditions import environment_here, quiet_machine
    from perfkit.cli.progress import measuring, saying
    from perfkit.cli.settings import repository_and_suite, settings_of
    from perfkit.errors import ExitCode, InterruptedMeasurementError
    from perfkit.reporting.culprit_text import culprit_text, culprit_values
    from perfkit.reporting.document import row_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    thresholds = settings_of(
        invocation,
        min_rounds=min_rounds,
        max_rounds=max_rounds,
        time_budget=budget,
        load_wait=load_wait,
    ).thresholds
    repository, suite = repository_and_suite(Path.cwd())
    suite_in(repository, suite)
    say = saying(invocation)
    environment = environment_here(cpu_affinity)
    # One for all steps, so that patience is counted over the whole bisection.
    quiet = quiet_machine(invocation, environment, patience=thresholds.regression.load_wait)

    def compare(sides: "Sides", rules: "Thresholds", seed: int) -> "Comparison":
        with measuring(invocation) as on_progress:
            report = compare_sides(
                sides,
                expected_of(sides, [bench]),
                rules,
                command=invocation.command,
                environment=environment,
                today=datetime.now(tz=UTC).date(),
                clock=monotonic,
                seed=seed,
                on_progress=on_progress,
                quiet=quiet,
            ).report
        if report.interrupted:
            raise InterruptedMeasurementError("interrupted; a bisection keeps nothing.")
        return report.comparisons[0]

    def told(revision: "Revision", left: int) -> None:
        say(f"{plural(left, 'commit')} left, measuring {revision.commit[:10]} {revision.subject}")

    found = find_culprit(
        repository,
        suite,
        repository.resolve(good),
        repository.resolve(bad),
        pattern=bench,
        thresholds=thresholds,
        compare=compare,
        on_probe=told,
    )
    suspects = None
    probed: tuple[tuple[Revision, str], ...] = ()
    if found.narrowed is not None:
        suspects = tuple(found.revisions[commit] for commit in found.narrowed.suspects)
        probed = tuple((found.revisions[one], str(how)) for one, how in found.narrowed.probed)
    text = culprit_text(
        total=found.total,
        suspects=suspects,
        probed=probed,
        step=found.step,
        confirmed=found.confirmed,
    )
    values = culprit_values(
        total=row_values(found.total),
        suspects=suspects,
        probed=probed,
        step=None if found.step is None else row_values(found.step),
        confirmed=found.confirmed,
    )
    code = ExitCode.PASSED if found.confirmed else ExitCode.INCONCLUSIVE
    return invocation.finish(code, text=Text(text), values=values)
