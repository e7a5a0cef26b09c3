"""Two revisions measured against each other now, on this machine, and judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from perfkit.benchmarking.allocations import Counted, count_allocations
from perfkit.benchmarking.cautions import cautions, skipped_on_both
from perfkit.benchmarking.expected import Expected
from perfkit.benchmarking.installed import Installed, read_installed
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.quiet import Quiet
from perfkit.benchmarking.session import Measurement, Plan, Progress, counting, measure
from perfkit.benchmarking.sides import Sides
from perfkit.config.thresholds import Regression, Thresholds
from perfkit.errors import MeasurementError
from perfkit.gate.budgets import judged_on
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.confirming import (
    confirmed,
    memory_confirmed,
    memory_to_confirm,
    suspects_of,
)
from perfkit.gate.evidence import Evidence, comparable
from perfkit.gate.floors import Noise
from perfkit.gate.memory import with_allocations, with_memory
from perfkit.gate.shards import shard_note
from perfkit.gate.waivers import exceptions_of
from perfkit.model import BenchmarkId, Comparison, Environment, Report, Sample, Shift, Verdict
from perfkit.stats.first_sight import FEWEST

if TYPE_CHECKING:
    from perfkit.benchmarking.schedule import SideName


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The judged report, and the head samples that budgets are judged on.

    ``expected`` are the benchmarks that had to be answered for, those that declined to run too.
    """

    report: Report
    head: dict[BenchmarkId, Sample]
    expected: frozenset[BenchmarkId]


def compare_sides(
    sides: Sides,
    expected: Expected,
    thresholds: Thresholds,
    *,
    command: str,
    environment: Environment,
    today: date,
    clock: Callable[[], float],
    seed: int,
    on_progress: Callable[[Progress], None],
    noise: Noise | None = None,
    quiet: Quiet | None = None,
) -> Compared:
    """Measure both sides in interleaved rounds, confirm suspects on new rounds, and judge.

    ``noise`` is what noise alone was seen to move benchmarks by on this machine.

    Raises MeasurementError when the suite holds nothing to measure.
    """
    if not expected.names and expected.shard is None:
        raise MeasurementError(
            f"{sides.head.suite.benchmarks}: the suite has no benchmark, so nothing was measured;"
            " asv's benchmarks are functions named time_*, track_*, mem_* or peakmem_*."
        )

    def shift_of(base: Sample, head: Sample) -> Shift:
        return shift_between(base, head, thresholds, noise=noise)

    def standing(base: Sample, head: Sample) -> Verdict:
        # Neither side failed, or there would be no more rounds to ask about.
        return shift_of(base, head).verdict if comparable(base, head) else Verdict.DIFFERENT_WORK

    def standing_at_first(base: Sample, head: Sample) -> Verdict:
        """The same, or what is plainly worth measuring again before ``min_rounds``."""
        if comparable(base, head) and (suspected := shift_of(base, head).suspected):
            return suspected
        enough = len(head.processes) >= rule.min_rounds
        return standing(base, head) if enough else Verdict.INCONCLUSIVE

    rule = thresholds.regression
    plan = Plan(
        min_rounds=rule.min_rounds,
        max_rounds=rule.max_rounds,
        seconds=rule.time_budget,
        seed=seed,
    )
    suite = sides.head.suite.benchmarks
    installed = _installed(sides)
    measured: list[Measurement] = []
    with ExitStack() as stack:
        running: dict[SideName, MeasuredSide] = {
            "base": stack.enter_context(MeasuredSide(sides.base, affinity=environment.affinity)),
            "head": stack.enter_context(MeasuredSide(sides.head, affinity=environment.affinity)),
        }

        def rounds(asked: Mapping[BenchmarkId, Sequence[BenchmarkId]], plan: Plan) -> Measurement:
            """Measure one more set of rounds, independent of those before.

            ``asked`` are the benchmarks, each with what of it has to be decided.
            """
            confirming = bool(measured)
            spent = sum(one.seconds for one in measured)
            found = measure(
                running,
                expected.benchmarks,
                tuple(asked),
                # Confirming takes min_rounds, whatever the time; more only within what is left.
                replace(plan, seconds=max(0.0, plan.seconds - spent), seed=seed + len(measured)),
                suite=suite,
                standing=standing if confirming else standing_at_first,
                clock=clock,
                on_progress=lambda one: on_progress(replace(one, confirming=confirming)),
                quiet=quiet,
                in_question=asked,
            )
            measured.append(found)
            return found

        first = rounds({one: (one,) for one in expected.measured}, replace(plan, first_look=FEWEST))
        evidence = _evidence(expected, first, thresholds)
        suspects = suspects_of(evidence, shift_of)
        if suspects and not first.interrupted:
            again = rounds(suspects, plan)
            evidence = confirmed(evidence, *_of(again), shift_of)
            beside = memory_to_confirm(evidence, shift_of)
            if beside and not again.interrupted:
                # As many rounds as it took to suspect it: the time may be decided sooner.
                enough = max(rule.min_rounds, *beside.values())
                peaks = {one: (one.peak_memory,) for one in beside}
                more = rounds(peaks, replace(plan, min_rounds=enough))
                evidence = memory_confirmed(evidence, *_of(more))
        counted = _counted(
            running,
            expected,
            evidence,
            measured,
            rule=rule,
            shift_of=shift_of,
            on_progress=on_progress,
        )
    evidence = with_allocations(evidence, counted.base, counted.head)
    rows = judge(evidence, thresholds, today=today, shift_of=shift_of, noise=noise)
    rows = tuple(sorted((*rows, *_doubtful(expected)), key=lambda row: row.benchmark))
    skipped = skipped_on_both(first)
    shard = expected.shard
    warnings = list(cautions(sides, measured, installed))
    if shard is not None:
        shard = replace(shard, skipped=tuple(sorted(skipped)))
        warnings.append(shard_note(shard, len(expected.names)))
    report = Report(
        command=command,
        base=sides.base.revision,
        head=sides.head.revision,
        environment=replace(
            environment,
            packages_digest=installed[1].digest,
            python=" -> ".join(dict.fromkeys(one.python for one in installed)),
        ),
        comparisons=rows,
        waivers=exceptions_of(
            rows,
            thresholds,
            today=today,
            skipped=skipped,
            elsewhere=set(shard.expected if shard else ()) - set(expected.names),
            whole=expected.whole and not first.interrupted,
        ),
        rounds=sum(one.rounds for one in measured),
        seconds=sum(one.seconds for one in measured),
        interrupted=counted.interrupted or any(one.interrupted for one in measured),
        warnings=tuple(warnings),
        shard=shard,
    )
    return Compared(
        report=report,
        head={
            **judged_on(evidence, [one.memory["head"] for one in measured]),
            **{one.benchmark: one for one in counted.head.values()},
        },
        expected=frozenset(expected.names),
    )


def _counted(
    running: "Mapping[SideName, MeasuredSide]",
    expected: Expected,
    evidence: Evidence,
    measured: Sequence[Measurement],
    *,
    rule: Regression,
    shift_of: Callable[[Sample, Sample], Shift],
    on_progress: Callable[[Progress], None],
) -> Counted:
    """Return the allocations of every benchmark whose values are compared, if they are wanted."""
    if rule.allocations == "ignored" or any(one.interrupted for one in measured):
        return Counted()
    owners = [
        identity
        for identity in sorted(expected.measured)
        if comparable(evidence.base.get(identity), evidence.head.get(identity))
    ]
    return count_allocations(
        running,
        expected.benchmarks,
        owners,
        suite=running["head"].side.suite.benchmarks,
        most=2 * rule.min_rounds,
        shift_of=shift_of,
        on_progress=lambda done, one: on_progress(counting(done, len(owners), one)),
    )


def _of(
    measured: Measurement,
) -> tuple[
    tuple[dict[BenchmarkId, Sample], dict[BenchmarkId, Sample]],
    tuple[dict[BenchmarkId, Sample], dict[BenchmarkId, Sample]],
]:
    """Return the samples of base and head, and the memory of base and head."""
    samples, memory = measured.samples, measured.memory
    return (samples["base"], samples["head"]), (memory["base"], memory["head"])


def _evidence(expected: Expected, first: Measurement, thresholds: Thresholds) -> Evidence:
    """Return what the discovery rounds gave, with the memory beside the times."""
    evidence = Evidence(
        base=first.samples["base"],
        head=first.samples["head"],
        expected=frozenset((*expected.measured, *expected.missing)) - skipped_on_both(first),
        missing=frozenset(expected.missing),
        skipped_base=frozenset(first.skipped["base"]),
        skipped_head=frozenset(first.skipped["head"]),
        in_base=expected.in_base,
    )
    if thresholds.regression.memory == "ignored":
        return evidence
    return with_memory(evidence, first.memory["base"], first.memory["head"])


def _doubtful(expected: Expected) -> Iterator[Comparison]:
    """Return the rows of what was left out and should perhaps not have been: no evidence."""
    units = {identity: one.unit for one in expected.benchmarks for identity in one.ids}
    for identity, reason in expected.doubtful.items():
        yield Comparison(
            benchmark=identity,
            unit=units[identity],
            verdict=Verdict.INCONCLUSIVE,
            reason=reason,
        )


def _installed(sides: Sides) -> tuple[Installed, Installed]:
    """Return what each side is measured with besides the project itself."""
    head = read_installed(sides.head.interpreter)
    if sides.base.interpreter.python == sides.head.interpreter.python:
        return head, head
    return read_installed(sides.base.interpreter), head
