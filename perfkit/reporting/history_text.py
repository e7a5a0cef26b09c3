"""A history for the terminal and as JSON values: pure functions of the history."""

import math
from typing import TYPE_CHECKING, Any

from perfkit.model import Unit
from perfkit.reporting.quantity import change, change_interval, quantity
from perfkit.reporting.sparkline import sparkline
from perfkit.stats import ChangePoint, Event
from perfkit.stats.history import History, Trend

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

SHORT_LABEL = 10
"""Characters of a commit that are shown."""

NAMED_MEMBERS = 3
"""Series named in the line of an event; the others are counted."""


def history_text(history: History) -> "RenderableType":
    """Return a row per series with its sparkline, then the events, then the suspects."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = [Text(_headline(history), style="bold"), Text()]
    groups = sorted({trend.series.group for trend in history.trends})
    for group in groups:
        if group:
            parts.append(Text(group, style="dim"))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
        table.add_column("series", overflow="fold")
        table.add_column("points", justify="right")
        table.add_column("history", no_wrap=True)
        table.add_column("latest", justify="right", no_wrap=True)
        table.add_column("changes")
        for trend in history.trends:
            if trend.series.group == group:
                table.add_row(*(Text(cell) for cell in _row(trend)))
        parts += [table, Text()]
    if history.events:
        parts.append(Text("Changes, oldest first", style="bold"))
        parts += [_event(event, history) for event in history.events]
        parts.append(Text())
    parts += _suspects(history)
    parts += _notes(history)
    return Group(*parts)


def _headline(history: History) -> str:
    alarms = sum(event.is_alarm for event in history.events)
    series = f"{len(history.trends)} series"
    if not alarms:
        return f"{series}, no change of level that still stands"
    if alarms == 1:
        return f"{series}, one change of level that still stands"
    return f"{series}, {alarms} changes of level that still stand"


def _row(trend: Trend) -> tuple[str, str, str, str, str]:
    known = [value for value in trend.series.values if math.isfinite(value)]
    analysis = trend.analysis
    steps, drifts = len(analysis.steps), len(analysis.change_points) - len(analysis.steps)
    words = [
        f"{count} {word}{'s' * (count > 1)}"
        for count, word in ((steps, "step"), (drifts, "drift"))
        if count
    ]
    return (
        trend.series.name,
        str(len(known)),
        sparkline(trend.series.values),
        quantity(known[-1], trend.series.unit) if known else "-",
        ", ".join(words) or "-",
    )


def _event(event: Event[tuple[str, str]], history: History) -> "Text":
    from rich.text import Text

    labels = history.trends[0].series.labels
    label = labels[event.first]
    subject = history.subjects.get(label, "")
    worst = event.members[0]
    units = {(t.series.group, t.series.name): t.series.unit for t in history.trends}
    names = [
        f"{name} {_shift(member.change, units[key])}"
        for member in event.members[:NAMED_MEMBERS]
        for key in [member.benchmark]
        for name in [key[1]]
    ]
    rest = len(event.members) - NAMED_MEMBERS
    if rest > 0:
        names.append(f"and {rest} more")
    until = ""
    if event.kind == "drift":
        until = f" (a drift until {labels[worst.change.end - 1][:SHORT_LABEL]})"
    elif event.went_away:
        back = max(member.went_away or 0 for member in event.members)
        until = f" (went away at {labels[back][:SHORT_LABEL]})"
    style = "" if event.is_alarm else "dim"
    head = f"  {label[:SHORT_LABEL]} {subject}".rstrip()
    return Text(f"{head}: {', '.join(names)}{until}", style=style)


def _shift(found: ChangePoint, unit: Unit) -> str:
    if found.ratio is None:
        return f"{quantity(found.before, unit)} -> {quantity(found.after, unit)}"
    return f"{change(found.ratio.estimate)} {change_interval(found.ratio)}"


def _suspects(history: History) -> "list[Text]":
    from rich.text import Text

    lines = []
    for trend in history.trends:
        for suspect in trend.suspects:
            label = trend.series.labels[suspect.index][:SHORT_LABEL]
            more = suspect.confirmations
            wanted = "measure again" if more is None else f"{more} more points there would decide"
            lines.append(
                Text(
                    f"? {trend.series.name} looks different since {label}:"
                    f" {quantity(suspect.before, trend.series.unit)} ->"
                    f" {quantity(suspect.after, trend.series.unit)}; {wanted}",
                    style="yellow",
                )
            )
    return lines


def _notes(history: History) -> "list[Text]":
    from rich.text import Text

    notes: dict[str, int] = {}
    for trend in history.trends:
        for note in trend.analysis.notes:
            notes[note] = notes.get(note, 0) + 1
    return [Text(f"! {count} series: {note}", style="dim") for note, count in notes.items()]


def history_values(history: History) -> dict[str, Any]:
    """Return the JSON values: every series with its points, change points and suspects."""
    return {
        "series": [_trend_values(trend) for trend in history.trends],
        "events": [
            {
                "kind": event.kind,
                "alarm": event.is_alarm,
                "went_away": event.went_away,
                "label": history.trends[0].series.labels[event.first],
                "subject": history.subjects.get(history.trends[0].series.labels[event.first]),
                "p_adjusted": event.p_adjusted,
                "series": [
                    {"group": member.benchmark[0], "name": member.benchmark[1]}
                    for member in event.members
                ],
            }
            for event in history.events
        ],
    }


def _trend_values(trend: Trend) -> dict[str, Any]:
    labels = trend.series.labels
    return {
        "name": trend.series.name,
        "group": trend.series.group,
        "unit": str(trend.series.unit),
        "labels": list(labels),
        "values": [value if math.isfinite(value) else None for value in trend.series.values],
        "noise": trend.analysis.sigma,
        "notes": list(trend.analysis.notes),
        "change_points": [
            {
                "kind": found.kind,
                "index": found.index,
                "end": found.end,
                "label": labels[found.index],
                "before": found.before,
                "after": found.after,
                "ratio": None
                if found.ratio is None
                else {
                    "low": found.ratio.low,
                    "estimate": found.ratio.estimate,
                    "high": found.ratio.high,
                    "confidence": found.ratio.confidence,
                },
                "p_value": found.p_value,
                "superiority": found.superiority,
            }
            for found in trend.analysis.change_points
        ],
        "suspects": [
            {
                "index": found.index,
                "label": labels[found.index],
                "before": found.before,
                "after": found.after,
                "confirmations": found.confirmations,
            }
            for found in trend.suspects
        ],
    }
