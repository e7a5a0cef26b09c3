"""A Grafana dashboard with a row for every component and a panel for every objective."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import orjson

from perfkit.config.components import Component
from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.monitoring.metric_names import DURATION, QUALITY
from perfkit.monitoring.promql import calls, memory, quoted, recorded
from perfkit.monitoring.rules import good_of
from perfkit.monitoring.telemetry import Selector

SCHEMA_VERSION: Final = 39
"""Of the dashboard model; Grafana migrates older ones. Source:
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/."""

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH: Final = 24
"""Columns of the grid."""
_HEIGHT: Final = 8
"""Rows of the grid that a panel takes."""


def grafana_files(settings: Settings) -> Mapping[str, str]:
    """Return the dashboard; import it, or let Grafana provision it."""
    document = dashboard(settings)
    return {
        "perfkit-dashboard.json": orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    }


def dashboard(settings: Settings) -> dict[str, Any]:
    """Return the dashboard model."""
    return {
        "uid": "perfkit",
        "title": "perfkit",
        "tags": ["perfkit"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_placed(settings)),
    }


def _placed(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every panel with its number and its place, four beside each other below its row."""
    number, y = count(1), 0
    groups = [
        (component.name, _component_panels(component))
        for component in settings.monitoring.components
    ]
    if settings.thresholds.objectives:
        groups.insert(0, ("Objectives", map(_budget, settings.thresholds.objectives)))
    for title, panels in groups:
        yield {
            "id": next(number),
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
        }
        y += 1
        x = 0
        for panel in panels:
            if x == _WIDTH:
                x, y = 0, y + _HEIGHT
            place = {"x": x, "y": y, "w": _WIDTH // 4, "h": _HEIGHT}
            yield {"id": next(number), "gridPos": place, "datasource": _SOURCE, **panel}
            x += _WIDTH // 4
        y += _HEIGHT


def _component_panels(component: Component) -> Iterator[dict[str, Any]]:
    selector = Selector(component.name)
    every = "[$__rate_interval]"
    about = f"component={quoted(component.name)}"
    outcomes = f"sum by (outcome) (rate({calls(selector)}{every}))"
    yield _panel("Calls by outcome", "reqps", (outcomes, "{{outcome}}"), why=component.why)
    total = f"sum(rate({calls(selector)}{every}))"
    not_ok = f"outcome!={quoted('ok')}"
    bad = f"sum(rate({calls(selector, not_ok)}{every}))"
    yield _panel("Share of bad calls", "percentunit", (f"({bad} or 0 * {total}) / {total}", "bad"))
    buckets = f"sum by (le) (rate({DURATION}_bucket{{{about}}}{every}))"
    quantiles = [
        (f"histogram_quantile({q}, {buckets})", name)
        for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]
    yield _panel("Duration", "s", *quantiles)
    yield _panel("Resident memory", "bytes", (f"max({memory(component.name)})", "largest process"))
    sums = f"sum by (name) (rate({QUALITY}_sum{{{about}}}{every}))"
    counts = f"sum by (name) (rate({QUALITY}_count{{{about}}}{every}))"
    yield _panel("Quality, mean", "none", (f"{sums} / {counts}", "{{name}}"))


def _budget(objective: Objective) -> dict[str, Any]:
    share = recorded(good_of(objective), objective.window)
    left = f"1 - {share} / {1 - objective.target!r}"
    panel = _panel(f"Error budget left: {objective.name}", "percentunit", (left, "left"))
    steps = [{"color": "red", "value": None}, {"color": "green", "value": 0}]
    panel["type"] = "stat"
    panel["description"] = objective.why
    panel["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    return panel


def _panel(title: str, unit: str, *targets: tuple[str, str], why: str = "") -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "description": why,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(targets)
        ],
    }
