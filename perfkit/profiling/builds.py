"""Where two built revisions run a target, and which files are theirs."""

from pathlib import Path

from perfkit.benchmarking.build import Side
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.diff import renames, tracked
from perfkit.forge.git import Repository
from perfkit.profiling.capture import Where
from perfkit.profiling.difference import Profiled, Sides
from perfkit.profiling.interleaved import Taken
from perfkit.profiling.sources import Sources, sources
from perfkit.targets.spec import Target, TargetKind


def place(side: Side, head: Side, target: Target, inner: Path) -> Where:
    """Return where one side runs a target.

    A benchmark is head's on both sides, so that both do the same; anything else is the side's own,
    named from ``inner``, the user's folder inside the repository.
    """
    if target.kind is TargetKind.BENCHMARK:
        suite = head.suite
        return Where(cwd=suite.config.parent, site=side.interpreter.site, suite=suite.benchmarks)
    folder = checkout_of(side) / inner
    if not folder.is_dir():
        raise UsageError(
            f"{side.revision.label} has no folder {inner}, where {target} is named from; run"
            " perfkit at the repository's root"
        )
    if target.kind is TargetKind.SCRIPT and not (folder / target.name).exists():
        raise UsageError(
            f"{side.revision.label} has no {inner / target.name}; commit it, or compare a callable"
            " or a benchmark that both sides have"
        )
    return Where(cwd=folder, site=side.interpreter.site)


def checkout_of(side: Side) -> Path:
    """Return the top folder of the side's checkout; MeasurementError where it has none."""
    if side.checkout is None:
        raise MeasurementError(
            f"{side.revision.label} was not built from a commit, so its own code cannot be told;"
            " compare two commits"
        )
    return side.checkout


def sides_of(base: Side, head: Side, taken: Taken, *, timed: bool) -> Sides:
    """Return the sessions of two builds with what tells their own code, renames followed."""
    checkout = Repository(checkout_of(head))
    return Sides(
        base=Profiled(
            label=base.revision.label,
            recordings=taken.base,
            sources=_sources(base, head),
            timed=timed,
        ),
        head=Profiled(
            label=head.revision.label,
            recordings=taken.head,
            sources=_sources(head, head),
            timed=timed,
        ),
        renamed=renames(checkout, base.revision.commit),
    )


def _sources(side: Side, head: Side) -> Sources:
    own, suite = checkout_of(side), checkout_of(head)
    roots = [own, suite] if side.interpreter.site is None else [own, side.interpreter.site, suite]
    return sources(roots, {*tracked(Repository(own)), *tracked(Repository(suite))})
