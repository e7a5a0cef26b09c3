"""What happened to each request of a load."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from perfkit.reliability.arrivals import Floats, Integers, Stage


class Outcome(IntEnum):
    """How a request ended; everything but OK and DEGRADED is a failure, and only OK is good."""

    OK = 0
    ERROR = 1
    """The server answered with an error, or the connection failed."""
    TIMEOUT = 2
    """No answer within the time allowed after sending."""
    MISSED = 3
    """Due and never sent: as many as allowed were already waiting for an answer."""
    UNSENT = 4
    """Never due, because the load was interrupted before; in no count."""
    DEGRADED = 5
    """Answered, but not with the real answer, as the answer itself says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """Every request, one element each, in the order in which they were due; times in seconds.

    ``due``, ``sent``, ``done`` and ``ended`` count from the start of the load; ``sent`` is NaN
    where a request was not sent, ``done`` where it was not answered, ``ended`` (answered or
    failed) where it was never due.
    """

    due: Floats
    sent: Floats
    done: Floats
    ended: Floats
    outcome: npt.NDArray[np.int8]
    stage: Integers
    stages: tuple[Stage, ...]
    errors: Mapping[str, int]
    """What errors said, and how often."""
    degradations: Mapping[str, int] = field(default_factory=dict)
    """Why answers were degraded, and how often."""
    seconds: float
    cpu_seconds: float
    """Processor time of the generator's process meanwhile."""
    interrupted: bool = False

    @property
    def latency(self) -> Floats:
        """Seconds from when each was due to its answer, as a user waits; NaN without one."""
        return self.done - self.due

    @property
    def service(self) -> Floats:
        """Seconds from the actual sending to the answer: what closed-loop tools call latency."""
        return self.done - self.sent

    @property
    def lag(self) -> Floats:
        """Seconds by which the generator itself was late; NaN where nothing was sent."""
        return self.sent - self.due

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Which requests failed: were due and not answered."""
        return ~np.isin(self.outcome, [Outcome.OK, Outcome.UNSENT, Outcome.DEGRADED])

    @property
    def unavailable(self) -> npt.NDArray[np.bool_]:
        """Which requests did not get the real answer: failed ones and degraded ones."""
        return ~np.isin(self.outcome, [Outcome.OK, Outcome.UNSENT])

    def count(self, outcome: Outcome) -> int:
        """Return how many requests ended so."""
        return int(np.count_nonzero(self.outcome == outcome))

    def only(self, chosen: npt.NDArray[np.bool_]) -> "LoadRecord":
        """Return the record of the chosen requests; what is said of the whole load stays."""
        return LoadRecord(
            due=self.due[chosen],
            sent=self.sent[chosen],
            done=self.done[chosen],
            ended=self.ended[chosen],
            outcome=self.outcome[chosen],
            stage=self.stage[chosen],
            stages=self.stages,
            errors=self.errors,
            degradations=self.degradations,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            interrupted=self.interrupted,
        )

    def judged(self) -> "LoadRecord":
        """Return the requests of the judged stages that were due."""
        stages = np.array([one.judged for one in self.stages], dtype=bool)
        return self.only(stages[self.stage] & (self.outcome != Outcome.UNSENT))


def joined(records: Sequence[LoadRecord]) -> LoadRecord:
    """Return records of loads that followed each other as one, with the stages of all."""
    begun, first, moved = 0.0, 0, []
    for one in records:
        times = {name: getattr(one, name) + begun for name in ("due", "sent", "done", "ended")}
        moved.append(replace(one, stage=one.stage + first, **times))
        begun += one.seconds
        first += len(one.stages)
    errors: Counter[str] = Counter()
    degradations: Counter[str] = Counter()
    for one in records:
        errors.update(one.errors)
        degradations.update(one.degradations)
    arrays = ("due", "sent", "done", "ended", "outcome", "stage")
    whole = {name: np.concatenate([getattr(one, name) for one in moved]) for name in arrays}
    return LoadRecord(
        **whole,
        stages=tuple(stage for one in records for stage in one.stages),
        errors=dict(errors.most_common()),
        degradations=dict(degradations.most_common()),
        seconds=begun,
        cpu_seconds=sum(one.cpu_seconds for one in records),
        interrupted=any(one.interrupted for one in records),
    )


def quantile_with_failures(latency: Floats, failed: npt.NDArray[np.bool_], q: float) -> float:
    """Return the exact ``q`` quantile (inverted distribution function) in seconds.

    A failed request ranks above every answered one, so that failing fast does not look fast:
    the answer is infinite where so many failed, and NaN where there is no request at all.
    """
    if not len(latency):
        return float("nan")
    ranked = np.where(failed, np.inf, latency)
    return float(np.quantile(ranked, q, method="inverted_cdf"))
