"""A Grafana dashboard with a row for every component and a panel for every objective.

A row shows what `perfkit monitor` does; whoever has no cache, guard or probe sees "No data" there.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import orjson

from perfkit.config.components import Component
from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.monitoring.metric_names import (
    BREAKER,
    BULKHEAD,
    CACHE_EVENTS,
    DURATION,
    EVENTS,
    GUARD_EVENTS,
    OK,
    QUALITY,
)
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
_EVERY: Final = "[$__rate_interval]"
"""The range that Grafana finds fit for what is shown."""


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
    """What `perfkit monitor` shows of a component, over time."""
    selector = Selector(component.name)
    about = f"component={quoted(component.name)}"
    outcomes = f"sum by (outcome) (rate({calls(selector)}{_EVERY}))"
    yield _panel("Calls by outcome", "reqps", (outcomes, "{{outcome}}"), why=component.why)
    total = f"sum(rate({calls(selector)}{_EVERY}))"
    not_ok = f"outcome!={quoted(OK)}"
    bad = f"sum(rate({calls(selector, not_ok)}{_EVERY}))"
    yield _panel("Share of bad calls", "percentunit", (f"({bad} or 0 * {total}) / {total}", "bad"))
    buckets = f"sum by (le) (rate({DURATION}_bucket{{{about}}}{_EVERY}))"
    quantiles = [
        (f"histogram_quantile({q}, {buckets})", name)
        for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]
    yield _panel("Duration", "s", *quantiles)
    yield _panel("Resident memory", "bytes", (f"max({memory(component.name)})", "largest process"))
    sums = f"sum by (name) (rate({QUALITY}_sum{{{about}}}{_EVERY}))"
    counts = f"sum by (name) (rate({QUALITY}_count{{{about}}}{_EVERY}))"
    yield _panel("Quality, mean", "none", (f"{sums} / {counts}", "{{name}}"))
    yield from _guard_panels(about)
    yield from _probe_panels(component, about)


def _guard_panels(about: str) -> Iterator[dict[str, Any]]:
    used = f"max by (guard) ({BULKHEAD}{{{about}}})"
    yield _panel(
        "Saturation",
        "percentunit",
        (used, "{{guard}}"),
        why="The share of a bulkhead that is taken.",
    )
    panel = _panel("Breakers", "none", (f"max by (guard) ({BREAKER}{{{about}}})", "{{guard}}"))
    states = {"0": {"text": "closed"}, "0.5": {"text": "half open"}, "1": {"text": "open"}}
    panel["fieldConfig"]["defaults"] |= {
        "min": 0,
        "max": 1,
        "mappings": [{"type": "value", "options": states}],
    }
    yield panel
    decided = f"sum by (guard, event) (rate({GUARD_EVENTS}{{{about}}}{_EVERY}))"
    yield _panel("Decisions of guards", "ops", (decided, "{{guard}} {{event}}"))

    def asked(*words: str) -> str:
        events = f"event=~{quoted('|'.join(words))}"
        return f"sum by (cache) (rate({CACHE_EVENTS}{{{about},{events}}}{_EVERY}))"

    ratio = f"{asked('hit', 'shared')} / {asked('hit', 'shared', 'miss', 'stale')}"
    yield _panel("Cache hits, share", "percentunit", (ratio, "{{cache}}"))
    happened = f"sum by (cache, event) (rate({CACHE_EVENTS}{{{about}}}{_EVERY}))"
    yield _panel("Caches", "ops", (happened, "{{cache}} {{event}}"))


def _probe_panels(component: Component, about: str) -> Iterator[dict[str, Any]]:
    failed = f"sum by (name) (rate({EVENTS}{{{about},name=~{quoted('probe[.].*')}}}{_EVERY}))"
    why = "Probes that failed, and runs that were missed as the one before still went on."
    yield _panel("Probes that failed", "ops", (failed, "{{name}}"), why=why)
    if component.probes:
        names = "|".join(re.escape(probe.name) for probe in component.probes)
        probes = f"name=~{quoted(names)}"

        def rate(*more: str) -> str:
            series = calls(Selector(component.name), probes, *more)
            return f"sum by (name) (rate({series}{_EVERY}))"

        fine = f"outcome={quoted(OK)}"
        share = f"({rate(fine)} or 0 * {rate()}) / {rate()}"
        yield _panel("Probes that succeed, share", "percentunit", (share, "{{name}}"))


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
    """A panel over time; ``targets`` are queries with their legends."""
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
