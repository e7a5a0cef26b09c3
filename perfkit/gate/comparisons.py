"""Samples, rules and waivers in; one judged row per benchmark out."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from perfkit.config.thresholds import Metric, Thresholds
from perfkit.model import BenchmarkId, Comparison, Sample, Shift, Summary, Unit, Verdict
from perfkit.stats import (
    SequentialComparison,
    SuiteVerdict,
    compare_samples,
    judge_suite,
    representatives,
    trend_p_value,
)

METRIC: dict[Unit, Metric] = {
    Unit.SECONDS: "time",
    Unit.BYTES: "memory",
    Unit.COUNT: "count",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything measured for one comparison.

    ``base`` and ``head`` are the discovery rounds of the benchmarks that ran, ``base_again`` and
    ``head_again`` the independent rounds of the suspects. ``expected`` is every benchmark that
    must be answered for, ``missing`` those of them that head's suite lacks, ``skipped`` those that
    declined to run, by side. ``in_base`` are those
    that base's own suite has with the same source, so that base has to be able to run them.
    """

    base: Mapping[BenchmarkId, Sample]
    head: Mapping[BenchmarkId, Sample]
    expected: frozenset[BenchmarkId]
    missing: frozenset[BenchmarkId] = frozenset()
    skipped_base: frozenset[BenchmarkId] = frozenset()
    skipped_head: frozenset[BenchmarkId] = frozenset()
    in_base: frozenset[BenchmarkId] = frozenset()
    base_again: Mapping[BenchmarkId, Sample] | None = None
    head_again: Mapping[BenchmarkId, Sample] | None = None


def floor_of(base: Sample, thresholds: Thresholds) -> float:
    """Return the relative effect below which a change of this benchmark is not reported."""
    rule = thresholds.rule_for(str(base.benchmark), METRIC[base.unit])
    if rule.absolute_floor is not None and (centre := abs(_centre(base))) > 0:
        return max(rule.threshold, rule.absolute_floor.value / centre)
    return rule.threshold


def shift_between(
    base: Sample, head: Sample, thresholds: Thresholds, *, max_rounds: int | None = None
) -> Shift:
    """Return the shift of one benchmark under its rule, valid at any number of rounds.

    Both samples hold at least one process each, of the same rounds.
    """
    floor = floor_of(base, thresholds)
    if base.exact and head.exact:
        return compare_samples(
            base.processes, head.processes, floor=floor, better=head.better, exact=True
        )
    sequential = SequentialComparison(
        floor=floor,
        alpha=thresholds.regression.alpha,
        better=head.better,
        max_rounds=max_rounds or thresholds.regression.max_rounds,
    )
    return sequential.look(base.processes, head.processes)


def comparable(base: Sample | None, head: Sample | None) -> bool:
    """Whether both sides have values of the same work."""
    return (
        base is not None
        and head is not None
        and not base.failure
        and not head.failure
        and bool(base.processes)
        and bool(head.processes)
        and base.outcome == head.outcome
    )


def judge(
    evidence: Evidence,
    thresholds: Thresholds,
    *,
    today: date,
    shift_of: Callable[[Sample, Sample], Shift],
) -> tuple[Comparison, ...]:
    """Return one row per expected benchmark, sorted by name; nothing is left out silently.

    ``shift_of`` is :func:`shift_between` with the thresholds in force.
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
            for identity in evidence.base_again
            if comparable(evidence.base_again[identity], evidence.head_again.get(identity))
        }
    judged = judge_suite(shifts, alpha=thresholds.regression.alpha, confirmations=confirmations)
    rows = []
    for identity in sorted(evidence.expected):
        if identity in shifts:
            again = (confirmations or {}).get(identity)
            row = _compared(identity, evidence, shifts[identity], judged[identity], again)
        else:
            row = _not_compared(identity, evidence)
        rows.append(waived(row, thresholds, today))
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


def waived(row: Comparison, thresholds: Thresholds, today: date) -> Comparison:
    """Return the row with its waiver applied: accepted, or failing with the reason why not."""
    waiver = thresholds.waiver_for(str(row.benchmark), METRIC[row.unit])
    if waiver is None or row.verdict is not Verdict.REGRESSED or row.shift is None:
        return row
    if waiver.expired(today):
        return replace(row, reason=f"its waiver ({waiver.issue}) expired on {waiver.expires}")
    ratio = row.shift.ratio.estimate
    # A regression is far from 1 in either direction: where higher is better, it is below 1.
    worse = max(ratio, 1 / ratio) - 1 if ratio > 0 else math.inf
    if worse > waiver.ceiling:
        return replace(
            row, reason=f"beyond its waiver's ceiling of {waiver.ceiling:.3g} ({waiver.issue})"
        )
    return replace(row, waived=f"{waiver.reason} ({waiver.issue}, until {waiver.expires})")


def summary(sample: Sample) -> Summary:
    """Return the quartiles of the values that stand for the processes in the comparison.

    They are the very values that the shift is computed from, so that a row never contradicts
    itself.
    """
    centres = [float(value) for value in representatives(sample.processes, "sample", sample.better)]
    if len(centres) == 1:
        return Summary(median=centres[0], low=centres[0], high=centres[0], n=1)
    low, middle, high = statistics.quantiles(centres, n=4, method="inclusive")
    return Summary(median=middle, low=low, high=high, n=len(centres))


def _summary_or_none(sample: Sample | None) -> Summary | None:
    return summary(sample) if sample is not None and sample.processes else None


def _centre(sample: Sample) -> float:
    return float(statistics.median(representatives(sample.processes, "base", sample.better)))
