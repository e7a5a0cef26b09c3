"""From alerts to messages: silences, inhibition, grouping, repetition. No clock, no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from perfkit.config.alerting import Inhibition, Notification, Receiver, Silence
from perfkit.config.monitoring import Monitoring
from perfkit.monitoring.states import Alert

STANDARD_ERROR: Final = Receiver(name="stderr", kind="stderr")
"""Who is told where nobody is listed."""


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as a message has it."""

    fingerprint: str
    labels: Mapping[str, str]
    """With alertname."""
    annotations: Mapping[str, str]
    since: float
    """When the condition became true, seconds since 1970."""
    until: float | None
    """When the alert ended; None while it fires."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver is told about one group."""

    receiver: str
    group: Mapping[str, str]
    """The labels that the alerts of the group agree in."""
    alerts: tuple[Told, ...]
    at: float

    @property
    def firing(self) -> bool:
        """Whether at least one alert of the group still fires."""
        return any(alert.until is None for alert in self.alerts)


@dataclass(frozen=True, slots=True)
class Muted:
    """An alert that nobody is told about, and why."""

    alert: Alert
    by: str


@dataclass(slots=True)
class _Group:
    first: float
    """When its first alert fired."""
    sent_at: float | None = None
    sent: dict[str, Told] = field(default_factory=dict)
    """Fingerprint -> alert that was last told as firing."""


class Router:
    """Remembers what every receiver was told, and says what is to be told next."""

    def __init__(self, monitoring: Monitoring) -> None:
        self.notification: Notification = monitoring.notification
        self.receivers: Sequence[Receiver] = self.notification.receivers or (STANDARD_ERROR,)
        self.inhibitions = monitoring.alerts.inhibitions
        self.silences = monitoring.alerts.silences
        self._groups: dict[tuple[str, tuple[tuple[str, str], ...]], _Group] = {}

    def restore(self, messages: Iterable[Message]) -> None:
        """Take up what was told before a restart, oldest first."""
        for message in messages:
            key = (message.receiver, tuple(sorted(message.group.items())))
            fires = {one.fingerprint: one for one in message.alerts if one.until is None}
            if fires:
                self._groups[key] = _Group(message.at, message.at, fires)
            else:
                self._groups.pop(key, None)

    def step(self, firing: Sequence[Alert], at: float) -> tuple[list[Message], list[Muted]]:
        """Return what is to be told now, and which alerts are muted."""
        muted = mute(firing, self.silences, self.inhibitions, at)
        silent = {one.alert.fingerprint for one in muted}
        known = {alert.fingerprint for alert in firing}
        told = [(alert, _told(alert)) for alert in firing if alert.fingerprint not in silent]
        messages = []
        for receiver in self.receivers:
            wanted: dict[tuple[tuple[str, str], ...], dict[str, Told]] = {}
            for alert, one in told:
                if receiver.severity in {None, alert.labels.get("severity")}:
                    key = tuple(sorted(self._group_of(one.labels).items()))
                    wanted.setdefault(key, {})[one.fingerprint] = one
            keys = [*wanted, *(key for name, key in self._groups if name == receiver.name)]
            for key in dict.fromkeys(keys):
                message = self._group_step(receiver.name, key, wanted.get(key, {}), known, at)
                if message is not None:
                    messages.append(message)
        return messages, muted

    def _group_step(
        self,
        receiver: str,
        key: tuple[tuple[str, str], ...],
        now: dict[str, Told],
        known: set[str],
        at: float,
    ) -> Message | None:
        """What one receiver is told about one group; ``known`` fires, muted or not."""
        group = self._groups.setdefault((receiver, key), _Group(at))
        times = self.notification
        if group.sent_at is None:
            if not now:
                del self._groups[receiver, key]  # it was over, or muted, before it was told
                return None
            # A clock that went back must not make the first message wait for longer.
            group.first = min(group.first, at)
            if at - group.first < times.group_wait:
                return None
            over: list[Told] = []
        else:
            group.sent_at = min(group.sent_at, at)
            ended = [one for one in group.sent if one not in known]
            changed = bool(ended) or any(one not in group.sent for one in now)
            wait = times.group_interval if changed else times.repeat_interval
            if at - group.sent_at < wait or not (now or ended):
                return None
            over = [_ended(group.sent[one], at) for one in ended]
        muted_since = {one: told for one, told in group.sent.items() if one in known - now.keys()}
        group.sent, group.sent_at = {**muted_since, **now}, at
        if not group.sent:
            del self._groups[receiver, key]
        return Message(receiver, dict(key), (*now.values(), *over), at)

    def _group_of(self, labels: Mapping[str, str]) -> dict[str, str]:
        match self.notification.group_by:
            case "component":
                return {"component": labels.get("component", "")}
            case "alert":
                return {"alertname": labels["alertname"]}
            case "none":
                return {}


def mute(
    firing: Sequence[Alert],
    silences: Sequence[Silence],
    inhibitions: Sequence[Inhibition],
    at: float,
) -> list[Muted]:
    """Return the alerts that nobody is told about at a time.

    An alert does not inhibit itself, and one that is silenced still inhibits.
    """
    muted = []
    for alert in firing:
        component = alert.labels.get("component", "")
        silence = next((one for one in silences if _silences(one, alert.name, component, at)), None)
        if silence is not None:
            muted.append(Muted(alert, f"silenced by {silence.author}: {silence.reason}"))
            continue
        source = next(
            (
                other.name
                for rule in inhibitions
                if fnmatchcase(alert.name, rule.target)
                for other in firing
                if other.name != alert.name
                and fnmatchcase(other.name, rule.source)
                and other.labels.get("component", "") == component
            ),
            None,
        )
        if source is not None:
            muted.append(Muted(alert, f"inhibited by {source}"))
    return muted


def _silences(silence: Silence, name: str, component: str, at: float) -> bool:
    return (
        at < silence.expires.timestamp()
        and fnmatchcase(name, silence.alert)
        and fnmatchcase(component, silence.component)
    )


def _told(alert: Alert) -> Told:
    annotations = {"summary": alert.summary, "description": alert.why}
    return Told(
        fingerprint=alert.fingerprint,
        labels={**alert.labels, "alertname": alert.name},
        annotations={key: text for key, text in annotations.items() if text},
        since=alert.since,
        until=None,
    )


def _ended(told: Told, at: float) -> Told:
    return Told(told.fingerprint, told.labels, told.annotations, told.since, at)
