"""``perfkit compare``: is head slower than base?"""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options


def compare(
    context: typer.Context,
    base: Annotated[str, typer.Argument(help="The commit, tag or branch to compare with.")],
    head: Annotated[
        str | None,
        typer.Argument(help="The commit to judge. Default: the working tree."),
    ] = None,
    *,
    bench: options.Bench = None,
    min_rounds: options.MinRounds = None,
    max_rounds: options.MaxRounds = None,
    budget: options.TimeBudget = None,
    seed: options.Seed = 0,
    output: options.ReportFile = None,
    strict: options.Strict = False,
    json: options.Json = False,
) -> int:
    """Measure two revisions against each other, now and interleaved, and judge the difference.

    Both are built once and run in rounds of fresh processes on this machine. Each benchmark gets
    rounds until it is decided; what looks changed is confirmed on new rounds before it counts.
    """
    from perfkit.cli.change import finish_report, judged_revision, measured_change
    from perfkit.cli.settings import repository_and_suite, settings_of

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    settings = settings_of(
        invocation, min_rounds=min_rounds, max_rounds=max_rounds, time_budget=budget
    )
    repository, suite = repository_and_suite(Path.cwd())
    with measured_change(
        invocation,
        repository,
        suite,
        base=repository.resolve(base),
        head=judged_revision(repository, suite, head),
        thresholds=settings.thresholds,
        patterns=bench or [],
        seed=seed,
    ) as (_, compared):
        report = compared.report
    return finish_report(invocation, report, repository, output=output, strict=strict)
