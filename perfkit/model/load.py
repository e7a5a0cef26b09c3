"""What a load test found: a row for each stage, an answer for each objective."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from perfkit.model.shift import Interval
from perfkit.status import Status

LoadStatistic = Literal["p50", "p95", "p99", "max", "availability"]


@dataclass(frozen=True, slots=True)
class LoadObjective:
    """A statistic of the judged stages and its limit: seconds, or a share of one."""

    statistic: LoadStatistic
    limit: float


@dataclass(frozen=True, slots=True)
class LoadJudgement:
    """One objective and what the load says about it; ``reason`` where it cannot be told.

    ``measured`` is in seconds, infinite where too many requests failed, or a share of one; None
    where no request was due.
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

    @property
    def answered(self) -> int:
        """Requests that were answered, in all stages; degraded answers count."""
        return sum(stage.ok + stage.degraded for stage in self.stages)
