"""What calls of the time benchmarks allocate, counted in processes that take no times."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.benchmarking.discovery import Benchmark
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.recorder import Measured
from perfkit.benchmarking.schedule import SideName
from perfkit.model import BenchmarkId, Sample, Shift, Unit, Verdict

Counting = Callable[[SideName, int], Measured | None]
"""Counts in one process of a side, in a round; None where there is nothing to count."""


@dataclass(slots=True, kw_only=True)
class Counted:
    """The counts of both sides, by the benchmark that they were made beside."""

    base: dict[BenchmarkId, Sample] = field(default_factory=dict)
    head: dict[BenchmarkId, Sample] = field(default_factory=dict)
    interrupted: bool = False


def count_allocations(
    sides: Mapping[SideName, MeasuredSide],
    benchmarks: Sequence[Benchmark],
    identities: Sequence[BenchmarkId],
    *,
    suite: Path,
    most: int,
    shift_of: Callable[[Sample, Sample], Shift],
    on_progress: Callable[[int, BenchmarkId], None],
) -> Counted:
    """Return the allocations of ``identities`` on both sides; those of other kinds have none.

    Each takes one process of a side where the counts say that nothing changed, two where they
    changed and repeat, and ``most`` where they do not repeat. ``on_progress`` gets the number of
    those that are done and the next one. Ctrl-C keeps what whole benchmarks gave.
    """
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    found = Counted()
    try:
        for done, identity in enumerate(identities):
            benchmark = by_name[identity.name]
            if benchmark.kind != "time":
                continue
            on_progress(done, identity)

            def count(
                side: SideName,
                number: int,
                benchmark: Benchmark = benchmark,
                identity: BenchmarkId = identity,
            ) -> Measured | None:
                return sides[side].count(benchmark, identity, suite, number)

            pair = counted_pair(count, benchmark, identity, most=most, shift_of=shift_of)
            if pair is not None:
                found.base[identity], found.head[identity] = pair
    except KeyboardInterrupt:
        found.interrupted = True
    return found


def counted_pair(
    count: Counting,
    benchmark: Benchmark,
    identity: BenchmarkId,
    *,
    most: int,
    shift_of: Callable[[Sample, Sample], Shift],
) -> tuple[Sample, Sample] | None:
    """Count on both sides until the verdict stands; None where a side has nothing to count."""
    base: list[Measured] = []
    head: list[Measured] = []
    sides: tuple[tuple[SideName, list[Measured]], ...] = (("base", base), ("head", head))
    pair = None
    for number in range(most):
        for side, done in sides:
            measured = count(side, number)
            if measured is None:
                return None
            done.append(measured)
        pair = _sample(base, benchmark, identity), _sample(head, benchmark, identity)
        if any(one.failure for one in pair):
            break
        verdict = shift_of(*pair).verdict
        repeated = number > 0 and all(map(_repeat, pair))
        if verdict is Verdict.UNCHANGED or (verdict is not Verdict.INCONCLUSIVE and repeated):
            break
    return pair


def _repeat(sample: Sample) -> bool:
    return len({value for process in sample.processes for value in process}) == 1


def _sample(processes: Sequence[Measured], benchmark: Benchmark, identity: BenchmarkId) -> Sample:
    # Every call for itself: of a process the low end would stand for all, as it does for times.
    counts = [count for one in processes for count in one.values]
    return Sample(
        benchmark=identity.allocations,
        unit=Unit.COUNT,
        processes=tuple((count,) for count in counts),
        rounds=tuple(range(len(counts))),
        failure=next((one.failure for one in processes if one.failure), None),
        exact=True,
        source_hash=benchmark.version or None,
    )
