"""``perfkit impact``: which hot paths does this change touch?"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository


def impact(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Argument(help="The commit that the change starts from. Default: the merge base."),
    ] = None,
    *,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A saved profile, or a folder of them. Default: impact.profiles of the settings.",
        ),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="First profile the benchmarks as they are, and store that."),
    ] = False,
    bench: options.Bench = None,
    json: options.Json = False,
) -> int:
    """Show which touched functions are on stored hot paths, before anything is measured.

    The lines that differ between BASE and the working tree are laid over stored profiles. It is a
    map, not a measurement: it says where to look, not what became slower.
    """
    from perfkit.cli.settings import settings_of
    from perfkit.errors import ExitCode, UsageError
    from perfkit.forge.git import Repository
    from perfkit.profiling.stored import impact_of_change, stored_profiles
    from perfkit.reporting.impact_text import impact_text, impact_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    thresholds = settings_of(invocation).thresholds
    repository = Repository.around(Path.cwd())
    place = profile or stored_place(repository, thresholds)
    if bench and not record:
        raise UsageError("--bench says which benchmarks to --record; give both, or neither.")
    if record:
        _record(invocation, repository, place, bench or [])
    start = (
        repository.resolve(base)
        if base is not None
        else repository.merge_base("HEAD", repository.default_branch())
    )
    found = impact_of_change(repository, start, stored_profiles(place))
    return invocation.finish(
        ExitCode.PASSED, text=impact_text(found), values={"impact": impact_values(found)}
    )


def stored_place(repository: "Repository", thresholds: "Thresholds") -> Path:
    """Return the configured file or folder of stored profiles."""
    return repository.root / thresholds.impact.profiles


def _record(
    invocation: Invocation, repository: "Repository", folder: Path, patterns: list[str]
) -> None:
    """Profile every selected time benchmark of the working tree once, and store each."""
    from perfkit.benchmarking.build import built
    from perfkit.benchmarking.discovery import discover, select
    from perfkit.benchmarking.sides import suite_in
    from perfkit.benchmarking.suite import find_suite
    from perfkit.cli.progress import saying, working
    from perfkit.errors import UsageError
    from perfkit.model import Unit
    from perfkit.profiling.stored import record_benchmarks

    if folder.is_file():
        raise UsageError(f"{folder} is a file; --record needs a folder, one file per benchmark.")
    suite = suite_in(repository, find_suite(Path.cwd(), repository.root))
    head = repository.working_tree(apart_from=suite.results)
    with ExitStack() as stack:
        with working(invocation, f"building {head.label}"):
            side = stack.enter_context(built(repository, head, suite))
        known = [
            identity
            for benchmark in discover(side.suite, side.interpreter)
            if benchmark.unit is Unit.SECONDS
            for identity in benchmark.ids
        ]
        record_benchmarks(side, select(known, patterns), folder, say=saying(invocation))
