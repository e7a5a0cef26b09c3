"""What an application imports to be watched and guarded in production.

:func:`start` names the store; before it, and after :func:`stop`, nothing is recorded. Nothing here
raises into the application because of telemetry.
"""

from collections.abc import Callable, Mapping
from os import PathLike

from perfkit.runtime.bounds import MOST_BYTES, RETENTION, Bounds, OnFull
from perfkit.runtime.breaker import Breaker
from perfkit.runtime.budget import RetryBudget
from perfkit.runtime.bulkhead import Bulkhead
from perfkit.runtime.cache import cached
from perfkit.runtime.checks import Check, Health, health, health_check
from perfkit.runtime.degraded import (
    BreakerOpenError,
    DeadlineError,
    Degraded,
    DegradedError,
    ShedError,
)
from perfkit.runtime.failpoints import InjectedError, inject, inject_async
from perfkit.runtime.guarding import guard, time_left
from perfkit.runtime.logs import configure_logging, correlated, correlation_id
from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.retrying import Retry
from perfkit.runtime.tracking import track

__all__ = [
    "Breaker",
    "BreakerOpenError",
    "Bulkhead",
    "Check",
    "DeadlineError",
    "Degraded",
    "DegradedError",
    "Health",
    "InjectedError",
    "Retry",
    "RetryBudget",
    "ShedError",
    "cached",
    "configure_logging",
    "correlated",
    "correlation_id",
    "event",
    "gauge",
    "guard",
    "health",
    "health_check",
    "inject",
    "inject_async",
    "quality",
    "start",
    "stop",
    "time_left",
    "track",
]


def start(
    store: str | PathLike[str],
    component: str = "app",
    *,
    max_bytes: int = MOST_BYTES,
    on_full: OnFull = "drop-oldest",
    retention: Mapping[int, float] = RETENTION,
) -> None:
    """Record into the SQLite file ``store``, under ``component`` where a call names none.

    A store that cannot be opened or written is told once to the logger ``perfkit.runtime``, and
    tried again every second. At ``max_bytes`` the oldest intervals go, finest first;
    with ``on_full="stop"`` what is new is refused instead. ``retention`` is how long (seconds)
    intervals of 1, 60 and 3600 seconds are kept, such as ``{1: 3600}``; one that is left out as
    by default.

    Raises:
        ValueError: a bound that makes no sense.
    """
    RECORDER.start(store, component, Bounds(max_bytes, on_full, retention))


def stop() -> None:
    """Write what waits and stop recording. The end of the process does it too.

    A store that does not answer is waited for some two seconds at most.
    """
    RECORDER.stop()


def event(name: str, *, component: str = "", labels: Mapping[str, object] | None = None) -> None:
    """Count something that happened."""
    RECORDER.event(name, component, labels)


def gauge(
    name: str,
    read: Callable[[], float],
    *,
    component: str = "",
    labels: Mapping[str, object] | None = None,
) -> None:
    """Note what ``read`` returns once a second, such as a queue's length.

    The recording thread calls it, in place of an earlier one of that name; it should not wait,
    since the thread does nothing else meanwhile. An error of it counts as the event
    ``runtime.invalid_value``.
    """
    RECORDER.sample(RECORDER.collected.key(component, name, labels), read)


def quality(
    name: str, value: float, *, component: str = "", labels: Mapping[str, object] | None = None
) -> None:
    """Note a value, such as a share of words that were recognised or a queue's length.

    What is no finite number is not stored; it counts as the event ``runtime.invalid_value``.
    """
    RECORDER.value(name, value, component, labels)
