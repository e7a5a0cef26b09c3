"""What a reader of a comparison should know about how it was measured."""

from collections.abc import Iterator, Sequence

from perfkit.benchmarking.installed import Installed, moved
from perfkit.benchmarking.session import Measurement, warnings_of_load
from perfkit.benchmarking.sides import Sides
from perfkit.model import BenchmarkId

MOST_NAMED = 5
"""Packages that a warning names; an upgrade of everything would fill a page."""


def cautions(
    sides: Sides, measured: Sequence[Measurement], installed: tuple[Installed, Installed]
) -> Iterator[str]:
    """Return the warnings of a comparison; ``measured`` are its sets of rounds, in order.

    ``installed`` is what base and head were measured with besides the project itself.
    """
    yield from _of_sides(sides)
    if skipped := skipped_on_both(measured[0]):
        yield f"{len(skipped)} skipped on both sides: {', '.join(map(str, sorted(skipped)))}"
    if any(one.out_of_time for one in measured):
        yield "the time budget ended before every benchmark was decided"
    yield from _of_packages(*installed)
    yield from warnings_of_load(measured)


def skipped_on_both(measured: Measurement) -> set[BenchmarkId]:
    """Return the benchmarks that declined to run on either side, for which no row is due."""
    return measured.skipped["base"] & measured.skipped["head"]


def _of_sides(sides: Sides) -> Iterator[str]:
    base, head = sides.base, sides.head
    same = base.revision.commit == head.revision.commit and not head.revision.dirty
    same_python = base.interpreter.python == head.interpreter.python
    if same and same_python:
        yield "base and head are the same commit: every difference is noise"
    if same_python and base.requirements != head.requirements:
        differing = sorted(set(base.requirements) ^ set(head.requirements))
        yield (
            f"the requirements differ ({', '.join(differing)}), but both sides were measured with"
            " the packages of this interpreter"
        )


def _of_packages(base: Installed, head: Installed) -> Iterator[str]:
    if differing := moved(base, head):
        shown = ", ".join(differing[:MOST_NAMED])
        more = len(differing) - MOST_NAMED
        yield (
            f"the sides have other packages, so a change may be theirs: {shown}"
            + (f" and {more} more" if more > 0 else "")
        )
