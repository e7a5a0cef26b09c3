"""Figures of a dashboard in the words that the terminal and the page share."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from perfkit.config.units import format_duration
from perfkit.model.dashboard import (
    AlertRow,
    ComponentRow,
    ComponentState,
    Dashboard,
    GuardRow,
    ObjectiveRow,
    ValueRow,
)

NONE: Final = "-"
"""Stands for what was not seen."""

MARK: Final[dict[ComponentState, str]] = {
    "firing": "✗",
    "breaker open": "!",
    "no data": "?",
    "ok": "✓",
    "unwatched": "·",
}

_RESOLUTION: Final = {1: "second", 60: "minute", 3600: "hour"}
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_SIZES: Final = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_THOUSANDS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_DAY_SECONDS: Final = 86400.0
_HUNDREDS: Final = 100.0
_TENTHS: Final = 10.0


def headline(shown: Dashboard) -> str:
    """Return what matters most, in one line."""
    firing = [one for one in shown.alerts if one.state == "firing"]
    loud = sum(one.muted is None for one in firing)
    parts = []
    if not shown.measured:
        parts.append("Nothing was measured")
    elif shown.failing:
        parts.append("Failing")
    else:
        parts.append("No alert fires" if _watched(shown) else "Nothing watches these components")
    if loud:
        parts.append(f"{loud} firing")
    if muted := len(firing) - loud:
        parts.append(f"{muted} muted")
    if pending := len(shown.alerts) - len(firing):
        parts.append(f"{pending} pending")
    states = Counter(one.state for one in shown.components)
    parts += [f"{states[state]} {state}" for state in _TOLD if states[state]]
    objectives = Counter(one.state for one in shown.objectives)
    parts += [
        f"{objectives[state]} of {len(shown.objectives)} objectives {state}"
        for state in ("exceeded", "inconclusive", "no data")
        if objectives[state]
    ]
    return f"{parts[0]}: {', '.join(parts[1:])}" if len(parts) > 1 else f"{parts[0]}"


_TOLD: Final[tuple[ComponentState, ...]] = ("breaker open", "no data")


def standing(shown: Dashboard) -> Literal["failing", "fine", "nothing"]:
    """Whether something fails, all that is watched is well, or nothing was seen that could tell."""
    if not shown.measured:
        return "nothing"
    if shown.failing:
        return "failing"
    return "fine" if _watched(shown) else "nothing"


def _watched(shown: Dashboard) -> bool:
    return any(one.state not in {"unwatched", "no data"} for one in shown.components)


def window_words(shown: Dashboard) -> str:
    """Return which window is shown, and how finely it was read."""
    long = shown.at - shown.since > _DAY_SECONDS
    since = day_and_clock(shown.since) if long else clock(shown.since)
    until = day_and_clock(shown.at) if long else clock(shown.at)
    return f"{since} to {until} UTC, by {_RESOLUTION.get(shown.resolution, 'interval')}"


def clock(at: float) -> str:
    """Return a time of day, UTC, such as ``04:12:31``."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day_and_clock(at: float) -> str:
    """Return a time, UTC, such as ``2026-11-26 04:12:31``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds(value: float | None) -> str:
    """Return a duration in three digits."""
    if value is None:
        return NONE
    for factor, symbol in _UNITS:
        if value >= factor * 0.9995:
            return f"{digits(value / factor)} {symbol}"
    return f"{digits(value * 1e9)} ns"


def size(value: float | None) -> str:
    """Return bytes in three digits."""
    if value is None:
        return NONE
    for factor, symbol in _SIZES:
        if value >= factor * 0.9995:
            return f"{digits(value / factor)} {symbol}"
    return f"{value:.0f} B"


def percent(share: float | None) -> str:
    """Return a share, with a digit more where it is small but not zero."""
    if share is None:
        return NONE
    value = share * 100
    if value == 0 or abs(value) >= _TENTHS:
        return f"{value:.0f} %"
    return f"{value:.1f} %" if abs(value) >= 0.1 else f"{value:.2g} %"  # noqa: PLR2004  # tenths


def rate(per_second: float) -> str:
    """Return events per second in three digits."""
    for factor, symbol in _THOUSANDS:
        if per_second >= factor * 10:
            return f"{digits(per_second / factor)}{symbol}/s"
    return f"{digits(per_second)}/s"


def number(value: float | None) -> str:
    """Return a plain number in four digits."""
    return NONE if value is None else f"{value:.4g}"


def digits(value: float) -> str:
    """Return a number in three digits, without an exponent where it is not huge."""
    if 0 < value < 0.1:  # noqa: PLR2004  # below, two decimals would lose the digits
        return f"{value:.2g}"
    if value >= _HUNDREDS:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= _TENTHS else f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def burn(value: float | None) -> str:
    """Return a burn rate."""
    return NONE if value is None else f"{value:.2f}x"


def alert_words(one: AlertRow) -> str:
    """Return what an alert says."""
    call = f" ({one.call})" if one.call is not None else ""
    return f"{one.name}{call}: {one.summary}"


def lasting(one: AlertRow, at: float) -> str:
    """Return for how long an alert has been true."""
    return format_duration(max(0, round(at - one.since)))


def objective_words(one: ObjectiveRow) -> str:
    """Return the answer about an objective, and what it rests on."""
    return f"{one.state}: {one.note}" if one.note else one.state


def guard_words(one: GuardRow) -> str:
    """Return the decisions of a guard that were made at all."""
    made = [f"{count:,} {name.replace('_', ' ')}" for name, count in one.decisions.items() if count]
    return ", ".join(made) or "nothing to do"


def labels_words(labels: Mapping[str, str]) -> str:
    """Return labels behind a name, nothing where there are none."""
    text = ", ".join(f"{name}={value}" for name, value in labels.items())
    return f" {{{text}}}" if text else ""


def is_low(one: ValueRow) -> bool:
    """Return whether the mean of a value is below what a rule wants."""
    return one.minimum is not None and one.mean < one.minimum


def seen_words(one: ComponentRow, at: float) -> str:
    """Return when a component was last seen."""
    if one.last_seen is None:
        return "nothing seen in the window"
    age = max(0.0, at - one.last_seen)
    return "seen now" if age < _NOW_SECONDS else f"last seen {format_duration(round(age))} ago"


_NOW_SECONDS: Final = 5.0
"""The runtime writes once a second; twice that and a slow disk are still now."""
