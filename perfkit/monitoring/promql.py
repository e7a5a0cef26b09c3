"""Conditions as PromQL, over the names of :mod:`perfkit.monitoring.metric_names`."""

import math
from typing import Literal

from perfkit.monitoring.conditions import (
    Burn,
    Condition,
    Good,
    Growth,
    Memory,
    NoData,
    Quality,
    Rate,
    Share,
    Slow,
)
from perfkit.monitoring.metric_names import CALLS, DURATION, MEMORY, QUALITY, bound_label
from perfkit.monitoring.telemetry import Selector


def expression(condition: Condition) -> str:  # noqa: PLR0911  # one for each kind
    """Return the expression whose result is not empty while the condition holds.

    Burn rates read what :func:`bad_share` is recorded as.
    """
    match condition:
        case Share(selector, outcome, above, window, by_call):
            by = _by(by_call=by_call)
            bad = f"sum{by}(rate({calls(selector, f'outcome={quoted(outcome)}')}[{span(window)}]))"
            total = f"sum{by}(rate({calls(selector)}[{span(window)}]))"
            return f"({bad} or 0 * {total}) / {total} > {number(above)}"
        case Slow(selector, quantile, limit, window, by_call):
            by = _by(by_call=by_call)
            fast = f"sum{by}(rate({bucket(selector, limit)}[{span(window)}]))"
            timed = f"sum{by}(rate({timed_calls(selector)}[{span(window)}]))"
            return f"{fast} / {timed} < {number(quantile)}"
        case Rate(selector, side, level, window, by_call):
            rate = f"sum{_by(by_call=by_call)}(rate({calls(selector)}[{span(window)}]))"
            return f"{rate} {'>' if side == 'above' else '<'} {number(level)}"
        case Burn(good, above, short, long):
            return (
                f"{recorded(good, short)} > {number(above)} "
                f"and {recorded(good, long)} > {number(above)}"
            )
        case NoData(selector, window):
            return f"absent(sum(rate({calls(selector)}[{span(window)}])) > 0)"
        case Quality(component, name, below, window):
            labels = f"{{component={quoted(component)},name={quoted(name)}}}[{span(window)}]"
            sums, counts = f"{QUALITY}_sum{labels}", f"{QUALITY}_count{labels}"
            return f"sum(rate({sums})) / sum(rate({counts})) < {number(below)}"
        case Memory(component, above, window):
            return f"max(max_over_time({memory(component)}[{span(window)}])) > {number(above)}"
        case Growth(component, above, window):
            slope = f"max(deriv({memory(component)}[{span(window)}]))"
            return f"{slope} * {number(window)} > {number(above)}"


def bad_share(good: Good, window: float) -> str:
    """Return the share of calls that were not good."""
    return f"{bad_calls(good, span(window))} / {all_calls(good, span(window))}"


def bad_calls(good: Good, over: str, function: Literal["rate", "increase"] = "rate") -> str:
    """Return the calls that were not good, a second or in all, over a range such as ``5m``."""
    fine = "ok|degraded" if good.degraded_is_good else "ok"

    def total(series: str) -> str:
        return f"sum({function}({series}[{over}]))"

    outcome = f"outcome!~{quoted(fine)}"
    bad = f"({total(calls(good.selector, outcome))} or 0 * {total(calls(good.selector))})"
    if good.within is None:
        return bad
    timed, fast = total(timed_calls(good.selector)), total(bucket(good.selector, good.within))
    return f"({bad} + ({timed} - {fast}))"


def all_calls(good: Good, over: str, function: Literal["rate", "increase"] = "rate") -> str:
    """Return all calls, likewise."""
    return f"sum({function}({calls(good.selector)}[{over}]))"


def record_name(window: float) -> str:
    """Return the name under which :func:`bad_share` over a window is recorded."""
    return f"perfkit:objective_bad_share:rate{span(window)}"


def recorded(good: Good, window: float) -> str:
    """Return the recorded share of an objective."""
    return f"{record_name(window)}{{objective={quoted(good.objective)}}}"


def quoted(text: str) -> str:
    r"""Return a PromQL string; quotes, backslashes and control characters are escaped.

    >>> print(quoted('a "b"'))
    "a \"b\""
    """
    escaped = "".join(_ESCAPES.get(one) or _printable(one) for one in text)
    return f'"{escaped}"'


def span(seconds: float) -> str:
    """Return a duration as Prometheus spells it, rounded up to whole milliseconds.

    >>> span(300), span(5400), span(1.5), span(259200)
    ('5m', '90m', '1500ms', '3d')
    """
    milliseconds = math.ceil(round(seconds * 1000, 6))
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def number(value: float) -> str:
    """Return a literal that reads back as the same double."""
    whole = float(value).is_integer() and abs(value) < 2**53  # below, whole numbers are exact
    return repr(int(value)) if whole else repr(value)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _printable(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 32 or code == 127 else character  # noqa: PLR2004  # ASCII


def _by(*, by_call: bool) -> str:
    return " by (name) " if by_call else ""


def _labels(selector: Selector, *more: str) -> str:
    labels = [f"component={quoted(selector.component)}"]
    if selector.call is not None:
        labels.append(f"name={quoted(selector.call)}")
    return "{" + ",".join([*labels, *more]) + "}"


def calls(selector: Selector, *more: str) -> str:
    """Return the counter of calls with more label matchers."""
    return f"{CALLS}{_labels(selector, *more)}"


def timed_calls(selector: Selector) -> str:
    """Return the counter of calls whose duration is known."""
    return f"{DURATION}_count{_labels(selector)}"


def bucket(selector: Selector, limit: float) -> str:
    """Return the counter of calls that took at most ``limit`` seconds."""
    return f"{DURATION}_bucket{_labels(selector, f'le={quoted(bound_label(limit))}')}"


def memory(component: str) -> str:
    """Return the gauge of resident memory."""
    return f"{MEMORY}{{component={quoted(component)}}}"
