"""Alert rules, who is told, and what is silent."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from perfkit.config.fields import Duration, Moment, PositiveDuration, PositiveLevel, Text
from perfkit.config.section import Section, refuse_repeats
from perfkit.config.units import Level

AlertName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,79}$")]
"""A letter, then letters, digits, dashes and underscores, at most 80 in all."""

Kind = Literal["threshold", "burn-rate", "no-data", "quality", "leak"]
"""What makes an alert rule fire."""

Signal = Literal["error-ratio", "degraded-ratio", "rate", "p50", "p95", "p99", "memory"]
"""What a threshold is about."""

Severity = Literal["page", "ticket", "info"]
"""How soon a person has to look: now, on a working day, when they like."""

_UNIT_OF_SIGNAL: dict[Signal, str] = {
    "error-ratio": "%",
    "degraded-ratio": "%",
    "rate": "/s",
    "p50": "s",
    "p95": "s",
    "p99": "s",
    "memory": "B",
}
_EXAMPLE = {"%": "5%", "/s": "10/s", "s": "250ms", "B": "64MiB"}

_KEYS: dict[Kind, set[str]] = {
    "threshold": {"signal", "above", "below", "clear", "by_call", "call", "component"},
    "burn-rate": {"objective"},
    "no-data": {"call", "component"},
    "quality": {"quality", "below", "component"},
    "leak": {"above", "component"},
}
"""Kind -> the keys that it understands, beside those of every rule."""


class AlertRule(Section):
    """A condition that people want to hear about."""

    name: AlertName
    """What the alert is called; unique."""
    kind: Kind
    """What makes it fire: a threshold of a signal, a burn-rate of an objective, no-data from a
    component, a quality below its minimum, or memory that grows (leak)."""
    component: Text | None = None
    """The component that is watched; left out, every component by itself."""
    call: Text | None = None
    """Only calls of this name (threshold and no-data); all by default."""
    by_call: bool = False
    """One alert for every name of a call instead of one for all (threshold)."""
    signal: Signal | None = None
    """What the threshold is about."""
    objective: Text | None = None
    """The objective whose error budget burns (burn-rate)."""
    quality: Text | None = None
    """The name of the quality value whose mean is watched (quality)."""
    above: PositiveLevel | None = None
    """Fires above this: a threshold, or growth of memory in the window (leak)."""
    below: PositiveLevel | None = None
    """Fires below this: a threshold of the rate, or the least mean of a quality."""
    clear: PositiveLevel | None = None
    """Level at which it is over once it fires, lower than above or higher than below, against
    flapping (threshold); by default the level at which it begins."""
    window: PositiveDuration = 300.0
    """How far back the condition looks; burn rates have windows of their own."""
    hold: Duration = Field(default=0.0, alias="for")
    """How long the condition has to hold before the alert fires."""
    keep_firing_for: Duration = 0.0
    """How long the condition has to be gone before the alert ends, against flapping."""
    severity: Severity = "ticket"
    """How soon a person has to look; a burn-rate rule pages for its fast windows and writes a
    ticket for its slow ones, whatever stands here."""
    why: str = ""
    """What to do, for whoever is told."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Self:
        own = {"objective", "quality"}.union(*_KEYS.values())
        given = {key for key in own if getattr(self, key) not in {None, False}}
        if foreign := sorted(given - _KEYS[self.kind]):
            message = f"found the key {foreign[0]!r} with kind {self.kind}, wanted it left out"
            raise ValueError(message)
        needed = {
            "threshold": ("signal",),
            "burn-rate": ("objective",),
            "no-data": (),
            "quality": ("quality", "below"),
            "leak": ("above",),
        }[self.kind]
        if missing := [key for key in needed if getattr(self, key) is None]:
            message = f"found no key {missing[0]!r} with kind {self.kind}, wanted it"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _levels_fit_the_signal(self) -> Self:
        if self.signal is not None:
            if (self.above is None) == (self.below is None):
                raise ValueError("wanted one of above and below, and not both")
            if self.below is not None and self.signal != "rate":
                message = f"found below with signal {self.signal}, wanted above; rate has both"
                raise ValueError(message)
            unit = _UNIT_OF_SIGNAL[self.signal]
            level = self.above or self.below
            if level is not None and level.unit != unit:
                message = (
                    f"found a level in another unit than that of signal {self.signal}, "
                    f"wanted one such as {_EXAMPLE[unit]}"
                )
                raise ValueError(message)
            if level is not None and self.clear is not None:
                _refuse_the_wrong_side(self.clear, level, above=self.above is not None)
        if self.kind == "leak" and self.above is not None and self.above.unit != "B":
            raise ValueError("found growth in another unit than bytes, wanted a size such as 16MiB")
        if self.kind == "quality" and self.below is not None and self.below.unit not in "%count":
            raise ValueError("found a minimum in another unit, wanted one such as 95% or 12count")
        if self.signal == "memory" and self.by_call:
            raise ValueError("found by_call with signal memory, which a call has not got")
        return self


def _refuse_the_wrong_side(clear: Level, level: Level, *, above: bool) -> None:
    nearer = clear.value < level.value if above else clear.value > level.value
    if clear.unit != level.unit or not nearer:
        side = "above and lower" if above else "below and higher"
        message = f"found a level to clear at that is none, wanted one in the unit of {side}"
        raise ValueError(message)


class Inhibition(Section):
    """While one alert fires, others about the same component are not told."""

    source: Text
    """Shell pattern over names of alerts that say enough."""
    target: Text
    """Shell pattern over names of alerts that are then left out."""


class Silence(Section):
    """Alerts that nobody is told about until a time, for a reason."""

    alert: Text
    """Shell pattern over names of alerts."""
    component: Text = "*"
    """Shell pattern over names of components."""
    expires: Moment
    """When the silence ends: a day (to its end, UTC), or a time such as 2026-12-31T18:00Z."""
    reason: Text
    """Why nobody has to be told."""
    author: Text
    """Who says so."""


class Receiver(Section):
    """Somebody, or something, that is told."""

    name: Text
    """What the receiver is called; unique."""
    kind: Literal["stderr", "file", "webhook", "slack"]
    """stderr and file get one line an alert, webhook the JSON of Alertmanager's webhooks (version
    4), slack the JSON of Slack's incoming webhooks."""
    path: Text | None = None
    """File that lines are added to (file)."""
    url: Text | None = None
    """Address that is posted to (webhook, slack)."""
    url_env: Text | None = None
    """Name of an environment variable that holds the address, for addresses that are secret."""
    severity: Severity | None = None
    """Only alerts of this severity; all by default."""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if (self.path is not None) != (self.kind == "file"):
            raise ValueError("wanted path with kind file, and with no other")
        addresses = [address for address in (self.url, self.url_env) if address is not None]
        if len(addresses) != int(self.kind in {"webhook", "slack"}):
            raise ValueError("wanted one of url and url_env with kind webhook and slack only")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError("found an address that starts with neither http:// nor https://")
        return self


class Notification(Section):
    """How alerts become messages."""

    group_by: Literal["component", "alert", "none"] = "component"
    """Alerts that agree in this share one message; none puts all into one."""
    group_wait: Duration = 0.0
    """How long the first message of a group waits for more alerts."""
    group_interval: PositiveDuration = 300.0
    """Least time between two messages of a group whose alerts changed."""
    repeat_interval: PositiveDuration = 4 * 3600.0
    """Time after which an unchanged group that still fires is told again."""
    journal: Text = ".perfkit/notifications.jsonl"
    """File in which messages wait until they are delivered, from the current folder."""
    receivers: tuple[Receiver, ...] = ()
    """Who is told; nobody listed means standard error."""

    @field_validator("receivers")
    @classmethod
    def _receivers_have_names_of_their_own(
        cls, receivers: tuple[Receiver, ...]
    ) -> tuple[Receiver, ...]:
        refuse_repeats("name", [receiver.name for receiver in receivers])
        return receivers


class Alerts(Section):
    """What is worth telling a person."""

    interval: PositiveDuration = 15.0
    """How often the rules are evaluated."""
    rules: tuple[AlertRule, ...] = ()
    """The conditions."""
    inhibitions: tuple[Inhibition, ...] = ()
    """Which alerts make others superfluous."""
    silences: tuple[Silence, ...] = ()
    """What is silent for a time."""

    @field_validator("rules")
    @classmethod
    def _rules_have_names_of_their_own(cls, rules: tuple[AlertRule, ...]) -> tuple[AlertRule, ...]:
        refuse_repeats("name", [rule.name for rule in rules])
        return rules
