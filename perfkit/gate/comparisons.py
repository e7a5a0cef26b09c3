"""Samples, rules and waivers in; one judged row per benchmark out."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from perfkit.config.thresholds import Thresholds
from perfkit.gate.evidence import Evidence, comparable
from perfkit.gate.floors import Noise, floor_of
from perfkit.gate.waivers import excepted
from perfkit.model import (
    MOST_VALUES,
    BenchmarkId,
    Comparison,
    Sample,
    Shift,
    Summary,
    Unit,
    Verdict,
)
from perfkit.stats import (
    SequentialComparison,
    SuiteVerdict,
    compare_samples,
    judge_suite,
    needs_confirmation,
    representatives,
    trend_p_value,
)


def shift_between(
    base: Sample,
    head: Sample,
    thresholds: Thresholds,
    *,
    max_rounds: int | None = None,
    noise: Noise | None = None,
) -> Shift:
    """Return the shift of one benchmark under its rule, valid at any number of rounds.

    Both samples hold at least one process each, of the same rounds. Peak memory recorded beside a
    time is UNCHANGED where its whole interval lies inside the floor, though every value may
    differ: a process keeps a page more or less for many reasons.
    """
    floor = floor_of(base, thresholds, noise).value
    if base.exact and head.exact:
        return compare_samples(
            base.processes, head.processes, floor=floor, better=head.better, exact=True
        )
    sequential = SequentialComparison(
        floor=floor,
        alpha=thresholds.regression.alpha,
        better=head.better,
        max_rounds=max_rounds or thresholds.regression.max_rounds,
        steady=base.unit is Unit.BYTES,
    )
    shift = sequential.look(base.processes, head.processes)
    inside = 1 / (1 + floor) < shift.ratio.low and shift.ratio.high < 1 + floor
    if base.benchmark.beside is not None and shift.verdict is Verdict.INCONCLUSIVE and inside:
        return replace(shift, verdict=Verdict.UNCHANGED, rounds_needed=None, notes=())
    return shift


def judge(
    evidence: Evidence,
    thresholds: Thresholds,
    *,
    today: date,
    shift_of: Callable[[Sample, Sample], Shift],
    noise: Noise | None = None,
) -> tuple[Comparison, ...]:
    """Return one row per expected benchmark, sorted by name; nothing is left out silently.

    ``shift_of`` is :func:`shift_between` with the thresholds and the noise in force.
    """
    shifts = {
        identity: shift_of(evidence.base[identity], evidence.head[identity])
        for identity in sorted(evidence.expected)
        if comparable(evidence.base.get(identity), evidence.head.get(identity))
    }
    confirmations = None
    if evidence.base_again is not None and evidence.head_again is not None:
        confirmations = {
            identity: shift_of(evidence.base_again[identity], evidence.head_again[identity])
            for identity in needs_confirmation(shifts)
            if comparable(evidence.base_again.get(identity), evidence.head_again.get(identity))
        }
    judged = judge_suite(shifts, alpha=thresholds.regression.alpha, confirmations=confirmations)
    rows = []
    for identity in sorted(evidence.expected):
        if identity in shifts:
            again = (confirmations or {}).get(identity)
            row = _compared(identity, evidence, shifts[identity], judged[identity], again)
            floor = floor_of(evidence.base[identity], thresholds, noise)
            row = replace(row, floor_source=floor.source, why=floor.why)
        else:
            row = _not_compared(identity, evidence)
        rows.append(excepted(row, thresholds, today))
    return tuple(rows)


def _compared(
    identity: BenchmarkId,
    evidence: Evidence,
    first: Shift,
    judged: SuiteVerdict,
    again: Shift | None,
) -> Comparison:
    base, head, shift = evidence.base[identity], evidence.head[identity], first
    new_base = (evidence.base_again or {}).get(identity)
    new_head = (evidence.head_again or {}).get(identity)
    verdict, reason = judged.verdict, ""
    if again is not None and new_base is not None and new_head is not None:
        # The rounds that made a suspect of a benchmark overstate its change (they were selected
        # for it); the confirming rounds do not, so theirs is what is shown.
        base, head, shift = new_base, new_head, again
        if verdict is Verdict.INCONCLUSIVE:
            reason = not_confirmed(first)
    elif failure := _failure_again(new_base, new_head):
        verdict, reason = Verdict.FAILED, failure
    elif first.suspected and evidence.head_again is None:
        reason = f"looks {first.suspected}, but no verdict rests on so few rounds"
    elif verdict is Verdict.INCONCLUSIVE and first.apparent is not Verdict.INCONCLUSIVE:
        reason = (
            f"{first.apparent} at first sight, but no independent rounds confirm it"
            if evidence.head_again is not None
            else f"{first.apparent} at first sight, but not after counting all benchmarks"
        )
    return Comparison(
        benchmark=identity,
        unit=head.unit,
        verdict=verdict,
        base=summary(base),
        head=summary(head),
        shift=None if verdict is Verdict.FAILED else shift,
        first=first if shift is again or verdict is Verdict.FAILED else None,
        p_adjusted=judged.p_adjusted,
        threshold=shift.floor,
        outcome_base=base.outcome,
        outcome_head=head.outcome,
        reason=reason,
        warnings=tuple(
            dict.fromkeys((*base.notes, *head.notes, *shift.notes, *_trends(base, head)))
        ),
    )


def not_confirmed(first: Shift) -> str:
    """Return why a suspect is inconclusive after independent rounds."""
    return f"first rounds said {first.apparent}, independent rounds did not confirm it"


KEPT_DIGITS = 4
"""Significant digits of each process's value in a report; more would be noise in any plot."""

TREND_LEVEL = 0.001
"""A trend is only a warning, one row of many, so it has to be plain."""


def _trends(base: Sample, head: Sample) -> Iterator[str]:
    """Say where a side rose or fell while it was measured: its processes are not alike then."""
    for name, sample in (("base", base), ("head", head)):
        values = [float(v) for v in representatives(sample.processes, name, sample.better)]
        if trend_p_value(values) <= TREND_LEVEL:
            third = len(values) // 3
            early, late = statistics.median(values[:third]), statistics.median(values[-third:])
            word = "rises" if late > early else "falls"
            yield (
                f"{name} {word} from round to round: state that grows, a cache that fills, or a"
                " processor that slows down"
            )


def _failure_again(base: Sample | None, head: Sample | None) -> str:
    """Return how a suspect failed when it was measured again; empty where it did not."""
    for side, sample in (("head", head), ("base", base)):
        if sample is not None and sample.failure:
            return f"{side}, when measured again: {sample.failure}"
    return ""


def _not_compared(identity: BenchmarkId, evidence: Evidence) -> Comparison:
    base, head = evidence.base.get(identity), evidence.head.get(identity)
    known = head or base
    if identity in evidence.missing:
        verdict, reason = Verdict.MISSING, "not in the suite of head"
    elif identity in evidence.skipped_head:
        verdict, reason = Verdict.MISSING, "declined to run on head (skipped)"
    elif head is None or head.failure or not head.processes:
        reason = "not measured on head" if head is None or not head.failure else head.failure
        verdict = Verdict.FAILED
    elif base is None or base.failure or not base.processes:
        verdict, reason = _without_base(identity, base, evidence)
    else:
        verdict = Verdict.DIFFERENT_WORK
        reason = f"outcome was {base.outcome}, is {head.outcome}"
    return Comparison(
        benchmark=identity,
        unit=known.unit if known is not None else Unit.SECONDS,
        verdict=verdict,
        base=_summary_or_none(base),
        head=_summary_or_none(head),
        outcome_base=None if base is None else base.outcome,
        outcome_head=None if head is None else head.outcome,
        reason=reason,
    )


def _without_base(
    identity: BenchmarkId, base: Sample | None, evidence: Evidence
) -> tuple[Verdict, str]:
    """Return what head's values mean where base gave none to compare them with."""
    if identity in evidence.skipped_base:
        return Verdict.NEW, "base declined to run it"
    if base is None or not base.failure:
        return Verdict.NEW, "not measured on base"
    reason = f"base cannot run it: {base.failure}"
    # What base's own suite has, or what it ran in other rounds, is not new: calling it that would
    # let a regression pass because base happened to fail.
    known = identity in evidence.in_base or bool(base.processes)
    return (Verdict.FAILED if known else Verdict.NEW), reason


def summary(sample: Sample) -> Summary:
    """Return the quartiles of the values that stand for the processes in the comparison.

    They are the very values that the shift is computed from, so that a row never contradicts
    itself.
    """
    centres = [float(value) for value in representatives(sample.processes, "sample", sample.better)]
    if len(centres) == 1:
        (only,) = centres
        return Summary(median=only, low=only, high=only, n=1, values=_kept(centres))
    low, middle, high = statistics.quantiles(centres, n=4, method="inclusive")
    return Summary(median=middle, low=low, high=high, n=len(centres), values=_kept(centres))


def _kept(values: Sequence[float]) -> tuple[float, ...]:
    """Return ``values`` as a report keeps them: bounded in number and digits."""
    if len(values) > MOST_VALUES:
        step = (len(values) - 1) / (MOST_VALUES - 1)
        values = [values[round(index * step)] for index in range(MOST_VALUES)]
    return tuple(float(f"{value:.{KEPT_DIGITS}g}") for value in values)


def _summary_or_none(sample: Sample | None) -> Summary | None:
    return summary(sample) if sample is not None and sample.processes else None
