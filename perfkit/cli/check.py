"""``perfkit check``: everything a merge is judged on, in one report with one exit code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.cli.judging import Measuring, Telling, spread

if TYPE_CHECKING:
    from perfkit.model import LeakResult


@spread
def check(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Argument(help="The commit to compare with. Default: the merge base with --onto."),
    ] = None,
    *,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="COMMIT", help="The commit to judge, not the working tree."),
    ] = None,
    onto: Annotated[
        str | None,
        typer.Option(
            "--onto", metavar="BRANCH", help="The branch to merge into. Default: the main branch."
        ),
    ] = None,
    leaks: Annotated[bool, typer.Option(help="Run the leak checks of the thresholds file.")] = True,
    load: Annotated[
        bool,
        typer.Option("--load", help="Also load both sides in turns, and compare latencies."),
    ] = False,
    measuring: Measuring,
    telling: Telling,
) -> int:
    """Compare with the merge base, and check budgets and leaks: one report, one exit code.

    What is required stands in config/performance_thresholds.yaml; without it, benchmarks are
    compared with a sensible default and there are no budgets.
    """
    from dataclasses import replace
    from datetime import UTC, datetime

    from rich.text import Text

    from perfkit.checking import check_budgets, check_leaks, checks_of_shard, with_checks
    from perfkit.cli.change import former_revision, judged_revision, measured_change
    from perfkit.cli.check_load import loaded, planned_load, without_load
    from perfkit.cli.conditions import environment_here
    from perfkit.cli.culprits import named
    from perfkit.cli.settings import repository_and_suite
    from perfkit.cli.touched import with_map
    from perfkit.gate.leak_waivers import leak_waivers_of, waived_leaks

    invocation = options.invocation_of(context)
    console = invocation.console(stderr=True)
    settings = measuring.settings(invocation)
    thresholds = settings.thresholds
    environment = environment_here(measuring.cpu_affinity)
    repository, suite = repository_and_suite(Path.cwd())
    part = measuring.part
    # Before anything is built, where a sentence costs nothing.
    planned = planned_load(settings, part) if load else None
    judged = judged_revision(repository, suite, head)
    former = former_revision(repository, base, judged, onto)
    with measured_change(
        invocation,
        repository,
        suite,
        base=former,
        head=judged,
        thresholds=thresholds,
        patterns=measuring.bench or [],
        seed=measuring.seed,
        isolate=measuring.isolate,
        environment=environment,
        part=part,
    ) as (sides, compared):
        report = compared.report
        budgets, checks = thresholds.budgets, thresholds.leaks if leaks else ()
        if report.shard is not None:
            manifest = with_checks(report.shard, budgets, checks, selected=bool(measuring.bench))
            budgets, checks = checks_of_shard(report, budgets, checks)
            report = replace(report, shard=manifest)
        if not report.interrupted:
            found, left_out = check_budgets(
                budgets, compared.head, chosen=compared.expected if measuring.bench else None
            )
            warnings = list(report.warnings)
            if left_out:
                count = "one budget was" if len(left_out) == 1 else f"{len(left_out)} budgets were"
                warnings.append(
                    f"{count} not checked, as --bench left their benchmarks"
                    f" out: {', '.join(left_out)}"
                )
            grown: tuple[LeakResult, ...] = ()
            if leaks:
                grown = check_leaks(
                    checks,
                    sides.head,
                    progress=lambda line: console.print(Text(line, "dim")),
                )
            elif thresholds.leaks:
                warnings.append("leaks were not looked for, as --no-leaks was given")
            today = datetime.now(tz=UTC).date()
            waivers = thresholds.leak_waivers if leaks else ()
            report = replace(
                report,
                budgets=found,
                leaks=waived_leaks(grown, waivers, today),
                waivers=(
                    *report.waivers,
                    *leak_waivers_of(
                        grown,
                        waivers,
                        today=today,
                        targets=[check.target for check in thresholds.leaks],
                    ),
                ),
                interrupted=len(grown) < len(checks),
                warnings=tuple(warnings),
            )
            report = named(
                invocation,
                report,
                sides,
                thresholds,
                culprits=telling.culprits,
                seed=measuring.seed,
            )
            report = with_map(report, repository, thresholds)
        if planned is None:
            report = without_load(report)
        elif not report.interrupted:
            report = loaded(
                report,
                sides,
                planned,
                settings,
                seed=measuring.seed,
                say=lambda line: console.print(Text(line, "dim")),
            )
    return telling.finish(invocation, report, repository, settings)
