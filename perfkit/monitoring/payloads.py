"""Messages as the receivers want them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from perfkit.monitoring.routing import Message, Told

MOST_ALERTS: Final = 100
"""Alerts in one message; more are counted (``truncatedAlerts``), as Alertmanager has it."""

_NEVER: Final = "0001-01-01T00:00:00Z"
"""Go's zero time: how Alertmanager says that an alert has not ended."""

MARK: Final = {True: "FIRING", False: "RESOLVED"}


def webhook(message: Message) -> dict[str, Any]:
    """Return the body of Alertmanager's webhooks, version 4.

    Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
    """
    shown = message.alerts[:MOST_ALERTS]
    group = ", ".join(f"{key}={json.dumps(value)}" for key, value in sorted(message.group.items()))
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{group}}}",
        "truncatedAlerts": len(message.alerts) - len(shown),
        "status": "firing" if message.firing else "resolved",
        "receiver": message.receiver,
        "groupLabels": dict(message.group),
        "commonLabels": _common([alert.labels for alert in message.alerts]),
        "commonAnnotations": _common([alert.annotations for alert in message.alerts]),
        "externalURL": "",
        "alerts": [
            {
                "status": "firing" if alert.until is None else "resolved",
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": moment(alert.since),
                "endsAt": _NEVER if alert.until is None else moment(alert.until),
                "generatorURL": "",
                "fingerprint": alert.fingerprint,
            }
            for alert in shown
        ],
    }


def slack(message: Message) -> dict[str, Any]:
    """Return the body of Slack's incoming webhooks; what users wrote cannot mention anybody.

    Source: https://api.slack.com/reference/surfaces/formatting#escaping.
    """
    text = "\n".join(lines(message))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return {"text": text}


def lines(message: Message) -> list[str]:
    """Return one line for every alert, for people; nothing in it can end the line."""
    shown = message.alerts[:MOST_ALERTS]
    found = [
        f"{moment(message.at)} {MARK[alert.until is None]} {alert_line(alert)}" for alert in shown
    ]
    if left_out := len(message.alerts) - len(shown):
        found.append(f"{moment(message.at)} and {left_out} more")
    return found


def alert_line(alert: Told) -> str:
    """Return name, severity and words of an alert in one line."""
    labels = alert.labels
    call = f" ({labels['name']})" if "name" in labels else ""
    said = alert.annotations.get("summary", "")
    why = alert.annotations.get("description", "")
    words = f"{said}; {why}" if why else said
    return one_line(f"[{labels.get('severity', '')}] {labels['alertname']}{call}: {words}")


def one_line(text: str) -> str:
    """Return text without control characters: blanks for spaces, code points for the rest."""
    return "".join(
        " " if one.isspace() else one if one.isprintable() else f"\\u{ord(one):04x}" for one in text
    )


def moment(seconds: float) -> str:
    """Return a time as RFC 3339 in UTC, to the millisecond."""
    found = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return found.replace("+00:00", "Z")


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *rest = sets
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in rest)}
