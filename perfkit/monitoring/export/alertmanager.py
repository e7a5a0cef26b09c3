"""Routes, receivers, inhibition and silences for Alertmanager."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from perfkit.config.alerting import Receiver, Silence
from perfkit.config.load import Settings
from perfkit.monitoring.export.yaml_text import yaml_text
from perfkit.monitoring.promql import quoted, span

SECRETS: Final = "/etc/alertmanager"
"""Folder of files that hold secret addresses; Alertmanager reads no environment variables."""

_NOBODY: Final = "nobody"


def alertmanager_files(settings: Settings, now: datetime) -> tuple[Mapping[str, str], list[str]]:
    """Return alertmanager.yml and silences.json, and what could not be said there.

    Silences are not configuration there: ``amtool silence import`` reads the file. One that has
    ended at ``now`` is left out.
    """
    receivers = settings.monitoring.notification.receivers
    notes = []
    reached = []
    for receiver in receivers:
        if receiver.kind in {"webhook", "slack"}:
            reached.append(receiver)
        else:
            notes.append(
                f"receiver {receiver.name!r} of kind {receiver.kind} is left out: Alertmanager "
                "has no such receiver"
            )
        if receiver.url_env is not None:
            notes.append(
                f"receiver {receiver.name!r} reads its address from {SECRETS}/{receiver.url_env}: "
                "put it there"
                + (" (webhooks: from Alertmanager 0.26 on)" if receiver.kind == "webhook" else "")
            )
    if not reached:
        notes.append("no receiver is left: alerts are only shown in Alertmanager")
    current = [one for one in settings.monitoring.alerts.silences if now < one.expires]
    files = {
        "alertmanager.yml": yaml_text(configuration(settings, reached)),
        "silences.json": orjson.dumps(
            [_silence(one, now) for one in current], option=orjson.OPT_INDENT_2
        ).decode()
        + "\n",
    }
    return files, notes


def configuration(settings: Settings, receivers: list[Receiver]) -> dict[str, Any]:
    """Return the configuration; every receiver has a route of its own that all alerts pass."""
    times = settings.monitoring.notification
    group_by = {"component": ["component"], "alert": ["alertname"], "none": []}[times.group_by]
    return {
        "route": {
            "receiver": _NOBODY,
            "group_by": group_by,
            "group_wait": span(times.group_wait) if times.group_wait else "0s",
            "group_interval": span(times.group_interval),
            "repeat_interval": span(times.repeat_interval),
            "routes": [_route(receiver) for receiver in receivers],
        },
        "receivers": [{"name": _NOBODY}, *map(_receiver, receivers)],
        "inhibit_rules": [
            {
                "source_matchers": [_matcher("alertname", rule.source)],
                "target_matchers": [_matcher("alertname", rule.target)],
                "equal": ["component"],
            }
            for rule in settings.monitoring.alerts.inhibitions
        ],
    }


def regular_expression(pattern: str) -> str:
    """Return a shell pattern as a regular expression of Go, which matchers anchor by themselves.

    >>> regular_expression("Burn*[!x]?")
    'Burn(?s:.*)[^x](?s:.)'
    """
    found, position = [], 0
    while position < len(pattern):
        one = pattern[position]
        close = pattern.find("]", position + 2) if one == "[" else -1
        if one == "*":
            found.append("(?s:.*)")
        elif one == "?":
            found.append("(?s:.)")
        elif close > 0:
            inside = pattern[position + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            found.append(f"[{'^' + inside[1:] if inside[0] == '!' else inside}]")
            position = close
        else:
            found.append(re.escape(one))
        position += 1
    return "".join(found)


def _route(receiver: Receiver) -> dict[str, Any]:
    route: dict[str, Any] = {"receiver": receiver.name, "continue": True}
    if receiver.severity is not None:
        route["matchers"] = [f"severity={quoted(receiver.severity)}"]
    return route


def _receiver(receiver: Receiver) -> dict[str, Any]:
    if receiver.kind == "slack":
        address = (
            {"api_url": receiver.url}
            if receiver.url
            else {"api_url_file": f"{SECRETS}/{receiver.url_env}"}
        )
        text = "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ end }}"
        return {
            "name": receiver.name,
            "slack_configs": [{**address, "send_resolved": True, "text": text}],
        }
    address = (
        {"url": receiver.url} if receiver.url else {"url_file": f"{SECRETS}/{receiver.url_env}"}
    )
    return {"name": receiver.name, "webhook_configs": [{**address, "send_resolved": True}]}


def _matcher(label: str, pattern: str) -> str:
    return f"{label}=~{quoted(regular_expression(pattern))}"


def _silence(silence: Silence, now: datetime) -> dict[str, Any]:
    return {
        "matchers": [
            {
                "name": name,
                "value": regular_expression(pattern),
                "isRegex": True,
                "isEqual": True,
            }
            for name, pattern in (("alertname", silence.alert), ("component", silence.component))
        ],
        "startsAt": now.isoformat().replace("+00:00", "Z"),
        "endsAt": silence.expires.isoformat().replace("+00:00", "Z"),
        "createdBy": silence.author,
        "comment": silence.reason,
    }
