import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from production_settings import EXAMPLE, example, settings

from perfkit.errors import ConfigError
from perfkit.monitoring.conditions import Burn, NoData, Share
from perfkit.monitoring.promql import quoted
from perfkit.monitoring.rules import Rule, rules_of
from perfkit.monitoring.scenario import expand, parse_series, play, read_scenarios

SCENARIO = EXAMPLE / "scenario.yaml"


def _failed(rules: list[Rule]) -> int:
    scenarios = read_scenarios(SCENARIO)
    return sum(not outcome.passed for one in scenarios for outcome in play(one, rules))


def test_the_example_fires_is_silent_and_notices_missing_data() -> None:
    rules = list(rules_of(example()))
    outcomes = [outcome for one in read_scenarios(SCENARIO) for outcome in play(one, rules)]
    assert all(outcome.passed for outcome in outcomes)
    fired = [sorted({alert.name for alert in outcome.fired}) for outcome in outcomes]
    assert fired == [[], ["SumsFail"], ["BudgetBurns"], [], [], [], [], ["Silent"], ["Silent"]]


@pytest.mark.parametrize("above", [-1.0, 1.0])
@pytest.mark.parametrize("kind", [Share, Burn])
def test_a_moved_threshold_makes_the_example_fail(kind: type, above: float) -> None:
    rules = [
        replace(rule, condition=replace(rule.condition, above=above))
        if isinstance(rule.condition, Share | Burn) and isinstance(rule.condition, kind)
        else rule
        for rule in rules_of(example())
    ]
    assert _failed(rules) > 0


@pytest.mark.parametrize(
    "change",
    [
        {"hold": 600.0},
        {"keep_firing_for": 3600.0},
        {"labels": {"component": "shop", "severity": "info"}},
        {"name": "Other"},
    ],
)
def test_a_moved_duration_or_label_makes_the_example_fail(change: dict[str, object]) -> None:
    rules = rules_of(example())
    moved = [replace(rule, **change) if rule.name == "SumsFail" else rule for rule in rules]  # type: ignore[arg-type]  # any field
    assert _failed(moved) > 0


def test_a_window_without_data_moves_with_its_length() -> None:
    rules = [
        replace(rule, condition=replace(rule.condition, window=3600.0))
        if isinstance(rule.condition, NoData)
        else rule
        for rule in rules_of(example())
    ]
    assert _failed(rules) > 0


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), st.text(max_size=8), max_size=3)
)
def test_any_label_is_read_back_from_its_spelling(labels: dict[str, str]) -> None:
    text = "m{" + ",".join(f"{key}={quoted(value)}" for key, value in labels.items()) + "}"
    assert parse_series(text) == ("m", labels)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5", [1, 2.5]),
        ("5x2", [5, 5, 5]),
        ("0+1x2 _ 7", [0, 1, 2, None, 7]),
        ("10-5x2 _x2 stale", [10, 5, 0, None, None, None]),
        ("-1+2x1", [-1, 1]),
        ("1e3", [1000]),
        ("", []),
    ],
)
def test_values_are_read_as_promtool_does(text: str, values: list[float | None]) -> None:
    assert list(expand(text)) == values


def _file(folder: Path, **test: object) -> Path:
    path = folder / "scenario.yaml"
    expectation = {"eval_time": "1m", "alertname": "A", "exp_alerts": []}
    path.write_text(json.dumps({"tests": [{"alert_rule_test": [expectation], **test}]}))
    return path


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ({"interval": "15s"}, "wanted interval and evaluation_interval to be the same"),
        ({"interval": "1 m"}, "wanted a duration of Prometheus"),
        ({"intervall": "1m"}, "found the unknown key 'intervall'"),
        ({"input_series": 5}, "found 5, wanted a list"),
        ({"input_series": [{"series": "a{", "values": "1"}]}, "wanted label="),
        ({"input_series": [{"series": "a}", "values": "1"}]}, "after the metric"),
        ({"input_series": [{"series": "a{b='c'}d", "values": "1"}]}, "the closing brace"),
        ({"input_series": [{"series": "{}", "values": "1"}]}, "wanted a series such as"),
        ({"input_series": [{"series": "a", "values": "1 x"}]}, "found 'x', wanted values"),
        ({"input_series": [{"series": "a", "values": "1+1"}]}, "without a number of steps"),
        ({"input_series": [{"series": "a", "values": "1x9999999999"}]}, "repetitions"),
        ({"input_series": [{"series": 5, "values": "1"}]}, "found 5, wanted text"),
        ({"alert_rule_test": []}, "a file that expects nothing would pass"),
        ({"alert_rule_test": [{"alertname": 5}]}, "found 5, wanted text"),
        ({"alert_rule_test": [{"alertname": "A", "exp_alerts": [{"exp_labels": 5}]}]}, "labels"),
        ({"input_series": [{"series": f"a{n}"} for n in range(10_001)]}, "wanted at most 10000"),
    ],
)
def test_a_wrong_scenario_is_a_sentence(
    tmp_path: Path, test: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_scenarios(_file(tmp_path, **test))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"kind": "no-data", "component": "shp"}, "did you mean 'shop'?"),
        ({"kind": "burn-rate", "objective": "o"}, "found the objective 'o', wanted one of none"),
    ],
)
def test_a_rule_about_something_unknown_is_a_sentence(
    tmp_path: Path, rule: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        rules_of(settings(tmp_path, {"name": "A", **rule}))
    assert sentence in str(caught.value)


def test_rules_for_every_component_are_bounded(tmp_path: Path) -> None:
    components = tuple(f"c{number}" for number in range(2001))
    given_settings = settings(tmp_path, {"name": "A", "kind": "no-data"}, components=components)
    with pytest.raises(ConfigError, match="found 2001 rules"):
        rules_of(given_settings)
    with pytest.raises(ConfigError, match="found no component and none configured"):
        rules_of(settings(tmp_path, {"name": "A", "kind": "no-data"}, components=()))
