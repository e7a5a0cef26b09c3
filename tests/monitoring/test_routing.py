from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from production_settings import settings

from perfkit.monitoring.payloads import alert_line, lines, slack, webhook
from perfkit.monitoring.routing import Message, Router, Told, mute
from perfkit.monitoring.states import Alert

FAILS = Alert("Fails", {"component": "shop", "severity": "page"}, "it fails", "", "firing", 0, 1)
SLOW = replace(FAILS, name="Slow", labels={"component": "shop", "severity": "ticket"})
OTHER = replace(FAILS, labels={"component": "mcp", "severity": "page"})
MINUTE = 60.0


def _router(folder: Path, **given: Any) -> Router:  # noqa: ANN401  # whatever YAML holds
    return Router(settings(folder, **given).monitoring)


def _names(messages: list[Message]) -> list[tuple[str, list[tuple[str, bool]]]]:
    return [
        (message.receiver, [(one.labels["alertname"], one.until is None) for one in message.alerts])
        for message in messages
    ]


def test_a_group_is_told_at_once_then_not_before_its_interval(tmp_path: Path) -> None:
    router = _router(tmp_path)
    told = [
        (at, _names(router.step(firing, at)[0]))
        for at, firing in (
            (0.0, [FAILS]),
            (15.0, [FAILS, SLOW]),  # changed, but too early
            (300.0, [FAILS, SLOW]),
            (315.0, [FAILS, SLOW]),  # unchanged
            (330.0, [SLOW]),
            (600.0, [SLOW]),
            (900.0, []),
            (915.0, []),
        )
    ]
    assert [(at, found) for at, found in told if found] == [
        (0.0, [("stderr", [("Fails", True)])]),
        (300.0, [("stderr", [("Fails", True), ("Slow", True)])]),
        (600.0, [("stderr", [("Slow", True), ("Fails", False)])]),
        (900.0, [("stderr", [("Slow", False)])]),
    ]


def test_what_still_fires_is_told_again(tmp_path: Path) -> None:
    router = _router(tmp_path)
    times = [at for at in range(0, 9 * 3600, 900) if router.step([FAILS], float(at))[0]]
    assert times == [0, 4 * 3600, 8 * 3600]


def test_a_group_waits_for_more_alerts_and_tells_nothing_that_is_over(tmp_path: Path) -> None:
    router = _router(tmp_path, notification={"group_wait": "30s", "group_by": "none"})
    assert router.step([FAILS], 0)[0] == []
    assert router.step([], 15)[0] == []
    assert router.step([SLOW], 30)[0] == []
    (message,) = router.step([SLOW, OTHER], 60)[0]
    assert len(message.alerts) == 2
    assert message.group == {}


@pytest.mark.parametrize(("by", "groups"), [("component", 2), ("alert", 2), ("none", 1)])
def test_alerts_share_a_message_where_they_agree(tmp_path: Path, by: str, groups: int) -> None:
    router = _router(tmp_path, notification={"group_by": by})
    assert len(router.step([FAILS, SLOW, OTHER], 0)[0]) == groups


def test_a_receiver_gets_its_severity_only(tmp_path: Path) -> None:
    receivers = [
        {"name": "all", "kind": "stderr"},
        {"name": "pager", "kind": "stderr", "severity": "page"},
    ]
    router = _router(tmp_path, notification={"receivers": receivers})
    assert _names(router.step([FAILS, SLOW], 0)[0]) == [
        ("all", [("Fails", True), ("Slow", True)]),
        ("pager", [("Fails", True)]),
    ]


def _alerts(expires: str) -> dict[str, Any]:
    silence = {"alert": "Fa*", "expires": expires, "reason": "a test", "author": "Ada"}
    return {"silences": [{**silence, "component": "sh?p"}]}


def test_a_silence_holds_until_it_ends(tmp_path: Path) -> None:
    router = _router(tmp_path, alerts=_alerts("1970-01-01T00:10Z"))
    messages, muted = router.step([FAILS, OTHER], 0)
    assert _names(messages) == [("stderr", [("Fails", True)])]
    assert messages[0].group == {"component": "mcp"}
    assert [(one.alert, one.by) for one in muted] == [(FAILS, "silenced by Ada: a test")]
    assert router.step([FAILS, OTHER], 599)[0] == []
    assert _names(router.step([FAILS, OTHER], 600)[0]) == [("stderr", [("Fails", True)])]


def test_an_alert_that_is_silenced_after_it_was_told_is_not_called_over(tmp_path: Path) -> None:
    router = _router(tmp_path)
    router.step([FAILS], 0)
    router.silences = settings(tmp_path, alerts=_alerts("2999-01-01")).monitoring.alerts.silences
    assert router.step([FAILS], 600)[0] == []
    assert _names(router.step([], 1200)[0]) == [("stderr", [("Fails", False)])]


def test_an_alert_makes_others_of_its_component_superfluous(tmp_path: Path) -> None:
    inhibition = [{"source": "Fails", "target": "*"}]
    router = _router(tmp_path, alerts={"inhibitions": inhibition})
    other = replace(SLOW, labels={**SLOW.labels, "component": "mcp"})
    messages, muted = router.step([SLOW, FAILS, other], 0)
    assert [one.alert for one in muted] == [SLOW], "neither itself nor another component"
    assert muted[0].by == "inhibited by Fails"
    assert len(messages) == 2
    assert mute([SLOW], router.silences, router.inhibitions, 0) == []


def test_a_restart_tells_nothing_twice_and_still_tells_the_end(tmp_path: Path) -> None:
    first = _router(tmp_path)
    messages, _ = first.step([FAILS], 0)
    again = _router(tmp_path)
    again.restore(messages)
    assert again.step([FAILS], 400)[0] == []
    over, _ = again.step([], 800)
    assert _names(over) == [("stderr", [("Fails", False)])]
    last = _router(tmp_path)
    last.restore([*messages, *over])
    assert last.step([], 1200)[0] == []


def test_a_clock_that_goes_back_does_not_silence_a_group(tmp_path: Path) -> None:
    router = _router(tmp_path)
    router.step([FAILS], 10_000)
    assert router.step([FAILS, SLOW], 100)[0] == []
    assert len(router.step([FAILS, SLOW], 400)[0]) == 1


HOSTILE = Told(
    fingerprint="0" * 16,
    labels={"alertname": "A", "component": 'a"b\nc', "severity": "page", "name": "x\x1b[2J"},
    annotations={"summary": "<!channel> & 5 > 4\nsecond", "description": "look"},
    since=0.0,
    until=None,
)
MESSAGE = Message("pager", {"component": 'a"b\nc'}, (HOSTILE, replace(HOSTILE, until=60.0)), 60.0)


def test_a_webhook_gets_what_alertmanager_sends() -> None:
    body = webhook(MESSAGE)
    assert body["version"] == "4"
    assert body["status"] == "firing"
    assert body["groupLabels"] == {"component": 'a"b\nc'}
    assert body["groupKey"] == '{}:{component="a\\"b\\nc"}'
    assert [alert["status"] for alert in body["alerts"]] == ["firing", "resolved"]
    assert body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert body["alerts"][1]["endsAt"] == "1970-01-01T00:01:00.000Z"
    assert body["commonLabels"] == HOSTILE.labels
    many = webhook(replace(MESSAGE, alerts=(HOSTILE,) * 130))
    assert (len(many["alerts"]), many["truncatedAlerts"]) == (100, 30)


def test_what_users_wrote_moves_no_cursor_ends_no_line_and_calls_nobody() -> None:
    said = lines(MESSAGE)
    assert len(said) == 2
    assert said[0] == (
        "1970-01-01T00:01:00.000Z FIRING [page] A (x\\u001b[2J): <!channel> & 5 > 4 second; look"
    )
    assert "RESOLVED" in said[1]
    assert slack(MESSAGE)["text"].count("&lt;!channel&gt; &amp; 5 &gt; 4") == 2
    assert lines(replace(MESSAGE, alerts=(HOSTILE,) * 130))[-1].endswith("and 30 more")
    assert alert_line(replace(HOSTILE, annotations={"summary": "s"})).endswith(": s")
