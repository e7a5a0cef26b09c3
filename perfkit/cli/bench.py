"""``perfkit bench``: measure one revision and keep the result in the history."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options

ROUNDS = 10
"""Processes per benchmark, where the user names no number: quartiles of ten mean something."""


def bench(
    context: typer.Context,
    revision: Annotated[
        str | None,
        typer.Argument(help="The commit to measure. Default: the working tree."),
    ] = None,
    *,
    select: options.Bench = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Processes per benchmark.")
    ] = ROUNDS,
    seed: options.Seed = 0,
    cpu_affinity: options.CpuAffinity = None,
    load_wait: options.LoadWait = None,
    shard: options.Shard = None,
    store: Annotated[
        bool, typer.Option(help="Store the run in the suite's results folder.")
    ] = True,
    backfill: Annotated[
        str | None,
        typer.Option(
            "--backfill",
            metavar="FROM..TO",
            help="Let asv measure the commits of a range instead, and check its results.",
        ),
    ] = None,
    every: Annotated[
        int, typer.Option("--every", min=1, help="With --backfill: only every N-th commit.")
    ] = 1,
    json: options.Json = False,
) -> int:
    """Measure a revision with its asv suite, one fresh process per benchmark and round.

    The run is stored in the suite's results folder, where `perfkit history` and asv read it.
    Uncommitted changes are measured, labelled as such, and not stored.
    """
    from contextlib import ExitStack
    from time import monotonic, time

    from perfkit.baselines.store import check_storable, save_run
    from perfkit.benchmarking.bench import bench_side
    from perfkit.benchmarking.build import built
    from perfkit.benchmarking.session import Plan
    from perfkit.benchmarking.sides import suite_in
    from perfkit.cli.backfill import backfill as backfilled
    from perfkit.cli.change import judged_revision
    from perfkit.cli.conditions import environment_here, quiet_machine
    from perfkit.cli.progress import measuring, working
    from perfkit.cli.settings import repository_and_suite, settings_of
    from perfkit.errors import ExitCode, UsageError
    from perfkit.gate.shards import Part
    from perfkit.reporting.run_text import run_text, run_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    rule = settings_of(invocation, load_wait=load_wait).thresholds.regression
    part = None if shard is None else Part.parse(shard)
    environment = environment_here(cpu_affinity)
    repository, suite = repository_and_suite(Path.cwd())
    if backfill is not None:
        given = [revision, shard, None if rounds == ROUNDS else rounds, seed or None]
        if any(one is not None for one in given) or not store:
            raise UsageError(
                "--backfill lets asv measure, so leave out the revision, --rounds, --seed, --shard"
                " and --no-store."
            )
        return backfilled(
            invocation, repository, suite, backfill, every=every, patterns=select or []
        )
    wanted = judged_revision(repository, suite, revision)
    store = store and not wanted.dirty
    if store:
        check_storable(suite.results)
    with ExitStack() as stack:
        with working(invocation, f"building {wanted.label}"):
            side = stack.enter_context(built(repository, wanted, suite_in(repository, suite)))
        quiet = quiet_machine(invocation, environment, patience=rule.load_wait)
        with measuring(invocation) as on_progress:
            benched = bench_side(
                repository,
                side,
                select or [],
                # No time budget: the rounds are the user's own number.
                Plan(min_rounds=rounds, max_rounds=rounds, seconds=float("inf"), seed=seed),
                environment=environment,
                clock=monotonic,
                now=time,
                on_progress=on_progress,
                quiet=quiet,
                part=part,
            )
    stored = None
    if store:
        descriptions = {found.name: found.description for found in benched.benchmarks}
        stored = str(save_run(suite.results, benched.run, descriptions))
    said = f"stored in {stored}" if stored else "not stored"
    if benched.run.dirty:
        said = "not stored: history is made of commits, and these changes are not committed"
    code = ExitCode.MEASUREMENT if benched.failures else ExitCode.PASSED
    return invocation.finish(
        ExitCode.INTERRUPTED if benched.interrupted else code,
        text=run_text(
            benched.run,
            rounds=benched.rounds,
            seconds=benched.seconds,
            skipped=benched.skipped,
            warnings=benched.warnings,
            stored=said,
        ),
        values=run_values(
            benched.run,
            benched.failures,
            skipped=benched.skipped,
            stored=stored,
            warnings=benched.warnings,
        ),
    )
