"""What makes an alert rule true, evaluated on telemetry.

Each condition also exists as PromQL (:mod:`perfkit.monitoring.promql`), and both give the same
verdict on the same samples. So the arithmetic keeps the order of operations of the expression.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perfkit.monitoring.metric_names import DEGRADED, ERROR, OK
from perfkit.monitoring.telemetry import Outcome, Selector, Telemetry

Values = Mapping[str | None, float]
"""What is true, and of what size: by name of the call, or under None for all together."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of calls ended in ``outcome``; fires above ``above``."""

    selector: Selector
    outcome: Literal["error", "degraded"]
    above: float
    window: float
    by_call: bool


@dataclass(frozen=True, slots=True)
class Slow:
    """The ``quantile`` of durations lies above ``limit`` seconds: too few calls are that fast."""

    selector: Selector
    quantile: float
    limit: float
    window: float
    by_call: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second, above or below a level."""

    selector: Selector
    side: Literal["above", "below"]
    level: float
    window: float
    by_call: bool


@dataclass(frozen=True, slots=True)
class Good:
    """What the good calls of an objective are."""

    objective: str
    selector: Selector
    within: float | None
    degraded_is_good: bool


@dataclass(frozen=True, slots=True)
class Burn:
    """The share of bad calls is above ``above`` in both windows."""

    good: Good
    above: float
    short: float
    long: float


@dataclass(frozen=True, slots=True)
class NoData:
    """No call was seen."""

    selector: Selector
    window: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The mean of a quality value is below ``below``."""

    component: str
    name: str
    below: float
    window: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The largest resident memory of the window is above ``above`` bytes."""

    component: str
    above: float
    window: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through resident memory grows by more than ``above`` bytes in the window."""

    component: str
    above: float
    window: float


Condition = Share | Slow | Rate | Burn | NoData | Quality | Memory | Growth


def evaluate(condition: Condition, telemetry: Telemetry, at: float) -> Values:  # noqa: PLR0911  # one for each kind
    """Return what is true at a time; empty where nothing is, also for want of data."""
    match condition:
        case Share():
            found = _shares(condition, telemetry, at)
            return {name: value for name, value in found.items() if value > condition.above}
        case Slow():
            return _slow(condition, telemetry, at)
        case Rate(selector, side, level, window, by_call):
            rates = _summed(telemetry.calls(selector, window, at), by_call=by_call)
            above = side == "above"
            return {
                name: rate
                for name, rate in rates.items()
                if (rate > level if above else rate < level)
            }
        case Burn(good, above, short, long):
            recent = bad_share(good, telemetry, short, at)
            lasting = bad_share(good, telemetry, long, at)
            if recent is None or lasting is None or not (recent > above and lasting > above):
                return {}
            return {None: recent}
        case NoData(selector, window):
            seen = sum(telemetry.calls(selector, window, at).values())
            return {} if seen > 0 else {None: 1.0}
        case Quality(component, name, below, window):
            mean = telemetry.quality(component, name, window, at)
            return {None: mean} if mean is not None and mean < below else {}
        case Memory(component, above, window):
            series = telemetry.memory(component, window, at)
            peak = max((value for points in series for _, value in points), default=0.0)
            return {None: peak} if peak > above else {}
        case Growth(component, above, window):
            return _growth(component, above, window, telemetry, at)


def bad_share(good: Good, telemetry: Telemetry, window: float, at: float) -> float | None:
    """The share of calls that were not good; None without calls, or without their durations.

    A call that failed and was slow counts twice, since durations of failed calls are not kept
    apart; so the share is never too small. It is infinite where slow calls were timed and none
    counted, which counters that do not belong together give: then Prometheus divides by zero.
    """
    series = telemetry.calls(good.selector, window, at)
    total = sum(series.values())
    fine = {OK, DEGRADED} if good.degraded_is_good else {OK}
    bad = sum(rate for key, rate in series.items() if key.outcome not in fine)
    if good.within is not None:
        timed = telemetry.finished(good.selector, window, at)
        fast = telemetry.within(good.selector, good.within, window, at)
        if not timed or not fast:
            return None
        bad = bad + (sum(timed.values()) - sum(fast.values()))
    if total > 0:
        return bad / total
    return math.inf if series and bad > 0 else None


def _shares(condition: Share, telemetry: Telemetry, at: float) -> Values:
    series = telemetry.calls(condition.selector, condition.window, at)
    totals = _summed(series, by_call=condition.by_call)
    wanted = ERROR if condition.outcome == "error" else DEGRADED
    bad = _summed(
        {key: rate for key, rate in series.items() if key.outcome == wanted},
        by_call=condition.by_call,
    )
    # A series of errors that never existed is absent: none were seen.
    return {name: bad.get(name, 0.0) / total for name, total in totals.items() if total > 0}


def _slow(condition: Slow, telemetry: Telemetry, at: float) -> Values:
    timed = telemetry.finished(condition.selector, condition.window, at)
    fast = telemetry.within(condition.selector, condition.limit, condition.window, at)
    pairs: dict[str | None, tuple[float, float]]
    if not condition.by_call:
        if not timed or not fast:
            return {}
        pairs = {None: (sum(fast.values()), sum(timed.values()))}
    else:
        pairs = {name: (fast[name], timed[name]) for name in timed if name in fast}
    shares = {name: few / all_ for name, (few, all_) in pairs.items() if all_ > 0}
    return {name: share for name, share in shares.items() if share < condition.quantile}


def _growth(component: str, above: float, window: float, telemetry: Telemetry, at: float) -> Values:
    slopes = [
        slope
        for points in telemetry.memory(component, window, at)
        if (slope := _slope(points)) is not None
    ]
    if not slopes:
        return {}
    grown = max(slopes) * window
    return {None: grown} if grown > above else {}


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least squares, bytes per second; times count from the first point, as deriv() has it."""
    if len(points) < 2:  # noqa: PLR2004  # a line needs two points
        return None
    start, first = points[0]
    n = float(len(points))
    if all(value == first for _, value in points):
        return 0.0
    xs = [at - start for at, _ in points]
    ys = [value for _, value in points]
    sum_x, sum_y = math.fsum(xs), math.fsum(ys)
    sum_xy = math.fsum(x * y for x, y in zip(xs, ys, strict=True))
    sum_xx = math.fsum(x * x for x in xs)
    spread = sum_xx - sum_x * sum_x / n
    return (sum_xy - sum_x * sum_y / n) / spread if spread > 0 else None


def _summed(series: Mapping[Outcome, float], *, by_call: bool) -> dict[str | None, float]:
    sums: dict[str | None, float] = {}
    for key, rate in series.items():
        name = key.name if by_call else None
        sums[name] = sums.get(name, 0.0) + rate
    return sums
