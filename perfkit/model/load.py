"""What a load test found: a row for each stage, an answer for each objective."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfkit.model.shift import Interval
from perfkit.status import Status

LoadStatistic = Literal[
    "p50", "p95", "p99", "max", "availability", "capacity", "p99_rise", "memory_rise"
]
"""Latency and failures of any load; the capacity of a ramp; what rose over a soak."""


@dataclass(frozen=True, slots=True)
class LoadObjective:
    """A statistic of the judged stages and its limit.

    Quantiles are in seconds, ``availability`` and ``p99_rise`` shares of one, ``capacity`` requests
    a second, ``memory_rise`` bytes.
    """

    statistic: LoadStatistic
    limit: float


@dataclass(frozen=True, slots=True)
class LoadJudgement:
    """One objective and what the load says about it; ``reason`` where it cannot be told.

    ``measured`` is in the unit of the objective, infinite where too many requests failed; None
    where nothing is known.
    """

    objective: LoadObjective
    measured: Interval | None
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStage:
    """One stage; times in seconds.

    Latency counts from when a request was due, service time from its sending. A quantile is
    infinite where so many requests failed, and NaN where none was due.
    """

    name: str
    judged: bool
    seconds: float
    start_rate: float
    end_rate: float
    due: int
    ok: int
    degraded: int = 0
    """Answers that said of themselves that they are not the real ones: neither ok nor failed."""
    errors: int
    timeouts: int
    missed: int
    p50: float
    p95: float
    p99: float
    largest: float
    service_p99: float
    lag_p99: float

    @property
    def failed(self) -> int:
        """Requests that were due and not answered."""
        return self.errors + self.timeouts + self.missed


@dataclass(frozen=True, slots=True)
class LoadSecond:
    """One second of the load: requests due, failed, and quantiles of latency in seconds."""

    due: int
    failed: int
    p50: float
    p99: float


StepVerdict = Literal["held", "not held", "late"]
"""Whether the server kept pace with a rate; ``late`` where the generator did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KneeStep:
    """One rate that was tried, in requests a second.

    ``growth`` is by how many seconds the latency rose in a second, NaN where that is not known.
    ``answered_rate`` are good answers a second, from the first that was due to the last answer.
    """

    rate: float
    verdict: StepVerdict
    reason: str
    growth: float
    answered_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """The capacity of a server: the highest rate that held, and the lowest that did not.

    Either is None where there was none. ``reason`` says why it is not known better; empty where
    the two are as near as was wanted.
    """

    held: float | None
    not_held: float | None
    steps: tuple[KneeStep, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What changed while a rate was held for long; None where it could not be told.

    ``p99_slope`` is in seconds a second, ``memory_slope`` in bytes a second. ``memory`` are
    seconds since the start with resident bytes, of what ``watched`` names.
    """

    watched: str
    p99_slope: Interval | None
    memory_slope: Interval | None
    memory: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """A whole load. ``curve`` is the latency at rising quantiles of the judged stages."""

    target: str
    arrivals: str
    stages: tuple[LoadStage, ...]
    judgements: tuple[LoadJudgement, ...]
    errors: Mapping[str, int]
    degradations: Mapping[str, int] = field(default_factory=dict)
    """Why answers were degraded, and how often."""
    seconds: float
    cpu_seconds: float
    timeline: tuple[LoadSecond, ...]
    curve: tuple[tuple[float, float], ...]
    status: Status
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    knee: Knee | None = None
    soak: Soak | None = None

    @property
    def answered(self) -> int:
        """Requests that were answered, in all stages; degraded answers count."""
        return sum(stage.ok + stage.degraded for stage in self.stages)
