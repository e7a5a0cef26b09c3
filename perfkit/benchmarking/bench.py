"""One revision measured on its own, as a run for the history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from perfkit import __version__
from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import Benchmark, discover, select
from perfkit.benchmarking.installed import read_installed
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.quiet import Quiet
from perfkit.benchmarking.session import (
    Plan,
    Progress,
    measure,
    warnings_of_load,
)
from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.forge.git import Repository
from perfkit.gate.shards import Part, filled, part_of, suite_digest
from perfkit.model import BenchmarkId, Environment, Run, RunShard, Sample, Verdict
from perfkit.plural import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Benched:
    """A measured run. ``failures`` holds the last lines of each benchmark that failed."""

    run: Run
    benchmarks: tuple[Benchmark, ...]
    failures: dict[BenchmarkId, str]
    skipped: tuple[BenchmarkId, ...]
    rounds: int
    seconds: float
    interrupted: bool
    warnings: tuple[str, ...] = ()


def bench_side(
    repository: Repository,
    side: Side,
    patterns: Sequence[str],
    plan: Plan,
    *,
    environment: Environment,
    clock: Callable[[], float],
    now: Callable[[], float],
    on_progress: Callable[[Progress], None],
    quiet: Quiet | None = None,
    part: Part | None = None,
) -> Benched:
    """Measure ``side`` in ``plan.max_rounds`` rounds of fresh processes, benchmarks interleaved.

    ``now`` gives seconds since 1970. The packages in ``environment`` are put right: they are those
    of the measured interpreter. With ``part``, only that shard of the suite is measured. Raises
    MeasurementError when there is nothing to measure or the measurement was interrupted before its
    first value.
    """
    benchmarks = discover(side.suite, side.interpreter)
    identities = select([one for found in benchmarks for one in found.ids], patterns)
    if not identities:
        raise MeasurementError(
            f"{side.suite.benchmarks}: the suite has no benchmark, so nothing was measured; asv's"
            " benchmarks are functions named time_*, track_*, mem_* or peakmem_*."
        )
    whole = len(identities)
    shard = None
    if part is not None:
        caches = {one.name: one.setup_cache for one in benchmarks if one.setup_cache}
        versions = {one: found.version for found in benchmarks for one in found.ids}
        shard = RunShard(
            index=part.index,
            count=part.count,
            suite=suite_digest({one: versions[one] for one in identities}),
            due=filled(part.count, identities, caches),
        )
        identities = list(part_of(part, identities, caches))
        if not identities:
            raise MeasurementError(
                f"shard {part} holds none of the suite's {plural(whole, 'benchmark')}, so nothing"
                " was measured; use fewer shards."
            )
    installed = read_installed(side.interpreter)
    started = int(now() * 1000)
    with MeasuredSide(side, affinity=environment.affinity) as running:
        measured = measure(
            {"head": running},
            benchmarks,
            identities,
            plan,
            suite=side.suite.benchmarks,
            standing=_open,
            clock=clock,
            on_progress=on_progress,
            quiet=quiet,
        )
    samples = measured.samples["head"]
    if not samples and measured.interrupted:
        raise InterruptedMeasurementError("interrupted before the first value; nothing was kept")
    if not samples:
        raise MeasurementError(
            f"nothing was measured: {plural(len(identities), 'benchmark')} declined to run"
            " (skipped)."
        )
    run = Run(
        identity=f"{started:013d}",
        commit=side.revision.commit,
        dirty=side.revision.dirty,
        date=repository.commit_time(side.revision.commit),
        started=started,
        environment=replace(environment, packages_digest=installed.digest),
        samples=tuple(samples[identity] for identity in sorted(samples)),
        perfkit=__version__,
        asv_runner=installed.asv_runner,
        packages=installed.packages,
        loads=tuple(measured.loads),
        shard=shard,
    )
    return Benched(
        run=run,
        benchmarks=benchmarks,
        failures={identity: output for (_, identity), output in measured.failures.items()},
        skipped=tuple(sorted(measured.skipped["head"])),
        rounds=measured.rounds,
        seconds=measured.seconds,
        interrupted=measured.interrupted,
        warnings=tuple(warnings_of_load([measured])),
    )


def _open(base: Sample, head: Sample) -> Verdict:
    """Decide nothing: a run on its own has no other side."""
    del base, head
    return Verdict.INCONCLUSIVE
