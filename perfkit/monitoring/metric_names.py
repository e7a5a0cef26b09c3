"""The names under which telemetry leaves perfkit, in one table, with their labels.

The exporter of the dashboard writes them and every exported rule reads them, so they are part of
the interface. Names follow https://prometheus.io/docs/practices/naming/.
"""

from collections.abc import Sequence
from typing import Final

from perfkit.config.alerting import Alerts
from perfkit.config.objectives import Objective

CALLS: Final = "perfkit_calls_total"
"""Counter of finished calls; labels component, name, outcome (ok, error, degraded)."""
DURATION: Final = "perfkit_call_duration_seconds"
"""Histogram of their durations, of every outcome; labels component, name."""
QUALITY: Final = "perfkit_quality"
"""Summary without quantiles (_sum, _count) of quality values; labels component, name."""
MEMORY: Final = "perfkit_resident_memory_bytes"
"""Gauge of resident memory of the process; label component."""
EVENTS: Final = "perfkit_events_total"
"""Counter of events; labels component, name."""
CACHE_EVENTS: Final = "perfkit_cache_events_total"
"""Counter of what a cache did; labels component, cache, event (one of CACHE_WORDS)."""
GUARD_EVENTS: Final = "perfkit_guard_events_total"
"""Counter of what a guard decided; labels component, guard, event (one of GUARD_WORDS)."""
BREAKER: Final = "perfkit_breaker_state"
"""Gauge of a circuit breaker: 0 closed, 0.5 half open, 1 open; labels component, guard."""
BULKHEAD: Final = "perfkit_bulkhead_used_ratio"
"""Gauge of the share of a bulkhead that is taken; labels component, guard."""
LAST_VALUE: Final = "perfkit_last_value"
"""Gauge of the last value of a quality or gauge; labels component, name."""
LEFT_TOGETHER: Final = "perfkit_names_left_together"
"""Gauge of the names that are counted together as OTHERS, because there are too many."""
SUMS_LEFT_OUT: Final = "perfkit_sums_left_out"
"""Gauge of the quality values without a sum: they were negative, and a counter cannot fall."""

CACHE_WORDS: Final = ("hit", "miss", "shared", "stale", "eviction", "uncopyable")
GUARD_WORDS: Final = (
    *("retry", "retry_refused", "breaker_open", "breaker_half_open", "breaker_closed"),
    *("breaker_refused", "shed", "deadline", "fallback"),
)
"""What the runtime calls them, without "cache." and "guard."."""

OTHERS: Final = "(others)"
"""The name under which the surplus of names counts."""

OK: Final = "ok"
ERROR: Final = "error"
DEGRADED: Final = "degraded"

MEMORY_GAUGE: Final = "process.rss_bytes"
"""Name of the gauge in the embedded store."""
BREAKER_GAUGE: Final = "guard.breaker"
BULKHEAD_GAUGE: Final = "guard.in_use"

_DEFAULT_BOUNDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Seconds; half a millisecond to a minute in steps of about 2.2."""


def duration_bounds(objectives: Sequence[Objective], alerts: Alerts) -> tuple[float, ...]:
    """Upper bounds (``le``, seconds, ascending) of the duration histogram.

    Every limit that an objective or an alert names is a bound, so that no rule has to interpolate.
    """
    limits = [objective.within for objective in objectives if objective.within is not None]
    limits += [
        level.value
        for rule in alerts.rules
        for level in (rule.above, rule.clear)
        if level is not None and level.unit == "s"
    ]
    return tuple(sorted({*_DEFAULT_BOUNDS, *limits}))


def bound_label(seconds: float) -> str:
    """The value of ``le`` for a bound, as OpenMetrics spells it: ``1.0``, ``0.25``, ``+Inf``."""
    return "+Inf" if seconds == float("inf") else repr(float(seconds))
