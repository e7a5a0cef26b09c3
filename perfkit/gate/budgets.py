"""Absolute budgets, judged on what was measured of the head side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfkit.config.thresholds import Budget
from perfkit.gate.evidence import Evidence
from perfkit.model import BenchmarkId, BudgetResult, Interval, Sample, Status, Unit
from perfkit.stats import quantile_interval

QUANTILE = {"median": 0.5, "p95": 0.95}

LEAST_TAIL = {"median": 1, "p95": 20}
"""Values needed before a quantile says anything: one in 20 is expected beyond p95."""


def judged_on(
    evidence: Evidence, memory: Sequence[Mapping[BenchmarkId, Sample]]
) -> dict[BenchmarkId, Sample]:
    """Return head's samples that budgets are judged on, with the memory beside each time.

    Of suspects those of the newest rounds, unless these were cut short: suspects were chosen for
    what their first rounds showed, which may be as few as three. ``memory`` is that of head in the
    sets of rounds, in order, by the benchmark that it was recorded beside; it counts without base,
    and however small. What failed has no memory that could keep a budget.
    """
    again = evidence.head_again or {}
    found = {
        identity: _longest([sample, again.get(identity, sample)])
        for identity, sample in evidence.head.items()
        if identity.beside is None
    }
    for owner in {identity for one in memory for identity in one}:
        sample = _longest([one[owner] for one in memory if owner in one])
        time = found.get(owner)
        failure = time.failure if time is not None else None
        found[sample.benchmark] = replace(sample, failure=failure or sample.failure)
    return found


def _longest(samples: Sequence[Sample]) -> Sample:
    """Return the sample of most processes, of equally long ones the last."""
    return max(reversed(samples), key=lambda one: len(one.processes))


def judge_budget(budget: Budget, sample: Sample | None) -> BudgetResult:
    """Return whether the budget is kept; a budget without a measurement is an error.

    Kept when the whole interval of the statistic lies within the limit, exceeded when all of it
    lies beyond, otherwise inconclusive.
    """
    unit = Unit(budget.limit.unit)
    row = BudgetResult(
        name=budget.name,
        statistic=budget.statistic,
        limit=budget.limit.value,
        unit=unit,
        status=Status.ERROR,
        why=budget.why,
        reason="not measured",
    )
    if sample is None:
        return row
    if sample.failure or not sample.processes:
        return replace(row, reason=sample.failure or "not measured")
    if sample.unit is not unit:
        return replace(row, reason=f"measures {sample.unit}, its limit is in {unit}")
    count = sum(len(process) for process in sample.processes)
    measured = _statistic(budget.statistic, sample)
    status, reason = Status.INCONCLUSIVE, "the interval reaches across the limit"
    if measured.low > budget.limit.value:
        status, reason = Status.FAILED, ""
    elif measured.high <= budget.limit.value:
        status, reason = Status.PASSED, ""
        if count < LEAST_TAIL.get(budget.statistic, 1):
            status = Status.INCONCLUSIVE
            reason = f"{count} values cannot show a {budget.statistic}"
    elif math.isinf(measured.high):
        reason = "too few processes for an interval"
    return replace(row, status=status, measured=measured, n=count, reason=reason)


def _statistic(name: str, sample: Sample) -> Interval:
    if name == "max":
        # The largest value seen: a fact about these calls, not an estimate about others.
        largest = max(max(process) for process in sample.processes)
        return Interval(largest, largest, largest, 0.95)
    return quantile_interval(sample.processes, QUANTILE[name])
