"""What a running program looks like over one window: the values of one frame of a dashboard.

Times are in seconds since 1970, durations in seconds. What was not seen is None, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "half open", "open"]

ComponentState = Literal["firing", "breaker open", "no data", "ok", "unwatched"]
"""The worst of: an alert fires that is not muted; a breaker refuses calls; nothing was seen in the
window; no rule fires; no rule and no objective watches it, so that nothing can be said."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Of calls of every outcome: quantiles to within 3.2 %, the largest exactly."""

    p50: float
    p95: float
    p99: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Calls of the window, by how they ended."""

    calls: int
    errors: int
    degraded: int
    rate: float
    """Calls per second of the window."""
    error_ratio: float | None
    degraded_ratio: float | None
    durations: Durations | None
    """None, as the ratios are, without calls."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """The calls of one name, whatever their labels."""

    name: str
    traffic: Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRow:
    """What one guard of calls did."""

    name: str
    breaker: BreakerState | None
    """Now; None without a breaker, or where nothing was recorded in the last seconds."""
    in_use: float | None
    """Share of its bulkhead that is taken now; None likewise."""
    in_use_peak: float | None
    """The largest share in the window."""
    decisions: Mapping[str, int]
    """retry, retry_refused, breaker_open, shed, deadline, fallback...: how often in the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRow:
    """What one cache answered in the window."""

    name: str
    hits: int
    """From the cache, the calls that shared another's answer among them."""
    misses: int
    stale: int
    """Old answers, given because the function failed."""
    evictions: int
    hit_ratio: float | None
    """Hits of hits, misses and stale answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A quality or a gauge of the application."""

    name: str
    labels: Mapping[str, str]
    count: int
    mean: float
    least: float
    largest: float
    last: float
    minimum: float | None
    """The least mean that an alert rule wants."""
    means: tuple[float | None, ...]
    """One for each step of the timeline."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """How often something happened in the window."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened in each step, oldest first; every tuple has the length of ``starts``."""

    step: int
    """Length of a step, seconds."""
    starts: tuple[int, ...]
    rate: tuple[float, ...]
    bad_ratio: tuple[float | None, ...]
    """Share of calls that failed or were degraded."""
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    p99: tuple[float | None, ...]
    hit_ratio: tuple[float | None, ...]
    in_use: tuple[float | None, ...]
    memory: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow:
    """One component."""

    name: str
    why: str
    """What the configuration says about it."""
    state: ComponentState
    traffic: Traffic
    last_seen: float | None
    """End of the newest interval of the window with anything in it."""
    in_use: float | None
    """The fullest bulkhead now: share that is taken."""
    memory: float | None
    """Resident bytes of the largest process now."""
    memory_peak: float | None
    """The most in the window."""
    hit_ratio: float | None
    """Of all its caches."""
    calls: tuple[CallRow, ...]
    """By name, those with the slowest p99 first."""
    guards: tuple[GuardRow, ...]
    caches: tuple[CacheRow, ...]
    values: tuple[ValueRow, ...]
    events: tuple[EventRow, ...]
    timeline: Timeline
    left_out: int
    """Rows of calls, guards, caches, values and events that are not in the tuples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRow:
    """One objective and its error budget, over the objective's own window."""

    name: str
    component: str
    call: str | None
    target: float
    """Share of calls that has to be good."""
    within: float | None
    window: float
    state: Literal["met", "exceeded", "inconclusive", "no data"]
    total: int
    bad: int
    budget_left: float | None
    """Share of the budget; below 0 where more was spent."""
    burn: float | None
    """1 spends exactly the budget."""
    burn_hour: float | None
    """Burn of the last hour, as alert rules see it."""
    note: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert that is pending or fires."""

    name: str
    state: Literal["pending", "firing"]
    severity: str
    component: str
    call: str | None
    """The name of the calls, where the alert is about one."""
    summary: str
    why: str
    since: float
    muted: str | None
    """Why nobody is told; None where somebody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One frame."""

    at: float
    since: float
    """Where the window begins, at a whole interval of the store."""
    resolution: int
    """Length of the store's intervals that were read, seconds: 1, 60 or 3600."""
    store: str
    components: tuple[ComponentRow, ...]
    """Those of the configuration in its order, then what else was seen, by name."""
    objectives: tuple[ObjectiveRow, ...]
    alerts: tuple[AlertRow, ...]
    """Firing before pending."""
    notes: tuple[str, ...]
    """What the reader has to know about the figures."""

    @property
    def measured(self) -> bool:
        """Whether anything of any component was seen in the window."""
        return any(component.last_seen is not None for component in self.components)

    @property
    def failing(self) -> bool:
        """Whether an alert fires that is not muted, or an objective is exceeded."""
        return any(one.state == "exceeded" for one in self.objectives) or any(
            one.state == "firing" and one.muted is None for one in self.alerts
        )
