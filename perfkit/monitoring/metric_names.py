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

OK: Final = "ok"
ERROR: Final = "error"
DEGRADED: Final = "degraded"

MEMORY_GAUGE: Final = "process.rss_bytes"
"""Name of the gauge in the embedded store."""

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
        rule.above.value
        for rule in alerts.rules
        if rule.above is not None and rule.above.unit == "s"
    ]
    return tuple(sorted({*_DEFAULT_BOUNDS, *limits}))


def bound_label(seconds: float) -> str:
    """The value of ``le`` for a bound, as OpenMetrics spells it: ``1.0``, ``0.25``, ``+Inf``."""
    return "+Inf" if seconds == float("inf") else repr(float(seconds))
