"""Alerts from pending to firing to over: a state machine over time, without a clock.

The transitions are those of Prometheus, so that ``for`` and ``keep_firing_for`` mean the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal

from perfkit.monitoring.conditions import Condition, evaluate
from perfkit.monitoring.rules import Rule
from perfkit.monitoring.telemetry import Telemetry

MOST_ALERTS: Final = 100
"""Alerts of one rule at a time; more are counted and told, not carried."""

LONG_PAUSE: Final = 10
"""Steps; a longer pause between two evaluations is told."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong, or was."""

    name: str
    labels: Mapping[str, str]
    """Without alertname."""
    summary: str
    why: str
    state: Literal["pending", "firing"]
    since: float
    """When the condition became true, seconds since 1970."""
    value: float
    """What was last measured."""
    gone_since: float | None = None
    """When the condition ended, where the alert fires on because of keep_firing_for."""

    @property
    def fingerprint(self) -> str:
        """Name and labels as 16 hexadecimal digits."""
        text = "\x00".join(
            f"{key}\x01{value}"
            for key, value in sorted({**self.labels, "alertname": self.name}.items())
        )
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one step found."""

    at: float
    alerts: tuple[Alert, ...]
    """Pending and firing, in the order of the rules."""
    notes: tuple[str, ...] = ()
    """What the reader has to know about the step itself."""

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire."""
        return tuple(alert for alert in self.alerts if alert.state == "firing")

    def with_notes(self, notes: Sequence[str]) -> "Evaluation":
        """Return the same with more to tell."""
        return replace(self, notes=(*self.notes, *notes))


class Evaluator:
    """Steps through time; the only state is the alerts that are pending or firing."""

    def __init__(self, rules: Sequence[Rule], *, interval: float) -> None:
        self.rules = tuple(rules)
        self.interval = interval
        self._alerts: dict[tuple[int, str | None], Alert] = {}
        self._last: float | None = None

    def step(self, telemetry: Telemetry, at: float) -> Evaluation:
        """Evaluate every rule at ``at``, and return what is pending and firing.

        A clock that went back moves the beginnings of alerts with it, so that what has lasted does
        not start anew; it is told in the notes.
        """
        notes = self._clock(at)
        values_of = [evaluate(rule.condition, telemetry, at) for rule in self.rules]
        alerts: dict[tuple[int, str | None], Alert] = {}
        for index, (rule, values) in enumerate(zip(self.rules, values_of, strict=True)):
            if len(values) > MOST_ALERTS:
                notes.append(
                    f"{rule.name}: {len(values)} calls at once, only the first {MOST_ALERTS} by "
                    "name become alerts; name fewer calls, or leave out by_call"
                )
                names = sorted(values, key=str)[:MOST_ALERTS]
                values = {name: values[name] for name in names}  # noqa: PLW2901  # what is carried
            before = {name for number, name in self._alerts if number == index}
            if rule.clear is not None:
                values = {**self._kept(index, rule.clear, telemetry, at), **values}  # noqa: PLW2901  # likewise
            for name in [*values, *(name for name in before if name not in values)]:
                old = self._alerts.get((index, name))
                if new := advance(rule, name, old, values.get(name), at):
                    alerts[index, name] = new
        self._alerts = alerts
        return Evaluation(at, tuple(alerts.values()), tuple(notes))

    def _kept(
        self, index: int, clear: Condition, telemetry: Telemetry, at: float
    ) -> Mapping[str | None, float]:
        """What alerts that fire have not come back from."""
        firing = {
            name
            for (number, name), alert in self._alerts.items()
            if number == index and alert.state == "firing"
        }
        if not firing:
            return {}
        found = evaluate(clear, telemetry, at)
        return {name: value for name, value in found.items() if name in firing}

    def _clock(self, at: float) -> list[str]:
        last, self._last = self._last, at
        if last is None:
            return []
        if at < last:
            back = last - at
            self._alerts = {
                key: replace(
                    alert,
                    since=alert.since - back,
                    gone_since=None if alert.gone_since is None else alert.gone_since - back,
                )
                for key, alert in self._alerts.items()
            }
            return [f"the clock went back by {back:.3f} s; alerts keep how long they have lasted"]
        if at - last > LONG_PAUSE * self.interval:
            return [f"nothing was evaluated for {at - last:.0f} s: suspended, or the clock jumped"]
        return []


def advance(
    rule: Rule, call: str | None, old: Alert | None, value: float | None, at: float
) -> Alert | None:
    """Return the alert after a step; ``value`` is None where the condition does not hold."""
    if value is not None:
        if old is None:
            labels = dict(rule.labels) if call is None else {"name": call, **rule.labels}
            old = Alert(rule.name, labels, rule.summary, rule.why, "pending", at, value)
        fires = old.state == "firing" or at - old.since >= rule.hold
        return replace(old, state="firing" if fires else "pending", value=value, gone_since=None)
    if old is None or old.state == "pending":
        return None
    gone = at if old.gone_since is None else old.gone_since
    if rule.keep_firing_for > 0 and at - gone < rule.keep_firing_for:
        return replace(old, gone_since=gone)
    return None
