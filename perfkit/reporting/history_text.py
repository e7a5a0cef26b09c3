"""A history for the terminal and as JSON values: pure functions of the history."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perfkit.model import Unit
from perfkit.reporting.quantity import change, change_interval, quantity
from perfkit.reporting.sparkline import sparkline
from perfkit.stats import ChangePoint, Event
from perfkit.stats.history import History, Outlook, SeriesName, Trend

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

SHORT_LABEL = 10
"""Characters of a commit that are shown."""

NAMED_MEMBERS = 3
"""Series named in the line of an event; the others are counted."""


_NUMBER = re.compile(r"\d+")

SHORT_TABLE = 40
"""Series up to which all are shown; of more, those that changed."""

SECTIONS = {
    Outlook.REGRESSION: "Regressions that stand",
    Outlook.IMPROVEMENT: "Improvements that stand",
    Outlook.WENT_AWAY: "Changes that went away",
    Outlook.DRIFT: "Drifts",
}


def history_text(history: History, *, every_series: bool = False) -> "RenderableType":
    """Return a row per series with its sparkline, then the events, then the suspects.

    Of many series only those with a change are shown, unless ``every_series``.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = [Text(_headline(history), style="bold"), Text()]
    shown = [
        trend
        for trend in history.trends
        if every_series
        or len(history.trends) <= SHORT_TABLE
        or trend.analysis.change_points
        or trend.suspects
    ]
    for group in dict.fromkeys(trend.series.group for trend in shown):
        if group:
            parts.append(Text(group, style="dim"))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
        table.add_column("series", overflow="fold")
        table.add_column("points", justify="right")
        table.add_column("history", no_wrap=True)
        table.add_column("latest", justify="right", no_wrap=True)
        table.add_column("changes")
        for trend in shown:
            if trend.series.group == group:
                table.add_row(*(Text(cell) for cell in _row(trend)))
        parts += [table, Text()]
    if len(shown) < len(history.trends):
        rest = len(history.trends) - len(shown)
        parts += [Text(f"{rest} series without a change are not shown: --all shows them."), Text()]
    for outlook, title in SECTIONS.items():
        events = [event for event in history.events if history.outlook(event) is outlook]
        if events:
            parts.append(Text(f"{title}, oldest first", style="bold"))
            parts += [_event(event, history) for event in events]
            parts.append(Text())
    parts += _suspects(history)
    parts += _notes(history)
    return Group(*parts)


def _headline(history: History) -> str:
    counts = Counter(history.outlook(event) for event in history.events)
    words = [
        f"{counts[outlook]} {outlook}{'s' if counts[outlook] > 1 else ''} {rest}".rstrip()
        for outlook, rest in (
            (Outlook.REGRESSION, "that stand" if counts[Outlook.REGRESSION] > 1 else "that stands"),
            (
                Outlook.IMPROVEMENT,
                "that stand" if counts[Outlook.IMPROVEMENT] > 1 else "that stands",
            ),
        )
        if counts[outlook]
    ]
    if counts[Outlook.WENT_AWAY]:
        words.append(f"{counts[Outlook.WENT_AWAY]} that went away")
    if counts[Outlook.DRIFT]:
        words.append(f"{counts[Outlook.DRIFT]} drift{'s' * (counts[Outlook.DRIFT] > 1)}")
    return f"{len(history.trends)} series: {', '.join(words) or 'no change of level'}"


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


def _event(event: Event[SeriesName], history: History) -> "Text":
    from rich.text import Text

    labels = history.labels
    names = [
        f"{member.benchmark[1]} {_shift(member.change, history.by_name[member.benchmark].unit)}"
        for member in event.members[:NAMED_MEMBERS]
    ]
    rest = len(event.members) - NAMED_MEMBERS
    if rest > 0:
        names.append(f"and {rest} more")
    until = ""
    if event.kind == "drift":
        until = f" (until {_point(labels[event.members[0].change.end - 1], history)})"
    elif event.went_away:
        back = max(member.went_away or 0 for member in event.members)
        until = f" (went away at {_point(labels[back], history)})"
    style = "" if event.is_alarm else "dim"
    subject = commit.subject if (commit := history.commits.get(labels[event.first])) else ""
    head = f"  {_point(labels[event.first], history)} {subject}".rstrip()
    return Text(f"{head}: {', '.join(names)}{until}", style=style)


def _point(label: str, history: History) -> str:
    """Return a short label, with the author date where it is known."""
    commit = history.commits.get(label)
    short = label[:SHORT_LABEL]
    return f"{short} {day(commit.date)}" if commit else short


def day(milliseconds: int) -> str:
    """Return a time since 1970 as its date in UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).strftime(
        "%Y-%m-%d"
    )


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
            wanted = "measure it again"
            if more:
                wanted = f"{more} more point{'s' if more > 1 else ''} there would decide"
            lines.append(
                Text(
                    f"? {trend.series.name} looks different since {label}:"
                    f" {quantity(suspect.before, trend.series.unit)} ->"
                    f" {quantity(suspect.after, trend.series.unit)}; {wanted}",
                    style="yellow",
                )
            )
    return lines


def in_one(notes: Sequence[str]) -> str:
    """Return notes that differ in their numbers only as one, with the range of each number.

    Example: ``3 of 40 points`` and ``7 of 40 points`` are ``3 to 7 of 40 points``.
    """
    columns = iter(zip(*([int(n) for n in _NUMBER.findall(note)] for note in notes), strict=True))

    def span(_: re.Match[str]) -> str:
        column = next(columns)
        low, high = min(column), max(column)
        return str(low) if low == high else f"{low} to {high}"

    return _NUMBER.sub(span, notes[0])


def _notes(history: History) -> "list[Text]":
    from rich.text import Text

    # Notes that differ in their numbers only are one line.
    kinds: dict[str, list[str]] = {}
    for trend in history.trends:
        for note in (*trend.analysis.notes, *trend.series.notes):
            kinds.setdefault(_NUMBER.sub("#", note), []).append(note)
    lines = [*history.notes]
    lines += [f"{len(notes)} series: {in_one(notes)}" for notes in kinds.values()]
    return [Text(f"! {line}", style="dim") for line in lines]


def history_values(history: History) -> dict[str, Any]:
    """Return the JSON values: every series with its points, change points and suspects."""
    return {
        "notes": list(history.notes),
        "commits": [{"label": label, **_commit(history, label)} for label in history.labels],
        "series": [_trend_values(trend) for trend in history.trends],
        "events": [
            {
                "kind": event.kind,
                "alarm": event.is_alarm,
                "went_away": event.went_away,
                "outlook": str(history.outlook(event)),
                "label": history.labels[event.first],
                **_commit(history, history.labels[event.first]),
                "p_adjusted": event.p_adjusted,
                "series": [
                    {
                        "group": member.benchmark[0],
                        "name": member.benchmark[1],
                        "went_away": None
                        if member.went_away is None
                        else history.labels[member.went_away],
                    }
                    for member in event.members
                ],
            }
            for event in history.events
        ],
    }


def _commit(history: History, label: str) -> dict[str, str | int | None]:
    commit = history.commits.get(label)
    return {
        "date": commit.date if commit else None,
        "subject": commit.subject if commit else None,
    }


def _trend_values(trend: Trend) -> dict[str, Any]:
    labels = trend.series.labels
    return {
        "name": trend.series.name,
        "group": trend.series.group,
        "unit": str(trend.series.unit),
        "better": trend.series.better,
        "labels": list(labels),
        "values": [value if math.isfinite(value) else None for value in trend.series.values],
        "noise": trend.analysis.sigma,
        "notes": [*trend.analysis.notes, *trend.series.notes],
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
