import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from production_settings import example, settings

from perfkit.config.load import Settings, load_settings
from perfkit.errors import ConfigError
from perfkit.monitoring import metric_names as names
from perfkit.monitoring.export.alertmanager import regular_expression
from perfkit.monitoring.export.files import Tool, files_for
from perfkit.monitoring.metric_names import bound_label, duration_bounds
from perfkit.monitoring.promql import expression, number, quoted, span
from perfkit.monitoring.rules import rules_of
from perfkit.monitoring.store_metrics import families, read_totals
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key, Values

NOW = datetime(2026, 1, 5, tzinfo=UTC)
HOSTILE = 'a "b"\n{{ c }}\\'


def _yaml(tool: Tool, given: Settings, name: str) -> Any:  # noqa: ANN401  # any document
    return yaml.safe_load(files_for(tool, given, NOW)[0][name])


@pytest.mark.parametrize("tool", get_args(Tool))
def test_every_file_is_read_back_by_its_format(tool: Tool) -> None:
    files, _ = files_for(tool, example(), NOW)
    assert files
    for name, text in files.items():
        assert json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def test_recording_rules_stand_before_the_alerts_that_read_them() -> None:
    (group,) = _yaml("prometheus", example(), "perfkit.rules.yml")["groups"]
    recorded: set[tuple[str, str]] = set()
    read = 0
    for rule in group["rules"]:
        if "record" in rule:
            recorded.add((rule["record"], rule["labels"]["objective"]))
        for name, objective in re.findall(
            r'(perfkit:\w+:\w+)\{objective="([^"]+)"\}', rule["expr"]
        ):
            assert (name, objective) in recorded
            read += 1
    assert read == 8, "two windows of four burn rates"
    alerts = [rule["alert"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == len(rules_of(example()))


def test_every_kind_of_rule_has_its_expression(tmp_path: Path) -> None:
    base = {"window": "5min", "component": HOSTILE}
    given = settings(
        tmp_path,
        {"name": "A", "kind": "threshold", "signal": "p99", "above": "1s", "by_call": True, **base},
        {"name": "B", "kind": "threshold", "signal": "rate", "below": "2/s", "call": "x", **base},
        {"name": "C", "kind": "threshold", "signal": "memory", "above": "1MiB", **base},
        {"name": "D", "kind": "quality", "quality": "q", "below": "95%", **base},
        {"name": "E", "kind": "leak", "above": "1MiB", **base},
        {"name": "F", "kind": "no-data", **base},
        {"name": "G", "kind": "threshold", "signal": "degraded-ratio", "above": "1%", **base},
        components=(HOSTILE,),
    )
    label = 'component="a \\"b\\"\\n{{ c }}\\\\"'
    calls, duration = f"perfkit_calls_total{{{label}", f"perfkit_call_duration_seconds_%s{{{label}"
    assert [expression(rule.condition) for rule in rules_of(given)] == [
        (
            f'sum by (name) (rate({duration % "bucket"},le="1.0"}}[5m])) / '
            f"sum by (name) (rate({duration % 'count'}}}[5m])) < 0.99"
        ),
        f'sum(rate({calls},name="x"}}[5m])) < 2',
        f"max(max_over_time(perfkit_resident_memory_bytes{{{label}}}[5m])) > 1048576",
        (
            f'sum(rate(perfkit_quality_sum{{{label},name="q"}}[5m])) / '
            f'sum(rate(perfkit_quality_count{{{label},name="q"}}[5m])) < 0.95'
        ),
        f"max(deriv(perfkit_resident_memory_bytes{{{label}}}[5m])) * 300 > 1048576",
        f"absent(sum(rate({calls}}}[5m])) > 0)",
        (
            f'(sum(rate({calls},outcome="degraded"}}[5m])) or 0 * sum(rate({calls}}}[5m]))) / '
            f"sum(rate({calls}}}[5m])) > 0.01"
        ),
    ]
    # What a template would read is written as its own text.
    (group,) = _yaml("prometheus", given, "perfkit.rules.yml")["groups"]
    assert group["rules"][0]["labels"]["component"] == 'a "b"\n{{ "{{" }} c }}\\'


def test_a_level_to_clear_at_holds_while_the_alert_fires(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        {"name": "A", "kind": "threshold", "signal": "rate", "above": "2/s", "clear": "1/s"},
        {"name": "B", "kind": "threshold", "signal": "p95", "above": "1s", "clear": "300ms"}
        | {"by_call": True},
        components=(HOSTILE,),
    )
    (group,) = _yaml("prometheus", given, "perfkit.rules.yml")["groups"]
    label = 'component="a \\"b\\"\\n{{ c }}\\\\"'
    rate = f"sum(rate(perfkit_calls_total{{{label}}}[5m]))"
    first, second = (rule["expr"] for rule in group["rules"])
    fires = f'ALERTS{{alertname="A",alertstate="firing",{label}}}'
    assert first == f"{rate} > 2 or ({rate} > 1 and on() {fires})"
    assert second.endswith(f'and on(name) ALERTS{{alertname="B",alertstate="firing",{label}}})')
    assert second.count('le="1.0"') == second.count('le="0.3"') == 1
    bounds = duration_bounds(given.thresholds.objectives, given.monitoring.alerts)
    assert {1.0, 0.3} <= set(bounds)
    summary = group["rules"][0]["annotations"]["summary"]
    assert summary.endswith("the rate of calls is above 2/s over 5min (until below 1/s)")


def test_alertmanager_routes_and_says_what_it_cannot_do() -> None:
    files, notes = files_for("alertmanager", example(), NOW)
    document = yaml.safe_load(files["alertmanager.yml"])
    routes = {route["receiver"]: route.get("matchers") for route in document["route"]["routes"]}
    assert routes == {"on call": ['severity="page"'], "team": None}
    assert document["receivers"][1]["webhook_configs"][0]["send_resolved"]
    assert document["inhibit_rules"][0]["target_matchers"] == ['alertname=~"(?s:.*)Burns"']
    assert ["diary" in note for note in notes] == [False, True]
    (silence,) = json.loads(files["silences.json"])
    assert silence["endsAt"] == "2100-01-01T00:00:00Z"
    later = files_for("alertmanager", example(), datetime(2100, 1, 1, tzinfo=UTC))
    assert json.loads(later[0]["silences.json"]) == [], "one that has ended is left out"


def test_an_alertmanager_without_a_receiver_says_so(tmp_path: Path) -> None:
    receivers = [{"name": "hook", "kind": "webhook", "url_env": "HOOK"}]
    given = settings(tmp_path, notification={"receivers": receivers, "group_by": "none"})
    files, notes = files_for("alertmanager", given, NOW)
    assert "url_file: /etc/alertmanager/HOOK" in files["alertmanager.yml"]
    assert "from Alertmanager 0.26 on" in notes[0]
    assert "no receiver is left" in files_for("alertmanager", settings(tmp_path), NOW)[1][-1]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [("Burn*", "Burns", "burns"), ("a.b", "a.b", "axb"), ("[!a]?", "bc", "ac"), ("[x", "[x", "x")],
)
def test_a_shell_pattern_matches_the_same_as_a_regular_expression(
    pattern: str, matching: str, other: str
) -> None:
    found = re.compile(regular_expression(pattern))
    assert found.fullmatch(matching)
    assert not found.fullmatch(other)


def _dashboard(given: Settings) -> list[dict[str, Any]]:
    document = json.loads(files_for("grafana", given, NOW)[0]["perfkit-dashboard.json"])
    panels: list[dict[str, Any]] = document["panels"]
    return panels


def _queries(panels: list[dict[str, Any]]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_the_dashboard_covers_every_component_and_objective() -> None:
    panels = _dashboard(example())
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert rows == ["Objectives", "shop", "mcp"]
    queries = " ".join(_queries(panels))
    for objective in example().thresholds.objectives:
        assert f'objective="{objective.name}"' in queries
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places)
    assert all(one["gridPos"]["x"] + one["gridPos"]["w"] <= 24 for one in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize(
    "metric",
    [
        *(names.CALLS, f"{names.DURATION}_bucket", names.MEMORY, f"{names.QUALITY}_sum"),
        *(names.BULKHEAD, names.BREAKER, names.GUARD_EVENTS, names.CACHE_EVENTS, names.EVENTS),
    ],
)
def test_every_component_has_what_the_monitor_shows(tmp_path: Path, metric: str) -> None:
    panels = _dashboard(settings(tmp_path, components=("shop", HOSTILE)))
    for component in ("shop", HOSTILE):
        wanted = f"{metric}{{component={quoted(component)}"
        assert any(wanted in query for query in _queries(panels)), (metric, component)


def test_probes_have_a_panel_whatever_they_are_called(tmp_path: Path) -> None:
    probe = {"name": 'say "hi" (1)', "kind": "http", "url": "http://127.0.0.1:9/"}
    components = [{"name": "shop", "probes": [probe]}, {"name": "mcp"}]
    path = tmp_path / "monitoring_config.yaml"
    path.write_text(json.dumps({"components": components}), encoding="utf-8")
    (panel,) = (
        one
        for one in _dashboard(load_settings(tmp_path, environ={}))
        if one["title"] == "Probes that succeed, share"
    )
    (matched,) = set(re.findall(r'name=~"((?:[^"\\]|\\.)*)"', panel["targets"][0]["expr"]))
    pattern = matched.replace('\\"', '"').replace("\\\\", "\\")
    assert re.fullmatch(pattern, probe["name"])
    assert not re.fullmatch(pattern, 'say "hi" 1')


def test_every_metric_and_label_of_the_dashboard_is_one_that_is_exposed(tmp_path: Path) -> None:
    """By what `/metrics` says of a store with everything, and what the rules record."""
    guard, cache = labels_text({"guard": "stock"}), labels_text({"cache": "prices"})
    moment = int(NOW.timestamp())
    with Store(tmp_path / "t.sqlite") as store:
        values = {
            Key("shop", name, labels): Values(1, 1.0, 1.0, 1.0, 1.0)
            for name, labels in (
                *((names.BREAKER_GAUGE, guard), (names.BULKHEAD_GAUGE, guard)),
                *((names.MEMORY_GAUGE, "{}"), ("reconciled", "{}")),
            )
        }
        events = {
            Key("shop", "guard.retry", guard): 1,
            Key("shop", "cache.hit", cache): 1,
            Key("shop", "probe.failed"): 1,
        }
        calls = Calls(1, 0, 0, 10**9, 10**9, Bins([10**9]))
        store.add(Batch(moment, {Key("shop", "sum"): calls}, values, events))
        found = families(read_totals(store, moment + 1), (0.25,))
    labels: dict[str, set[str]] = {}
    for family in found:
        for sample in family.samples:
            exposed = labels.setdefault(f"{family.name}{sample.suffix}", set())
            exposed |= {name for name, _ in sample.labels}
    (group,) = _yaml("prometheus", example(), "perfkit.rules.yml")["groups"]
    for rule in group["rules"]:
        if "record" in rule:
            labels[rule["record"]] = set(rule["labels"])
    used = 0
    for query in _queries(_dashboard(example())):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
        metrics = re.findall(r"(perfkit[a-z0-9_:]*)\{([^}]*)\}", bare)
        assert len(metrics) == bare.count("perfkit"), query
        for metric, matchers in metrics:
            asked = set(re.findall(r"([a-z]+)(?:=~|!~|!=|=)", matchers))
            grouped = {
                name for by in re.findall(r"by \(([^)]*)\)", bare) for name in by.split(", ")
            }
            assert metric in labels, query
            assert asked | grouped <= labels[metric], query
            used += 1
    assert used >= 30


def test_what_the_collector_uses_is_defined() -> None:
    document = _yaml("otel-collector", example(), "otel-collector.yaml")
    for pipeline in document["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(document[kind])
    scrape = document["receivers"]["prometheus"]["config"]["scrape_configs"][0]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:9464"]}]


def test_sloth_gets_a_file_for_each_component_whatever_its_name(tmp_path: Path) -> None:
    objectives = tuple(
        {"name": name, "component": component, "target": "99.9%"}
        for name, component in (("o", 'a "b"'), ("o!", 'a "b"'), ("p", "a-b"))
    )
    given = settings(tmp_path, components=('a "b"', "a-b"), objectives=objectives)
    files, _ = files_for("sloth", given, NOW)
    assert list(files) == ["sloth-a-b.yaml", "sloth-a-b-2.yaml"]
    document = yaml.safe_load(files["sloth-a-b.yaml"])
    assert [slo["name"] for slo in document["slos"]] == ["o", "o-2"]
    assert document["slos"][0]["objective"] == 99.9
    assert "[{{.window}}]" in document["slos"][0]["sli"]["events"]["error_query"]


def test_sloth_reads_nothing_but_its_window_as_a_template(tmp_path: Path) -> None:
    objective = {"name": "o", "component": "a {{ .b }}", "target": "99.9%", "within": "1s"}
    given = settings(tmp_path, components=("a {{ .b }}",), objectives=(objective,))
    document = _yaml("sloth", given, "sloth-a-b.yaml")
    for query in document["slos"][0]["sli"]["events"].values():
        actions = re.findall(r"\{\{(.*?)\}\}", query)
        assert set(actions) == {".window", ' "{{" '}
        # What Go's templates make of these two actions.
        filled = query.replace("{{.window}}", "5m").replace('{{ "{{" }}', "{{")
        assert filled.count('component="a {{ .b }}"') == query.count("component=")
        assert "[5m]" in filled


@pytest.mark.parametrize(
    ("tool", "wanted"),
    [("grafana", "components"), ("sloth", "objectives"), ("prometheus", "alerts")],
)
def test_nothing_to_export_is_a_sentence(tmp_path: Path, tool: Tool, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"found nothing to export, wanted {wanted}"):
        files_for(tool, settings(tmp_path, components=()), NOW)


def test_spellings_of_prometheus() -> None:
    assert [span(seconds) for seconds in (0.0004, 0.5, 90, 3600, 172_800)] == [
        *("1ms", "500ms", "90s", "1h", "2d"),
    ]
    assert [float(number(value)) for value in (0.1, 5.0, 1e300)] == [0.1, 5, 1e300]
    assert quoted("a\x00\x7f\t\r") == '"a\\x00\\x7f\\t\\r"'


def test_every_limit_is_a_bucket() -> None:
    given = example()
    bounds = duration_bounds(given.thresholds.objectives, given.monitoring.alerts)
    assert list(bounds) == sorted(set(bounds))
    assert 0.25 in bounds
    assert [bound_label(bound) for bound in (1.0, 0.25, float("inf"))] == ["1.0", "0.25", "+Inf"]
