"""``perfkit compare``: is head slower than base?"""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options
from perfkit.cli.judging import Measuring, Telling, spread


@spread
def compare(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Argument(
            help="The commit, tag or branch to compare with. Default: the merge base with the main"
            " branch; with --stored, or its nearest ancestor with a result."
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Argument(help="The commit to judge. Default: the working tree."),
    ] = None,
    *,
    measuring: Measuring,
    python_base: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON",
            help="Compare what this interpreter has installed, instead of a commit...",
        ),
    ] = None,
    python_head: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="...with what this one has installed.")
    ] = None,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored",
            help="Measure nothing: look at what `perfkit bench` stored of both commits.",
        ),
    ] = False,
    only_touched: Annotated[
        bool,
        typer.Option(
            "--only-touched",
            help="Leave out benchmarks whose stored profile does not meet the change (impact).",
        ),
    ] = False,
    telling: Telling,
) -> int:
    """Measure two revisions against each other, now and interleaved, and judge the difference.

    Both are built once and run in rounds of fresh processes on this machine. Each benchmark gets
    rounds until it is decided; what looks changed is confirmed on new rounds before it counts.

    With --stored, results of different runs are shown and never fail: what lies between two runs
    is as often the machine as the change.
    """
    from perfkit.benchmarking.sides import installed_sides
    from perfkit.cli.change import (
        former_revision,
        judged_revision,
        measured_change,
        measured_sides,
    )
    from perfkit.cli.conditions import environment_here
    from perfkit.cli.culprits import named
    from perfkit.cli.settings import repository_and_suite
    from perfkit.cli.stored import stored_report
    from perfkit.cli.touched import Chosen, mapped, only_those, with_map
    from perfkit.errors import UsageError

    invocation = options.invocation_of(context)
    settings = measuring.settings(invocation)
    thresholds = settings.thresholds
    part = measuring.part
    pythons = None if stored else _interpreters(base, python_base, python_head)
    if stored:
        _refuse_measuring(given=measuring.given or bool(python_base or python_head))
    repository, suite = repository_and_suite(Path.cwd())
    chosen = Chosen(patterns=measuring.bench or [])
    if only_touched:
        if stored or pythons is not None:
            raise UsageError("--only-touched is for measuring two commits; leave it out.")
        judged = judged_revision(repository, suite, head)
        chosen = only_those(
            mapped(
                repository,
                former_revision(repository, base, judged),
                judged,
                thresholds,
            ),
            chosen.patterns,
        )
    if stored:
        report = stored_report(
            repository, suite, base, head, thresholds=thresholds, patterns=chosen.patterns
        )
    elif pythons is not None:
        sides = installed_sides(repository, suite, *pythons)
        report = measured_sides(
            invocation,
            sides,
            thresholds,
            patterns=chosen.patterns,
            seed=measuring.seed,
            environment=environment_here(measuring.cpu_affinity),
            part=part,
        ).report
        report = named(
            invocation, report, sides, thresholds, culprits=telling.culprits, seed=measuring.seed
        )
    else:
        judged = judged_revision(repository, suite, head)
        with measured_change(
            invocation,
            repository,
            suite,
            base=former_revision(repository, base, judged),
            head=judged,
            thresholds=thresholds,
            patterns=chosen.patterns,
            seed=measuring.seed,
            isolate=measuring.isolate,
            environment=environment_here(measuring.cpu_affinity),
            part=part,
            doubtful=chosen.doubtful,
        ) as (sides, compared):
            report = named(
                invocation,
                compared.report,
                sides,
                thresholds,
                culprits=telling.culprits,
                seed=measuring.seed,
            )
            report = with_map(report, repository, thresholds, chosen.warning)
    return telling.finish(invocation, report, repository, settings)


def _interpreters(
    base: str | None, python_base: Path | None, python_head: Path | None
) -> tuple[Path, Path] | None:
    """Return both interpreters, None where commits are compared; UsageError for half of it."""
    from perfkit.errors import UsageError

    if python_base is None and python_head is None:
        return None
    if python_base is not None and python_head is not None and base is None:
        return python_base, python_head
    raise UsageError(
        "give either commits to compare, or both --python-base and --python-head, two interpreters"
        " that have the project installed."
    )


def _refuse_measuring(*, given: bool) -> None:
    from perfkit.errors import UsageError

    if given:
        raise UsageError(
            "--stored measures nothing, so leave out --min-rounds, --max-rounds, --budget, --seed,"
            " --cpu-affinity, --load-wait, --isolate, --shard and the interpreters, which say how"
            " to measure."
        )
