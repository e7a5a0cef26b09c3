from typing import get_args

import pytest

from perfkit.config.alerting import AlertRule, Kind, Notification, Signal
from perfkit.config.objectives import Objective
from perfkit.reporting.procedures import LOOKS, first_look, meaning, procedures, who_is_told


def rule(**keys: object) -> AlertRule:
    return AlertRule.model_validate({"name": "Alert", **keys})


LECTURES = Objective.model_validate(
    {"name": "lectures", "component": "shop", "target": "99%", "within": "1s"}
)
PAGER = Notification.model_validate(
    {
        "receivers": (
            {"name": "pager", "kind": "webhook", "url": "http://127.0.0.1:1/", "severity": "page"},
            {"name": "diary", "kind": "file", "path": "alerts.log"},
        )
    }
)

RULES = [
    (
        rule(kind="threshold", signal="error-ratio", above="5%", component="shop"),
        "the share of calls that fail of shop is above 5% over 5min",
        "perfkit slo",
    ),
    (
        rule(kind="threshold", signal="p99", above="1s", call="buy", **{"for": "1min"}),
        "the time of the slowest 1 % of calls of buy of a component is above 1s over 5min, for ",
        "perfkit compare LAST_GOOD HEAD",
    ),
    (
        rule(kind="threshold", signal="degraded-ratio", above="5%", by_call=True),
        "the share of degraded answers of one kind of call of a component is above 5% over 5min",
        "perfkit slo",
    ),
    (
        rule(kind="threshold", signal="rate", below="1/s"),
        "the number of calls a second of a component is below 1/s over 5min",
        "perfkit load TARGET --rate 1/s --for 10s",
    ),
    (
        rule(kind="threshold", signal="memory", above="1GiB"),
        "the resident memory of a component is above 1GiB over 5min",
        "perfkit leaks pkg.mod:callable",
    ),
    (
        rule(kind="burn-rate", objective="lectures"),
        (
            "the error budget of *lectures* burns faster than it lasts: 99% of the calls of shop"
            " have to be good within 1s over 30d"
        ),
        "perfkit slo",
    ),
    (rule(kind="no-data"), "nothing was recorded of a component for 5min", "df -h ."),
    (
        rule(kind="quality", quality="words", below="95%"),
        "the mean of the quality *words* of a component is below 95% over 5min",
        "git log --oneline LAST_GOOD..HEAD",
    ),
    (
        rule(kind="leak", above="64MiB", window="1h"),
        "the memory of a component grew by more than 64MiB over 1h",
        "perfkit leaks pkg.mod:callable",
    ),
]


@pytest.mark.parametrize(("one", "says", "command"), RULES)
def test_every_rule_has_a_meaning_and_commands(one: AlertRule, says: str, command: str) -> None:
    assert meaning(one, LECTURES).startswith(says)
    look, commands = first_look(one)
    assert look
    assert command in commands
    assert commands[0] == "perfkit alerts check"


def test_no_rule_is_without_a_look() -> None:
    assert set(LOOKS) == {*get_args(Signal), *get_args(Kind)} - {"threshold"}


def test_who_is_told_follows_the_receivers() -> None:
    burns = rule(kind="burn-rate", objective="lectures")
    assert list(who_is_told(burns, PAGER)) == [
        "page, now, at any hour: pager (webhook), diary (file)",
        "ticket, on a working day: diary (file)",
    ]
    quiet = rule(kind="no-data", severity="info")
    assert list(who_is_told(quiet, Notification())) == [
        "info, when there is time: standard error of `perfkit alerts watch`"
    ]
    only_pager = Notification(receivers=PAGER.receivers[:1])
    assert "nobody" in next(iter(who_is_told(quiet, only_pager)))


def test_every_rule_has_its_section() -> None:
    page = procedures([one for one, _, _ in RULES], PAGER, [LECTURES])
    assert page.count("## Alert") == len(RULES)
    assert page.count("Means: ") == page.count("First look: ") == page.count("Who is told:")
    assert "No alert rule is configured" in procedures([], Notification(), [])
    said = procedures([rule(kind="no-data", why="call the owner")], Notification(), [])
    assert "What its rule says to do: call the owner." in said
