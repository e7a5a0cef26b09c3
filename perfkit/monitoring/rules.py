"""From the two YAML files to the rules that are evaluated: one for each component and burn rate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from perfkit.config.alerting import AlertRule, Severity
from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.config.units import format_duration, format_level, format_ratio
from perfkit.errors import ConfigError
from perfkit.monitoring.burn_rates import BURN_RATES
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
from perfkit.monitoring.telemetry import Selector

MOST_RULES: Final = 2000
"""Rules times components; each is evaluated at every step."""

_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition about one component, and what is said when it holds."""

    name: str
    condition: Condition
    labels: Mapping[str, str]
    """Of its alerts, beside alertname and, where it is about each call, name."""
    summary: str
    why: str
    hold: float
    """Seconds that the condition has to last."""
    keep_firing_for: float
    """Seconds that the condition has to be gone."""
    clear: Condition | None = None
    """What keeps an alert that fires: the condition at the level at which it is over."""


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return every rule, in the order of the file.

    Raises:
        ConfigError: a rule names a component or an objective that is not configured, or there are
            more than MOST_RULES.
    """
    monitoring = settings.monitoring
    components = [component.name for component in monitoring.components]
    objectives = {objective.name: objective for objective in settings.thresholds.objectives}
    for objective in objectives.values():
        _known(f"objective {objective.name!r}", "component", objective.component, components)
    found: list[Rule] = []
    for rule in monitoring.alerts.rules:
        place = f"alert {rule.name}"
        if rule.objective is not None:
            _known(place, "objective", rule.objective, list(objectives))
            found += _burns(rule, objectives[rule.objective])
            continue
        if rule.component is not None:
            _known(place, "component", rule.component, components)
        elif not components:
            raise ConfigError(
                f"{place}: found no component and none configured, wanted a component that is "
                "listed under components of monitoring_config.yaml"
            )
        chosen = components if rule.component is None else [rule.component]
        found += [_rule(rule, component) for component in chosen]
    if len(found) > MOST_RULES:
        raise ConfigError(
            f"alerts: found {len(found)} rules for all components together, wanted at most "
            f"{MOST_RULES}; name a component in rules that need not watch all"
        )
    return tuple(found)


def good_of(objective: Objective) -> Good:
    """Return what a good call of an objective is."""
    return Good(
        objective=objective.name,
        selector=Selector(objective.component, objective.call),
        within=objective.within,
        degraded_is_good=objective.degraded == "good",
    )


def longest_window(rules: tuple[Rule, ...]) -> float:
    """Return how far back the rules look, seconds; 0 without rules."""
    return max((_window(rule.condition) for rule in rules), default=0.0)


def _window(condition: Condition) -> float:
    return condition.long if isinstance(condition, Burn) else condition.window


def _known(place: str, what: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(map(repr, known)) or "none is configured"
    raise ConfigError(f"{place}: found the {what} {name!r}, wanted one of {listed}{hint}")


def _burns(rule: AlertRule, objective: Objective) -> Iterator[Rule]:
    good = good_of(objective)
    for rate in BURN_RATES:
        severity: Severity = rate.severity
        yield Rule(
            name=rule.name,
            condition=Burn(good, rate.factor * (1 - objective.target), rate.short, rate.long),
            labels={
                "component": objective.component,
                "objective": objective.name,
                "severity": severity,
                "window": format_duration(rate.long),
            },
            summary=(
                f"{objective.component}: the error budget of {objective.name} burns more than "
                f"{rate.factor:g} times too fast, over {format_duration(rate.short)} and "
                f"{format_duration(rate.long)}"
            ),
            why=rule.why,
            hold=rule.hold,
            keep_firing_for=rule.keep_firing_for,
        )


def _rule(rule: AlertRule, component: str) -> Rule:
    condition, words = _condition(rule, component)
    if rule.clear is not None:
        words = f"{words} (until {'below' if rule.above else 'above'} {format_level(rule.clear)})"
    return Rule(
        name=rule.name,
        condition=condition,
        labels={"component": component, "severity": rule.severity},
        summary=f"{component}: {words}",
        why=rule.why,
        hold=rule.hold,
        keep_firing_for=rule.keep_firing_for,
        clear=None if rule.clear is None else _condition(_clearing(rule), component)[0],
    )


def _clearing(rule: AlertRule) -> AlertRule:
    """The rule with the level at which it is over in place of that at which it begins."""
    side = "below" if rule.above is None else "above"
    return rule.model_copy(update={side: rule.clear})


def _condition(  # noqa: PLR0911  # one for each kind
    rule: AlertRule, component: str
) -> tuple[Condition, str]:
    """The condition of a rule that is not about a burn rate, and its words."""
    selector = Selector(component, rule.call)
    window, over = rule.window, f"over {format_duration(rule.window)}"
    calls = f"calls of {rule.call}" if rule.call else "calls"
    level = rule.above or rule.below
    text = format_level(level) if level is not None else ""
    number = level.value if level is not None else 0.0
    match rule.kind, rule.signal:
        case "no-data", _:
            return NoData(selector, window), f"no {calls} seen {over}"
        case "quality", _:
            name = rule.quality or ""
            words = f"the mean of quality {name} is below {text} {over}"
            return Quality(component, name, number, window), words
        case "leak", _:
            return Growth(component, number, window), f"memory grows by more than {text} {over}"
        case _, "memory":
            return Memory(component, number, window), f"resident memory is above {text} {over}"
        case _, "rate":
            side: Literal["above", "below"] = "below" if rule.above is None else "above"
            words = f"the rate of {calls} is {side} {text} {over}"
            return Rate(selector, side, number, window, rule.by_call), words
        case _, "error-ratio" | "degraded-ratio":
            outcome: Literal["error", "degraded"] = (
                "error" if rule.signal == "error-ratio" else "degraded"
            )
            words = f"more than {text} of {calls} {_ENDED[outcome]} {over}"
            return Share(selector, outcome, number, window, rule.by_call), words
        case _, signal:
            quantile = _QUANTILES[str(signal)]
            words = (
                f"{signal} is above {text}: less than {format_ratio(quantile)} of {calls} are "
                f"within it {over}"
            )
            return Slow(selector, quantile, number, window, rule.by_call), words


_ENDED: Final = {"error": "failed", "degraded": "were degraded"}
