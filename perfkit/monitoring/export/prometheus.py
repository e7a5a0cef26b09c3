"""Recording and alerting rules, and a configuration that scrapes and alerts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.monitoring.burn_rates import WINDOWS
from perfkit.monitoring.export.templates import literal
from perfkit.monitoring.export.yaml_text import yaml_text
from perfkit.monitoring.promql import bad_share, expression, quoted, record_name, span
from perfkit.monitoring.rules import Rule, good_of, rules_of

RULES_FILE: Final = "perfkit.rules.yml"
SCRAPED: Final = "127.0.0.1:9464"
"""Where `perfkit monitor --serve` listens unless told otherwise."""


def prometheus_files(settings: Settings) -> Mapping[str, str]:
    """Return the rules, and prometheus.yml for one machine."""
    return {
        RULES_FILE: yaml_text(rule_groups(settings)),
        "prometheus.yml": yaml_text(_configuration(settings)),
    }


def rule_groups(settings: Settings) -> dict[str, Any]:
    """Return the groups of rules; recording rules stand before the alerts that read them.

    Raises:
        ConfigError: as :func:`perfkit.monitoring.rules.rules_of`.
    """
    interval = span(settings.monitoring.alerts.interval)
    rules = [
        *(record for objective in settings.thresholds.objectives for record in _records(objective)),
        *map(_alert, rules_of(settings)),
    ]
    return {"groups": [{"name": "perfkit", "interval": interval, "rules": rules}] if rules else []}


def _records(objective: Objective) -> Sequence[Mapping[str, Any]]:
    good = good_of(objective)
    labels = {"component": literal(objective.component), "objective": literal(objective.name)}
    windows = sorted({*WINDOWS, objective.window})
    return [
        {"record": record_name(window), "expr": bad_share(good, window), "labels": dict(labels)}
        for window in windows
    ]


def _alert(rule: Rule) -> Mapping[str, Any]:
    alert: dict[str, Any] = {"alert": rule.name, "expr": _expression(rule)}
    if rule.hold > 0:
        alert["for"] = span(rule.hold)
    if rule.keep_firing_for > 0:
        alert["keep_firing_for"] = span(rule.keep_firing_for)
    alert["labels"] = {key: literal(value) for key, value in rule.labels.items()}
    annotations = {"summary": rule.summary, "description": rule.why}
    alert["annotations"] = {key: literal(text) for key, text in annotations.items() if text}
    return alert


def _expression(rule: Rule) -> str:
    """The condition; while the alert fires, also that at the level at which it is over.

    ``ALERTS`` is what Prometheus found at the evaluation before this one.
    """
    begun = expression(rule.condition)
    if rule.clear is None:
        return begun
    component = quoted(rule.labels["component"])
    fires = f'ALERTS{{alertname="{rule.name}",alertstate="firing",component={component}}}'
    by = "name" if getattr(rule.clear, "by_call", False) else ""
    return f"{begun} or ({expression(rule.clear)} and on({by}) {fires})"


def _configuration(settings: Settings) -> dict[str, Any]:
    interval = span(settings.monitoring.alerts.interval)
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [RULES_FILE],
        "scrape_configs": [
            {"job_name": "perfkit", "static_configs": [{"targets": [SCRAPED]}]},
        ],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}],
        },
    }
