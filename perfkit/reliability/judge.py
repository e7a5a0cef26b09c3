"""A record of a load against its objectives. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.model import Interval, LoadJudgement, LoadObjective, LoadStatistic, Status
from perfkit.reliability.arrivals import Floats
from perfkit.reliability.record import LoadRecord, Outcome
from perfkit.stats.proportion import fewest_to_show, judge_share, share_interval

QUANTILES: dict[LoadStatistic, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}

LEVEL = 0.95
RESAMPLES = 1000
BLOCK = 1.0
"""Seconds of load that are resampled together: requests of the same moment share a stall."""

MOST_LAG = 5e-3
"""Seconds that the generator may be late, at its 0.99 quantile, for its load to be the planned."""


def judge_load(
    record: LoadRecord, objectives: Sequence[LoadObjective], *, seed: int = 0
) -> tuple[LoadJudgement, ...]:
    """Return an answer for each objective; a quantile counts failures as slower than any answer."""
    seen = record.judged()
    late = lag_quantile(seen, 0.99)
    rng = np.random.default_rng(seed)
    return tuple(_judge(seen, objective, late, rng) for objective in objectives)


def lag_quantile(record: LoadRecord, q: float) -> float:
    """Return the ``q`` quantile of the generator's own delay, seconds; NaN if nothing was sent."""
    sent = record.lag[np.isfinite(record.lag)]
    return float(np.quantile(sent, q, method="inverted_cdf")) if len(sent) else math.nan


def _judge(
    record: LoadRecord, objective: LoadObjective, late: float, rng: np.random.Generator
) -> LoadJudgement:
    if not len(record.due):
        return LoadJudgement(objective, None, Status.INCONCLUSIVE, "no request was due")
    own = without_the_generator(record, late)
    if objective.statistic == "availability":
        failures, total = int(np.count_nonzero(record.unavailable)), len(record.due)
        measured = share_interval(failures, total)
        share = judge_share(failures, total, objective.limit)
        within, beyond = share is Status.PASSED, share is Status.FAILED
        excused = judge_share(failures - own.excused, total, objective.limit)
        explained = beyond and excused is not Status.FAILED
    else:
        q = QUANTILES[objective.statistic]
        measured = latency_interval(record, q, rng)
        # That these requests waited too long is a fact of this load; that others would not
        # is a claim, for which a stall in one of a few seconds has to count.
        within = measured.high <= objective.limit
        beyond = order_interval(ranked(record), q).low > objective.limit
        explained = beyond and order_interval(own.latency, q).low <= objective.limit
    if explained:
        return LoadJudgement(objective, measured, Status.INCONCLUSIVE, _late(own, late))
    if beyond:
        return LoadJudgement(objective, measured, Status.FAILED)
    if not late <= MOST_LAG:
        reason = (
            f"the generator was {late * 1e3:.3g} ms late (p99), so the rate was not the planned"
        )
        return LoadJudgement(objective, measured, Status.INCONCLUSIVE, reason)
    if within:
        return LoadJudgement(objective, measured, Status.PASSED)
    return LoadJudgement(objective, measured, Status.INCONCLUSIVE, _too_few(record, objective))


@dataclass(frozen=True, slots=True)
class Own:
    """What is the server's own of a load, after all that the generator's delay could explain.

    ``latency`` in rising order, seconds, infinite for failures; ``excused`` are the requests that
    were not sent because those that the generator sent late were still waiting.
    """

    latency: Floats
    excused: int


def without_the_generator(record: LoadRecord, late: float) -> Own:
    """Return what is left of a record when the generator's delay counts for nothing.

    A request that was missed when it was due found the server still busy, which is the server's.
    One that was missed later than that, or in a load whose generator was late, may be one of a
    burst that the generator made itself: it counts as answered at once.
    """
    missed = record.outcome == Outcome.MISSED
    # Where nothing is known of when it was missed, the lag of the whole load decides.
    excused = missed & ((record.ended - record.due > MOST_LAG) | (not late <= MOST_LAG))
    latency = np.where(record.failed & ~excused, np.inf, record.service)
    return Own(np.sort(np.where(excused, 0.0, latency)), int(np.count_nonzero(excused)))


def _late(own: Own, late: float) -> str:
    missed = f", and {own.excused} requests were not sent meanwhile" if own.excused else ""
    if math.isnan(late):
        return f"the generator was late{missed}, which explains it"
    return f"the generator was up to {late * 1e3:.3g} ms late (p99){missed}, which explains it"


def _too_few(record: LoadRecord, objective: LoadObjective) -> str:
    requests = len(record.due)
    if objective.statistic == "availability":
        needed = fewest_to_show(objective.limit, int(np.count_nonzero(record.unavailable)))
        if needed is None:
            return "no number of requests shows that none ever fails"
        return f"{requests} requests are too few to tell: {needed} with as many failures would"
    return f"{requests} requests are too few to tell: the limit lies within the interval"


def ranked(record: LoadRecord) -> Floats:
    """Return latencies in rising order, seconds; failed requests are infinite and stand last."""
    return np.sort(np.where(record.failed, np.inf, record.latency))


def order_interval(values: Floats, q: float) -> Interval:
    """Return the ``q`` quantile of rising ``values``, with its 95 % interval from order statistics.

    For independent values of any distribution (H. A. David and H. N. Nagaraja, Order Statistics,
    2003, section 7.1). The interval of the maximum is the maximum alone: nothing is claimed about
    a longer load.
    """
    from scipy.stats import binom

    estimate = float(np.quantile(values, q, method="inverted_cdf"))
    if q >= 1:
        return Interval(estimate, estimate, estimate, LEVEL)
    n, tail = len(values), (1 - LEVEL) / 2
    first, last = (int(rank) for rank in binom.ppf([tail, 1 - tail], n, q))
    # Beyond the largest value seen nothing is known.
    high = float(values[last]) if last < n else math.inf
    return Interval(float(values[max(first - 1, 0)]), estimate, high, LEVEL)


def latency_interval(record: LoadRecord, q: float, rng: np.random.Generator) -> Interval:
    """Return a quantile of the latency in seconds with its 95 % interval.

    The wider of two: :func:`order_interval`, and a bootstrap of blocks of one second, since a stall
    hits all requests of its time (H. R. Künsch, Annals of Statistics 17, 1989).
    """
    found = order_interval(ranked(record), q)
    drawn = _block_bootstrap(record, q, rng) if q < 1 else np.empty(0)
    if not len(drawn):
        return found
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    low, high = min(found.low, float(low)), max(found.high, float(high))
    return Interval(low, found.estimate, high, LEVEL)


def _block_bootstrap(record: LoadRecord, q: float, rng: np.random.Generator) -> Floats:
    values = np.where(record.failed, np.inf, record.latency)
    block = np.floor((record.due - record.due.min()) / BLOCK).astype(np.int64)
    blocks = [values[block == one] for one in np.unique(block)]
    if len(blocks) < 2:  # noqa: PLR2004 - one block says nothing of differences
        return np.empty(0)
    drawn = rng.integers(len(blocks), size=(RESAMPLES, len(blocks)))
    return np.array(
        [
            np.quantile(np.concatenate([blocks[one] for one in row]), q, method="inverted_cdf")
            for row in drawn
        ]
    )


def status_of(judged: Sequence[LoadJudgement]) -> Status:
    """Return the worst answer; without objectives nothing can fail."""
    for status in (Status.FAILED, Status.INCONCLUSIVE):
        if any(one.status is status for one in judged):
            return status
    return Status.PASSED
