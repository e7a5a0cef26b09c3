"""Stored results in, rows out: what measurements of the past may say about a change.

Between two runs of the same code a hosted machine differs by more than most changes do, and
nothing in the samples shows it: every process of a run shares the difference. So results of
different runs claim nothing. Only what one run measured on both sides is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, summary
from perfkit.gate.environments import differences
from perfkit.gate.evidence import Evidence
from perfkit.gate.floors import floor_of
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Environment,
    EnvironmentDifference,
    Sample,
    Shift,
    Unit,
    Verdict,
)
from perfkit.stats import compare_samples

LONGEST_PAUSE = 10 * 60 * 1000
"""Milliseconds between two commits of one run of asv, which does not name its runs.

Between them asv only builds. Two jobs on runners of the same name can be as close, which no file
shows; a longer pause is taken for another run, which costs no more than a verdict.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when a stored sample was measured.

    ``run`` is the identity of perfkit's run; None in what asv wrote. ``machine`` is the name of
    the machine's results folder. ``started`` and ``ended`` bound the measuring of the commit, in
    milliseconds since 1970. ``environment`` is None where the file does not tell it.
    """

    run: str | None
    machine: str
    started: int
    ended: int
    environment: Environment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSample:
    """A sample of a stored result, and where it comes from."""

    sample: Sample
    origin: Origin


def same_run(one: Origin, other: Origin) -> bool:
    """Whether both were measured in one go on one machine, as far as the files say."""
    if one.machine != other.machine:
        return False
    if one.run is not None or other.run is not None:
        return one.run == other.run
    return max(one.started, other.started) - min(one.ended, other.ended) <= LONGEST_PAUSE


def stored_shift(base: Sample, head: Sample, thresholds: Thresholds) -> Shift:
    """Return the shift between two samples that were not interleaved, under their rule."""
    return compare_samples(
        base.processes,
        head.processes,
        design="sequential",
        floor=floor_of(base, thresholds).value,
        alpha=thresholds.regression.alpha,
        better=head.better,
        exact=base.exact and head.exact,
        steady=base.unit is Unit.BYTES,
    )


def judge_stored(
    base: Sequence[StoredSample],
    head: Sequence[StoredSample],
    thresholds: Thresholds,
    *,
    today: date,
    remedy: str,
) -> tuple[Comparison, ...]:
    """Return one row per benchmark of either side, sorted by name.

    Where a side holds several results of a benchmark, those of one run are compared, else those
    of one machine, else the newest. A row is judged as :func:`perfkit.gate.comparisons.judge` does
    when both results are of one run. Otherwise it is INCONCLUSIVE and says ``remedy``, whatever
    the values look like; equal values of an exact metric stay UNCHANGED.
    """
    before, after = _by_benchmark(base), _by_benchmark(head)
    identities = before.keys() | after.keys()
    pairs = {one: _pair(before.get(one, ()), after.get(one, ())) for one in identities}
    chosen_base = {identity: one for identity, (one, _) in pairs.items() if one is not None}
    chosen_head = {identity: one for identity, (_, one) in pairs.items() if one is not None}
    other_source = {
        identity
        for identity in chosen_base.keys() & chosen_head.keys()
        if not _same_source(chosen_base[identity].sample, chosen_head[identity].sample)
    }
    judged = judge(
        Evidence(
            base={identity: one.sample for identity, one in chosen_base.items()},
            head={identity: one.sample for identity, one in chosen_head.items()},
            expected=frozenset(identities) - other_source,
            in_base=frozenset(chosen_base),
        ),
        thresholds,
        today=today,
        shift_of=lambda before, after: stored_shift(before, after, thresholds),
    )
    rows = [_another_source(chosen_head[identity].sample, remedy) for identity in other_source]
    for row in judged:
        one, other = pairs[row.benchmark]
        if other is None:
            rows.append(replace(row, verdict=Verdict.MISSING, reason="no stored result of head"))
        elif one is None:
            rows.append(_without_base(row))
        else:
            rows.append(_as_far_as_known(row, one.origin, other.origin, remedy))
    return tuple(sorted(rows, key=lambda row: row.benchmark))


def stored_differences(
    base: Sequence[StoredSample], head: Sequence[StoredSample]
) -> tuple[EnvironmentDifference, ...]:
    """Return what differs between the places in which any compared pair was measured."""
    before, after = _by_benchmark(base), _by_benchmark(head)
    found: dict[EnvironmentDifference, None] = {}
    for identity in sorted(before.keys() & after.keys()):
        one, other = _pair(before[identity], after[identity])
        if one is not None and other is not None:
            found |= dict.fromkeys(_moved(one.origin, other.origin))
    return tuple(found)


def _moved(before: Origin, after: Origin) -> tuple[EnvironmentDifference, ...]:
    if before.environment is None or after.environment is None:
        return ()
    return differences(before.environment, after.environment)


def _by_benchmark(side: Sequence[StoredSample]) -> dict[BenchmarkId, list[StoredSample]]:
    found: dict[BenchmarkId, list[StoredSample]] = {}
    for one in side:
        found.setdefault(one.sample.benchmark, []).append(one)
    return found


def _pair(
    base: Sequence[StoredSample], head: Sequence[StoredSample]
) -> tuple[StoredSample | None, StoredSample | None]:
    """Return the results that are compared; one of the sides may be empty."""
    if not base or not head:
        newest = max(base or head, key=lambda one: one.origin.started)
        return (newest, None) if base else (None, newest)

    def preference(pair: tuple[StoredSample, StoredSample]) -> tuple[bool, bool, int, int]:
        one, other = pair[0].origin, pair[1].origin
        return same_run(one, other), one.machine == other.machine, other.started, one.started

    return max(product(base, head), key=preference)


def _same_source(base: Sample, head: Sample) -> bool:
    """Whether both commits' suites measured the same thing: each stored what its own suite did."""
    known = base.source_hash is not None and head.source_hash is not None
    if known and base.source_hash != head.source_hash:
        return False
    return (base.unit, base.better) == (head.unit, head.better)


def _another_source(head: Sample, remedy: str) -> Comparison:
    return Comparison(
        benchmark=head.benchmark,
        unit=head.unit,
        verdict=Verdict.INCONCLUSIVE,
        head=summary(head) if head.processes else None,
        reason=f"not comparable: the benchmark's own source differs between the stored results;"
        f" {remedy}",
    )


def _without_base(row: Comparison) -> Comparison:
    if row.verdict is not Verdict.NEW:
        return row  # head itself failed
    return replace(row, reason="no stored result of base")


def _as_far_as_known(row: Comparison, before: Origin, after: Origin, remedy: str) -> Comparison:
    """Return the row with what its two runs allow it to claim."""
    if row.verdict in {Verdict.FAILED, Verdict.MISSING, Verdict.NEW}:
        return row
    if same_run(before, after):
        return row
    if row.verdict is Verdict.UNCHANGED and row.shift is not None and row.shift.design == "exact":
        return row
    where = (
        "in different runs"
        if before.machine == after.machine
        else "in different runs on different machines"
    )
    if moved := _moved(before, after):
        where += f" ({', '.join(one.fact for one in moved)} differ)"
    looks = ""
    match row.verdict:
        case Verdict.REGRESSED | Verdict.IMPROVED | Verdict.UNCHANGED:
            looks = f"looks {row.verdict}, but was "
        case Verdict.DIFFERENT_WORK:
            looks = f"{row.reason}, but "
    # Accepting a regression is for regressions: a waiver would pass what nobody knows.
    return replace(
        row,
        verdict=Verdict.INCONCLUSIVE,
        waived="",
        reason=f"{looks}measured {where}; {remedy}",
    )
