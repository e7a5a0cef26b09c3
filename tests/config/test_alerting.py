import json
from pathlib import Path
from typing import Any

import pytest

from perfkit.config.load import Settings, load_settings
from perfkit.errors import ConfigError

THRESHOLD = {"name": "A", "kind": "threshold", "signal": "error-ratio", "above": "5%"}


def _load(folder: Path, rule: dict[str, Any], **more: Any) -> Settings:  # noqa: ANN401  # YAML
    given = {"alerts": {"rules": [rule]}, **more}
    (folder / "monitoring_config.yaml").write_text(json.dumps(given), encoding="utf-8")
    return load_settings(folder, environ={})


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({**THRESHOLD, "above": 5}, "found 5 without a unit, wanted a level"),
        ({**THRESHOLD, "above": "250ms"}, "another unit than that of signal error-ratio"),
        ({**THRESHOLD, "above": "0%"}, "found zero"),
        ({**THRESHOLD, "below": "5%"}, "wanted one of above and below"),
        ({"name": "A", "kind": "threshold", "signal": "p95", "below": "1s"}, "wanted above"),
        ({"name": "A", "kind": "threshold", "above": "5%"}, "found no key 'signal'"),
        ({"name": "A", "kind": "burn-rate"}, "found no key 'objective'"),
        (
            {"name": "A", "kind": "no-data", "above": "5%"},
            "found the key 'above' with kind no-data",
        ),
        ({"name": "A", "kind": "leak", "above": "5%"}, "wanted a size such as 16MiB"),
        ({"name": "A", "kind": "quality", "quality": "q", "below": "5s"}, "such as 95% or 12count"),
        ({**THRESHOLD, "signal": "memory", "above": "1MiB", "by_call": True}, "has not got"),
        ({**THRESHOLD, "clear": "5%"}, "wanted one in the unit of above and lower"),
        ({**THRESHOLD, "clear": "1/s"}, "wanted one in the unit of above and lower"),
        ({**THRESHOLD, "clear": 2}, "found 2 without a unit"),
        (
            {"name": "A", "kind": "threshold", "signal": "rate", "below": "5/s", "clear": "4/s"},
            "wanted one in the unit of below and higher",
        ),
        ({"name": "A", "kind": "no-data", "clear": "5%"}, "'clear' with kind no-data"),
        ({**THRESHOLD, "name": "a b"}, "name: found 'a b'"),
        ({**THRESHOLD, "windw": "5min"}, "did you mean 'window'?"),
        ({**THRESHOLD, "for": "5"}, "found 5 without a unit, wanted a duration"),
    ],
)
def test_a_wrong_rule_is_a_sentence(tmp_path: Path, rule: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, rule)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "monitoring_config.yaml:1:"))


@pytest.mark.parametrize(
    ("receiver", "sentence"),
    [
        ({"kind": "file"}, "wanted path with kind file"),
        ({"kind": "stderr", "path": "a"}, "wanted path with kind file"),
        ({"kind": "webhook"}, "wanted one of url and url_env"),
        ({"kind": "slack", "url": "http://a", "url_env": "B"}, "wanted one of url and url_env"),
        ({"kind": "webhook", "url": "ftp://a"}, "starts with neither http:// nor https://"),
    ],
)
def test_a_receiver_needs_its_address(
    tmp_path: Path, receiver: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=r"wanted|neither") as caught:
        _load(tmp_path, THRESHOLD, notification={"receivers": [{"name": "a", **receiver}]})
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("expires", "shown"),
    [
        ("2030-01-31", "2030-02-01T00:00:00Z"),
        ("2030-01-31T18:00+02:00", "2030-01-31T16:00:00Z"),
        ("2030-01-31T18:00", "without a time zone"),
        ("soon", "found 'soon', wanted a day"),
        (5, "found 5, wanted a day"),
    ],
)
def test_a_silence_ends_at_a_time(tmp_path: Path, expires: object, shown: str) -> None:
    silence = {"alert": "*", "expires": expires, "reason": "r", "author": "a"}
    alerts = {"rules": [THRESHOLD], "silences": [silence]}
    try:
        found = _load(tmp_path, THRESHOLD, alerts=alerts)
    except ConfigError as error:
        assert shown in str(error)  # noqa: PT017  # both outcomes are right
    else:
        dumped = found.monitoring.model_dump(mode="json", by_alias=True)
        assert dumped["alerts"]["silences"][0]["expires"] == shown


@pytest.mark.parametrize("target", ["100%", "0%", "120%"])
def test_an_objective_leaves_a_budget(tmp_path: Path, target: str) -> None:
    given = {"objectives": [{"name": "a", "component": "b", "target": target}]}
    (tmp_path / "performance_thresholds.yaml").write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(ConfigError, match="more than 0% and less than 100%"):
        load_settings(tmp_path, environ={})


def test_names_stand_once(tmp_path: Path) -> None:
    component = [{"name": "a"}, {"name": "a"}]
    with pytest.raises(ConfigError, match="found name 'a' twice"):
        _load(tmp_path, THRESHOLD, components=component)
