"""Which rate a server keeps pace with: a search over rates, and a judgement of each. Pure.

Below its capacity a server's latency stays where it is; above, what is due piles up, and the
latency from the intended start rises by (rate / capacity - 1) seconds in each second. So a step
needs no assumption on how fast the server should be, only that it does not get slower meanwhile.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.model import KneeStep, LoadObjective
from perfkit.reliability.arrivals import Floats
from perfkit.reliability.judge import QUANTILES, lag_quantile
from perfkit.reliability.record import LoadRecord, Outcome, quantile_with_failures
from perfkit.stats.slope import slope_interval
from perfkit.stats.trend import trend_p_value

FASTER = 2.0
"""Factor from a rate that held to the next, and back from one that did not."""

NEAR_ENOUGH = 1.05
"""The search ends when the lowest rate that did not hold is this close to the highest that did."""

MOST_GROWTH = 0.02
"""Seconds by which the latency may rise in a second: 2 % above the capacity."""

PLAIN_GROWTH = 0.2
"""From here on one attempt decides; nearer to the capacity two of three do."""

TREND_LEVEL = 0.01
"""The rise also has to be no chance (Mann-Kendall)."""

SETTLING = 0.2
"""Share of a step that is left out: connections open, and queues fill to their usual length."""

BLOCKS, LEAST_BLOCKS, IN_A_BLOCK = 16, 8, 3
"""Stretches of a step whose median latencies are compared, their fewest, and requests in each."""

LEAST_REQUESTS = math.ceil(LEAST_BLOCKS * IN_A_BLOCK / (1 - SETTLING))
"""Requests without which a step cannot be judged."""

MOST_FAILED = 0.01
"""Share of requests that may fail, unless an availability is wanted."""

MOST_LATE = 0.1
"""Share of a step by which the generator may be late (p99): the load was then another one."""

LOWEST = 1000.0
"""The search goes down to this part of the first rate, while anything is answered."""

ATTEMPTS = 3
"""Times that a rate is tried at most."""


class Search:
    """The rates tried so far, and the next one: doubling, then halving the interval on logs.

    The answer is asked once more where it was only seen on the way up, in a short step.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._held: list[float] = []
        self._sure = False
        self.above: float | None = None
        """Lowest rate that did not hold, or at which the generator was late."""
        self.late = False
        """Whether it is the generator that ``above`` speaks of."""
        self._answered = 0.0
        self._tried: list[KneeStep] = []

    @property
    def held(self) -> float | None:
        """The highest rate that held."""
        return self._held[-1] if self._held else None

    @property
    def near(self) -> bool:
        """Whether both ends are known, so that a wrong answer would not be found out any more."""
        return self.held is not None and self.above is not None

    def next_rate(self) -> float | None:
        """Return the rate to try, in requests a second; None when the search has ended."""
        if self._tried:
            return self._tried[-1].rate
        if self.held is None:
            if self.above is None:
                return self._start
            # What is answered under too much load is about the capacity.
            rate = min(self.above / FASTER, self._answered)
            return rate if rate >= self._start / LOWEST else None
        if self.above is None:
            return self.held * FASTER
        if self.above / self.held > NEAR_ENOUGH:
            return math.sqrt(self.held * self.above)
        return None if self._sure else self.held

    def note(self, step: KneeStep) -> None:
        """Take what came of the rate that :meth:`next_rate` gave."""
        self._tried.append(step)
        # A growth that is not known is no reason to doubt.
        doubtful = {
            "held": step.growth > MOST_GROWTH,
            "not held": step.growth < PLAIN_GROWTH,
            "late": True,
        }
        if len(self._tried) == 1 and not doubtful[step.verdict]:
            self._settle(step)
        else:
            self._by_majority()

    def _by_majority(self) -> None:
        for verdict in ("held", "not held"):
            alike = [one for one in self._tried if one.verdict == verdict]
            if len(alike) > ATTEMPTS // 2:
                self._settle(alike[-1])
                return
        if len(self._tried) >= ATTEMPTS:
            self._settle(next(one for one in self._tried if one.verdict == "late"))

    def _settle(self, step: KneeStep) -> None:
        self._tried.clear()
        again = step.rate == self.held
        if step.verdict == "held":
            self._sure = self.near
            if not again:
                self._held.append(step.rate)
        else:
            if again:
                self._held.pop()
                self._sure = False
            self.above, self.late = step.rate, step.verdict == "late"
            self._answered = step.answered_rate


@dataclass(frozen=True, slots=True)
class Judged:
    """A step as it is told, and the median latency in seconds, by which the next is long enough."""

    step: KneeStep
    median: float


def judge_step(record: LoadRecord, rate: float, objectives: Sequence[LoadObjective]) -> Judged:
    """Return whether the server kept pace with ``rate``; ``record`` is of this step alone.

    ``objectives`` have to be kept by the step's own statistics, without an interval.
    """
    growth, rises = growth_of(record.latency, record.due)
    _, served_slower = growth_of(record.service, record.due)
    answered = np.flatnonzero(record.outcome == Outcome.OK)
    took = float(np.nanmax(record.done) - record.due[0]) if len(answered) else math.inf

    def judged(verdict: str, reason: str) -> Judged:
        step = KneeStep(
            rate=rate,
            verdict="held" if verdict == "held" else "late" if verdict == "late" else "not held",
            reason=reason,
            growth=growth,
            answered_rate=len(answered) / took if took > 0 else 0.0,
        )
        return Judged(step, quantile_with_failures(record.latency, record.failed, 0.5))

    failed, count = int(np.count_nonzero(record.unavailable)), len(record.due)
    wanted = [one.limit for one in objectives if one.statistic == "availability"]
    if failed > count * (1 - min(wanted, default=1 - MOST_FAILED)):
        return judged("not held", f"{failed} of {count} requests failed or were degraded")
    if rises and served_slower:
        return judged("not held", f"latency rose by {growth:.2g} s in each second")
    late = lag_quantile(record, 0.99)
    if rises or not late <= MOST_LATE * float(record.due[-1] - record.due[0]):
        return judged("late", f"the generator was {late * 1e3:.3g} ms late (p99)")
    for one in objectives:
        if one.statistic not in QUANTILES:
            continue
        q = QUANTILES[one.statistic]
        if quantile_with_failures(record.latency, record.failed, q) > one.limit:
            own = quantile_with_failures(record.service, record.failed, q)
            verdict = "not held" if own > one.limit else "late"
            return judged(verdict, f"{one.statistic} above {one.limit * 1e3:g} ms")
    return judged("held", "")


def growth_of(latency: Floats, due: Floats) -> tuple[float, bool]:
    """Return by how many seconds ``latency`` rises in a second, and whether that is too much.

    NaN and no where there are too few answers to tell.
    """
    known = np.isfinite(latency) & (due >= due[0] + SETTLING * (due[-1] - due[0]))
    values, times = latency[known], due[known]
    blocks = min(BLOCKS, len(values) // IN_A_BLOCK)
    if blocks < LEAST_BLOCKS:
        return math.nan, False
    medians = [float(np.median(part)) for part in np.array_split(values, blocks)]
    middles = [float(np.median(part)) for part in np.array_split(times, blocks)]
    slope = slope_interval(middles, medians).estimate
    return slope, slope > MOST_GROWTH and trend_p_value(medians) < TREND_LEVEL
