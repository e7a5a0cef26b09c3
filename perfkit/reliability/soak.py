"""Whether a load that goes on makes answers slower or a process larger. Pure.

A rise is a slope times the length of the soak, with its interval: above its limit only when the
whole interval is, within only when the whole interval is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.model import Interval, LoadJudgement, LoadObjective, LoadStatistic, Soak, Status
from perfkit.reliability.arrivals import Floats
from perfkit.reliability.record import LoadRecord, quantile_with_failures
from perfkit.stats.slope import slope_interval

STRETCHES, LEAST_STRETCHES = 24, 12
"""Into how many equal parts a soak is cut, each with one value, and their fewest."""

REQUESTS_EACH = 20
"""Requests without which a stretch has no tail."""

SETTLING = 0.25
"""Share of the soak whose memory is left out: imports, pools and caches of the first minutes."""

FALLING = 1 / 3
"""A slope over the last third that is less than this of the whole is that of something that fills,
as :mod:`perfkit.memory.growth` has it."""

Memory = Sequence[tuple[float, float]]
"""Seconds from the start of the load, and resident bytes."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose memory was seen: its name, or why none was."""

    name: str
    memory: Memory
    reason: str = ""


def judge_soak(
    record: LoadRecord, watched: Watched, *, p99_rise: float, memory_rise: float
) -> tuple[Soak, tuple[LoadJudgement, LoadJudgement]]:
    """Return what changed during the stage ``hold``, and whether it is within its limits.

    ``p99_rise`` is a share of the usual p99, ``memory_rise`` is in bytes.
    """
    slow, in_time = _judge_latency(record, p99_rise)
    grown, in_memory = _judge_memory(record, watched, memory_rise)
    soak = Soak(
        watched=watched.name,
        p99_slope=slow,
        memory_slope=grown,
        memory=tuple(watched.memory),
    )
    return soak, (in_time, in_memory)


def _judge_latency(record: LoadRecord, limit: float) -> tuple[Interval | None, LoadJudgement]:
    objective = LoadObjective("p99_rise", limit)
    held = _held(record)
    fewest = LEAST_STRETCHES * REQUESTS_EACH
    if len(held.due) < fewest:
        reason = f"{len(held.due)} requests are too few to tell: {fewest} may be enough"
        return None, LoadJudgement(objective, None, Status.INCONCLUSIVE, reason)
    values = p99_by_stretch(held.latency, held)
    if not np.isfinite(values).all():
        reason = "in some stretches so many requests failed that they have no p99"
        return None, LoadJudgement(objective, None, Status.INCONCLUSIVE, reason)
    seconds = _length(record)
    slope, rise = _rise(_middles(held.due, len(values)), values, seconds)
    share = _scaled(rise, 1 / float(np.median(values)))
    judged = _within("p99_rise", share, limit)
    if judged.status is Status.FAILED:
        own = p99_by_stretch(held.service, held)
        _, risen = _rise(_middles(held.due, len(own)), own, seconds)
        if risen.low / float(np.median(own)) <= limit:
            reason = "the generator got later and later, which explains it"
            judged = LoadJudgement(objective, share, Status.INCONCLUSIVE, reason)
    return slope, judged


def _judge_memory(
    record: LoadRecord, watched: Watched, limit: float
) -> tuple[Interval | None, LoadJudgement]:
    objective = LoadObjective("memory_rise", limit)
    start, seconds = _begin(record), _length(record)
    kept = [
        (at, size)
        for at, size in watched.memory
        if start + SETTLING * seconds <= at <= start + seconds
    ]
    stretches = min(STRETCHES, len(kept))
    if stretches < LEAST_STRETCHES:
        reason = watched.reason or f"memory was read {len(kept)} times, too few to tell"
        return None, LoadJudgement(objective, None, Status.INCONCLUSIVE, reason)
    # A buffer that is sometimes there leaves the least of a stretch alone; a leak lifts it.
    parts = np.array_split(np.array(kept), stretches)
    lowest = [part[int(np.argmin(part[:, 1]))] for part in parts]
    times, sizes = [float(one[0]) for one in lowest], [float(one[1]) for one in lowest]
    slope, rise = _rise(times, sizes, seconds)
    judged = _within("memory_rise", rise, limit)
    third = stretches // 3
    late = slope_interval(times[-third:], sizes[-third:]).estimate
    if judged.status is Status.FAILED and late < FALLING * slope.estimate:
        reason = "it rose at a falling slope, as a cache that fills does: soak longer"
        judged = LoadJudgement(objective, rise, Status.INCONCLUSIVE, reason)
    elif watched.reason:
        judged = LoadJudgement(objective, rise, Status.INCONCLUSIVE, watched.reason)
    return slope, judged


def p99_by_stretch(latency: Floats, record: LoadRecord) -> list[float]:
    """Return the p99 of equal numbers of requests in their order, infinite where many failed."""
    count = min(STRETCHES, len(latency) // REQUESTS_EACH)
    parts = zip(np.array_split(latency, count), np.array_split(record.failed, count), strict=True)
    return [quantile_with_failures(values, failed, 0.99) for values, failed in parts]


def _within(statistic: LoadStatistic, rise: Interval, limit: float) -> LoadJudgement:
    objective = LoadObjective(statistic, limit)
    if rise.low > limit:
        return LoadJudgement(objective, rise, Status.FAILED)
    if rise.high <= limit:
        return LoadJudgement(objective, rise, Status.PASSED)
    reason = "the limit lies within the interval: soak longer"
    return LoadJudgement(objective, rise, Status.INCONCLUSIVE, reason)


def _rise(
    times: Sequence[float], values: Sequence[float], seconds: float
) -> tuple[Interval, Interval]:
    slope = slope_interval(times, values)
    return slope, _scaled(slope, seconds)


def _scaled(found: Interval, factor: float) -> Interval:
    low, middle, high = (end * factor for end in (found.low, found.estimate, found.high))
    return Interval(low, middle, high, found.confidence)


def _middles(due: Floats, count: int) -> list[float]:
    return [float(np.median(part)) for part in np.array_split(due, count)]


def _hold(record: LoadRecord) -> int:
    return [stage.name for stage in record.stages].index("hold")


def _begin(record: LoadRecord) -> float:
    return sum(stage.seconds for stage in record.stages[: _hold(record)])


def _length(record: LoadRecord) -> float:
    """Return for how long was held, in seconds: less than planned where it was interrupted."""
    return min(record.stages[_hold(record)].seconds, record.seconds - _begin(record))


def _held(record: LoadRecord) -> LoadRecord:
    here = record.judged()
    return here.only(here.stage == _hold(record))
