"""Two revisions measured against each other now, on this machine, and judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.benchmarking.build import Side, built
from perfkit.benchmarking.discovery import Benchmark, discover, select
from perfkit.benchmarking.installed import Installed, moved, read_installed
from perfkit.benchmarking.isolation import existing
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.quiet import Quiet
from perfkit.benchmarking.session import (
    Measurement,
    Plan,
    Progress,
    measure,
    warnings_of_load,
)
from perfkit.benchmarking.suite import Suite
from perfkit.config.thresholds import Thresholds
from perfkit.errors import ConfigError, MeasurementError
from perfkit.forge.git import Repository
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence, comparable
from perfkit.gate.floors import Noise
from perfkit.gate.memory import with_memory, with_memory_again
from perfkit.gate.shards import Part, part_of, shard_note, suite_digest
from perfkit.gate.waivers import exceptions_of
from perfkit.model import (
    BenchmarkId,
    Environment,
    Report,
    Revision,
    Sample,
    Shard,
    Shift,
    Verdict,
)
from perfkit.stats import needs_confirmation
from perfkit.stats.first_sight import FEWEST

if TYPE_CHECKING:
    from perfkit.benchmarking.schedule import SideName


MOST_NAMED = 5
"""Packages that a warning names; an upgrade of everything would fill a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both built revisions of a comparison."""

    base: Side
    head: Side


@contextmanager
def both_built(
    repository: Repository,
    base: Revision,
    head: Revision,
    suite: Suite,
    *,
    isolate: bool = False,
) -> Iterator[Sides]:
    """Hold both revisions built: exactly two builds, however many rounds follow."""
    with ExitStack() as stack:
        yield Sides(
            base=stack.enter_context(built(repository, base, suite, isolate=isolate)),
            head=stack.enter_context(built(repository, head, suite, isolate=isolate)),
        )


def installed_sides(repository: Repository, suite: Suite, base: Path, head: Path) -> Sides:
    """Return two interpreters that have the project installed, measured with the suite as it is.

    Nothing is built. Raises as :func:`perfkit.benchmarking.isolation.existing`.
    """
    here = repository.working_tree()

    def side(python: Path) -> Side:
        return Side(
            revision=replace(here, label=str(python)),
            suite=suite,
            interpreter=existing(python),
            requirements=(),
        )

    return Sides(base=side(base), head=side(head))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What has to be answered for: head's benchmarks, and base's that head lacks.

    ``in_base`` are the measured ones that base's suite has with the same source. ``shard`` is the
    manifest where this is one shard's part of it.
    """

    benchmarks: tuple[Benchmark, ...]
    measured: tuple[BenchmarkId, ...]
    missing: tuple[BenchmarkId, ...]
    in_base: frozenset[BenchmarkId]
    whole: bool = True
    """Whether this is the whole suite, and not what patterns selected."""
    shard: Shard | None = None

    @property
    def versions(self) -> dict[BenchmarkId, str]:
        """The digest of each benchmark's source."""
        return {identity: one.version for one in self.benchmarks for identity in one.ids}


def expected_of(sides: Sides, patterns: Sequence[str]) -> Expected:
    """Discover both suites and return what the patterns select of them.

    Head's suite is what runs on both sides, so that both do the same. A suite of base that no
    longer imports cannot name what is missing, which is then said by its own error.
    """
    benchmarks = discover(sides.head.suite, sides.head.interpreter)
    former: tuple[Benchmark, ...] = ()
    if sides.base.suite.benchmarks.is_dir():
        former = discover(sides.base.suite, sides.base.interpreter)
    current = {identity: one.version for one in benchmarks for identity in one.ids}
    previous = {identity: one.version for one in former for identity in one.ids}
    gone = [identity for identity in previous if identity not in current]
    chosen = select([*current, *sorted(gone)], patterns)
    return Expected(
        benchmarks=benchmarks,
        measured=tuple(identity for identity in chosen if identity in current),
        missing=tuple(identity for identity in chosen if identity not in current),
        in_base=frozenset(one for one in chosen if current.get(one) == previous.get(one)),
        whole=not patterns,
    )


def in_shard(expected: Expected, part: Part, *, project: str, alpha: float) -> Expected:
    """Return what one shard has to answer for; its manifest names what all of them have to."""
    every = (*expected.measured, *expected.missing)
    caches = {one.name: one.setup_cache for one in expected.benchmarks if one.setup_cache}
    versions = {identity: one.version for one in expected.benchmarks for identity in one.ids}
    own = set(part_of(part, every, caches))
    return replace(
        expected,
        measured=tuple(identity for identity in expected.measured if identity in own),
        missing=tuple(identity for identity in expected.missing if identity in own),
        shard=Shard(
            index=part.index,
            count=part.count,
            project=project,
            suite=suite_digest({identity: versions.get(identity, "") for identity in every}),
            version=__version__,
            alpha=alpha,
            expected=tuple(sorted(every)),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The judged report, and the head samples that budgets are judged on."""

    report: Report
    head: dict[BenchmarkId, Sample]


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
    if not expected.measured and not expected.missing and expected.shard is None:
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
    with ExitStack() as stack:
        running: Mapping[SideName, MeasuredSide] = {
            "base": stack.enter_context(MeasuredSide(sides.base, affinity=environment.affinity)),
            "head": stack.enter_context(MeasuredSide(sides.head, affinity=environment.affinity)),
        }

        def rounds(
            identities: Sequence[BenchmarkId], plan: Plan, *, confirming: bool = False
        ) -> Measurement:
            return measure(
                running,
                expected.benchmarks,
                identities,
                plan,
                suite=suite,
                standing=standing if confirming else standing_at_first,
                clock=clock,
                on_progress=lambda one: on_progress(replace(one, confirming=confirming)),
                quiet=quiet,
            )

        first = rounds(expected.measured, replace(plan, first_look=FEWEST))
        again = None
        evidence = _evidence(expected, first, thresholds)
        suspects = _suspects(evidence, shift_of)
        if suspects and not first.interrupted:
            # Confirming takes min_rounds, whatever the time; more only within what is left of it.
            left = max(0.0, plan.seconds - first.seconds)
            later = replace(plan, seconds=left, seed=seed + 1)
            again = rounds(suspects, later, confirming=True)
    if again is not None:
        evidence = _confirming(evidence, again, shift_of)
    rows = judge(evidence, thresholds, today=today, shift_of=shift_of, noise=noise)
    shard = expected.shard
    if shard is not None:
        shard = replace(shard, skipped=tuple(sorted(_skipped_on_both(first))))
    report = Report(
        command=command,
        base=sides.base.revision,
        head=sides.head.revision,
        environment=replace(environment, packages_digest=installed[1].digest),
        comparisons=rows,
        waivers=exceptions_of(
            rows,
            thresholds,
            today=today,
            # What other shards measure is known as well; they say how it went.
            skipped=_skipped_on_both(first) | set(shard.expected if shard else ()),
            whole=expected.whole and not first.interrupted,
        ),
        rounds=first.rounds + (0 if again is None else again.rounds),
        seconds=first.seconds + (0.0 if again is None else again.seconds),
        interrupted=first.interrupted or (again is not None and again.interrupted),
        warnings=(
            *_warnings(
                sides, first, out_of_time=first.out_of_time or bool(again and again.out_of_time)
            ),
            *_warnings_of_packages(*installed),
            *warnings_of_load([one for one in (first, again) if one is not None]),
            *(
                []
                if shard is None
                else [shard_note(shard, len(expected.measured) + len(expected.missing))]
            ),
        ),
        shard=shard,
    )
    return Compared(report=report, head=_longer(evidence))


def _longer(evidence: Evidence) -> dict[BenchmarkId, Sample]:
    """Return head's samples, of suspects those of the new rounds unless these were cut short.

    Suspects were chosen for what their first rounds showed, which may be as few as three.
    """
    known, again = evidence.head, evidence.head_again or {}
    return {
        identity: max(again.get(identity, sample), sample, key=lambda one: len(one.processes))
        for identity, sample in known.items()
    }


def _evidence(expected: Expected, first: Measurement, thresholds: Thresholds) -> Evidence:
    """Return what the discovery rounds gave, with the memory beside the times."""
    evidence = Evidence(
        base=first.samples["base"],
        head=first.samples["head"],
        expected=frozenset((*expected.measured, *expected.missing)) - _skipped_on_both(first),
        missing=frozenset(expected.missing),
        skipped_base=frozenset(first.skipped["base"]),
        skipped_head=frozenset(first.skipped["head"]),
        in_base=expected.in_base,
    )
    if thresholds.regression.memory == "ignored":
        return evidence
    return with_memory(evidence, first.memory["base"], first.memory["head"])


def _confirming(
    evidence: Evidence, again: Measurement, shift_of: Callable[[Sample, Sample], Shift]
) -> Evidence:
    """Return the evidence with the independent rounds of the suspects.

    Where only the time was suspected, after a few rounds, its memory has too few of them to be
    judged. It is then judged on the new rounds, which confirm nothing of it.
    """
    told = with_memory_again(
        replace(evidence, base_again=again.samples["base"], head_again=again.samples["head"]),
        again.memory["base"],
        again.memory["head"],
    )
    base, head = dict(told.base_again or {}), dict(told.head_again or {})
    base_first, head_first = dict(told.base), dict(told.head)
    for identity in [one for one in base if one.beside is not None and one in head]:
        first, new = (told.base[identity], told.head[identity]), (base[identity], head[identity])
        few = len(first[1].processes) < len(new[1].processes)
        if few and comparable(*first) and not needs_confirmation({identity: shift_of(*first)}):
            base_first[identity], head_first[identity] = base.pop(identity), head.pop(identity)
    return replace(told, base=base_first, head=head_first, base_again=base, head_again=head)


def _suspects(
    evidence: Evidence, shift_of: Callable[[Sample, Sample], Shift]
) -> tuple[BenchmarkId, ...]:
    """Return the benchmarks to measure again: those whose time or memory looks changed."""
    shifts = {
        identity: shift_of(evidence.base[identity], evidence.head[identity])
        for identity in evidence.base
        if comparable(evidence.base[identity], evidence.head.get(identity))
    }
    return tuple(dict.fromkeys(one.beside or one for one in needs_confirmation(shifts)))


def _skipped_on_both(measured: Measurement) -> set[BenchmarkId]:
    return measured.skipped["base"] & measured.skipped["head"]


def _warnings(sides: Sides, measured: Measurement, *, out_of_time: bool) -> Iterator[str]:
    base, head = sides.base, sides.head
    same = base.revision.commit == head.revision.commit and not head.revision.dirty
    if same and base.interpreter.python == head.interpreter.python:
        yield "base and head are the same commit: every difference is noise"
    same_python = base.interpreter.python == head.interpreter.python
    if same_python and base.requirements != head.requirements:
        moved = sorted(set(base.requirements) ^ set(head.requirements))
        yield (
            f"the requirements differ ({', '.join(moved)}), but both sides were measured with the"
            " packages of this interpreter"
        )
    skipped = _skipped_on_both(measured)
    if skipped:
        yield f"{len(skipped)} skipped on both sides: {', '.join(map(str, sorted(skipped)))}"
    if out_of_time:
        yield "the time budget ended before every benchmark was decided"


def _installed(sides: Sides) -> tuple[Installed, Installed]:
    """Return what each side is measured with besides the project itself."""
    head = read_installed(sides.head.interpreter)
    if sides.base.interpreter.python == sides.head.interpreter.python:
        return head, head
    return read_installed(sides.base.interpreter), head


def _warnings_of_packages(base: Installed, head: Installed) -> Iterator[str]:
    if differing := moved(base, head):
        shown = ", ".join(differing[:MOST_NAMED])
        more = len(differing) - MOST_NAMED
        yield (
            f"the sides have other packages, so a change may be theirs: {shown}"
            + (f" and {more} more" if more > 0 else "")
        )


def suite_in(repository: Repository, suite: Suite) -> Suite:
    """Return the suite after checking that it lies inside the repository that is compared."""
    root = repository.root.resolve()
    if root not in suite.benchmarks.parents and root != suite.benchmarks:
        raise ConfigError(
            f"{suite.config}: benchmark_dir is {suite.benchmarks}, outside the repository {root};"
            " perfkit measures the suite of each commit, so keep it inside."
        )
    return suite
