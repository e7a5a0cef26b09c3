"""A record of a load as the few numbers and curves that people read. Pure."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from perfkit.model import LoadJudgement, LoadResult, LoadSecond, LoadStage, Status
from perfkit.reliability.judge import lag_quantile, status_of
from perfkit.reliability.record import LoadRecord, Outcome, quantile_with_failures

CURVE = (
    *(0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0),
)  # fmt: skip
"""Quantiles of the curve; those that so few requests cannot tell from the largest are left out."""

MOST_SECONDS = 3600
"""Points of the timeline; a longer load has longer ones."""


def summarize(
    record: LoadRecord,
    judged: Sequence[LoadJudgement],
    *,
    target: str,
    arrivals: str,
    notes: Sequence[str] = (),
) -> LoadResult:
    """Return what is shown of ``record``; nothing in it decides more than ``judged`` does."""
    seen = record.judged()
    status = status_of(judged)
    if not record.count(Outcome.OK) + record.count(Outcome.DEGRADED):
        status = Status.ERROR if status is not Status.FAILED else status
    return LoadResult(
        target=target,
        arrivals=arrivals,
        stages=tuple(_stage(record, index) for index in range(len(record.stages))),
        judgements=tuple(judged),
        errors=record.errors,
        degradations=record.degradations,
        seconds=record.seconds,
        cpu_seconds=record.cpu_seconds,
        timeline=tuple(_timeline(record)),
        curve=tuple(_curve(seen)),
        status=status,
        interrupted=record.interrupted,
        notes=tuple(notes),
    )


def _stage(record: LoadRecord, index: int) -> LoadStage:
    stage = record.stages[index]
    here = record.only((record.stage == index) & (record.outcome != Outcome.UNSENT))

    def latency(q: float) -> float:
        return quantile_with_failures(here.latency, here.failed, q)

    return LoadStage(
        name=stage.name,
        judged=stage.judged,
        seconds=stage.seconds,
        start_rate=stage.start,
        end_rate=stage.end,
        due=len(here.due),
        ok=here.count(Outcome.OK),
        degraded=here.count(Outcome.DEGRADED),
        errors=here.count(Outcome.ERROR),
        timeouts=here.count(Outcome.TIMEOUT),
        missed=here.count(Outcome.MISSED),
        p50=latency(0.5),
        p95=latency(0.95),
        p99=latency(0.99),
        largest=latency(1.0),
        service_p99=quantile_with_failures(here.service, here.failed, 0.99),
        lag_p99=lag_quantile(here, 0.99),
    )


def _timeline(record: LoadRecord) -> Iterator[LoadSecond]:
    due = record.only(record.outcome != Outcome.UNSENT)
    if not len(due.due):
        return
    length = max(1.0, float(due.due[-1]) / MOST_SECONDS)
    second = np.floor(due.due / length).astype(np.int64)
    # Requests are in the order in which they were due.
    bounds = np.searchsorted(second, np.arange(second[-1] + 2))
    for first, last in itertools.pairwise(bounds):
        latency, failed = due.latency[first:last], due.failed[first:last]
        yield LoadSecond(
            due=int(last - first),
            failed=int(np.count_nonzero(failed)),
            p50=quantile_with_failures(latency, failed, 0.5),
            p99=quantile_with_failures(latency, failed, 0.99),
        )


def _curve(record: LoadRecord) -> Iterator[tuple[float, float]]:
    for q in CURVE:
        if q in {0.0, 1.0} or (1 - q) * len(record.due) >= 1:
            value = quantile_with_failures(record.latency, record.failed, q)
            if not np.isnan(value):
                yield q, value
