"""A dashboard for the terminal, as a rich renderable that fits 80 columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from perfkit.model.dashboard import AlertRow, ComponentRow, Dashboard, Durations
from perfkit.reporting.dashboard_words import (
    MARK,
    NONE,
    alert_words,
    burn,
    guard_words,
    headline,
    is_low,
    labels_words,
    lasting,
    number,
    objective_words,
    percent,
    rate,
    seconds,
    seen_words,
    size,
    standing,
    window_words,
)
from perfkit.reporting.sparkline import sparkline
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

WIDE: Final = 112
"""Columns from which on the last column is a line of the rate."""
SPARKS: Final = 30

NARROWEST: Final = 8
"""Columns that a name has at least."""

FEW_CALLS: Final = 5
MANY_CALLS: Final = 20
"""Slowest names of calls that are shown: of several components, and of a single one."""

_COLOUR: Final = {
    "firing": "red",
    "breaker open": "yellow",
    "no data": "magenta",
    "ok": "green",
    "unwatched": "dim",
    "met": "green",
    "exceeded": "red",
    "inconclusive": "yellow",
    "pending": "yellow",
    "open": "red",
    "half open": "yellow",
    "closed": "green",
}


def dashboard_text(
    shown: Dashboard,
    *,
    columns: int = 80,
    live: bool = False,
    notes: Sequence[str] = (),
) -> "RenderableType":
    """Return one frame, most urgent first.

    The live view has one line for an alert and says how it ends; ``notes`` are about the view
    itself and stand on top.
    """
    from rich.console import Group
    from rich.text import Text

    head = Text(visible(headline(shown)), style=_head_style(shown), overflow="fold")
    about = Text(f"{visible(shown.store)}  {window_words(shown)}", style="dim")
    if live:
        about.append("  q ends")
    parts: list[RenderableType] = [head, about]
    parts += [Text(f"! {visible(note)}", style="bold yellow") for note in notes]
    if shown.alerts:
        parts += [Text(), *(_alert(one, shown.at, cut=live) for one in shown.alerts)]
    for section in (_components, _objectives, _guards, _caches, _values, _calls, _events):
        table = section(shown, columns)
        if table is not None:
            parts += [Text(), table]
    said = [*shown.notes, *_left_out(shown)]
    if said:
        parts += [Text(), *(Text(f"! {visible(note)}", style="yellow") for note in said)]
    return Group(*parts)


def _head_style(shown: Dashboard) -> str:
    colours = {"nothing": "magenta", "failing": "red", "fine": "green"}
    return f"bold {colours[standing(shown)]}"


def _alert(one: AlertRow, at: float, *, cut: bool) -> "Text":
    from rich.text import Text

    state = "muted" if one.muted is not None else one.state
    line = Text(style="dim" if one.muted is not None else "", no_wrap=cut, overflow="ellipsis")
    line.append(f"{state:8}", style=_COLOUR.get(state, "dim"))
    line.append(f"{lasting(one, at):>6}  [{visible(one.severity)}] ")
    line.append(visible(alert_words(one)))
    if one.muted is not None:
        line.append(f" ({visible(one.muted)})")
    return line


def _components(shown: Dashboard, columns: int) -> "Table | None":
    from rich.text import Text

    wide = columns >= WIDE
    names = ("rate", "errors", "degr.", "p50", "p95", "p99", "in use", "hits", "memory")
    rows = [
        [
            Text(f"{MARK[one.state]} {visible(one.name)}", style=_COLOUR[one.state]),
            *_figures(one),
            *([_spark(one.timeline.rate)] if wide else []),
        ]
        for one in shown.components
    ]
    heads = ("component", *names, *(["calls"] if wide else []))
    return _numbers(heads, rows, columns, gap=1 if wide else 0)


def _figures(one: ComponentRow) -> list["Text"]:
    from rich.text import Text

    traffic = one.traffic
    full = one.in_use is not None and one.in_use >= 1
    return [
        Text(text, style=style)
        for text, style in (
            (rate(traffic.rate) if traffic.calls else NONE, ""),
            (percent(traffic.error_ratio), "red" if traffic.errors else ""),
            (percent(traffic.degraded_ratio), "yellow" if traffic.degraded else ""),
            *((seconds(value), "") for value in _quantiles(traffic.durations)[:3]),
            (percent(one.in_use), "red" if full else ""),
            (percent(one.hit_ratio), ""),
            (size(one.memory), ""),
        )
    ]


def _objectives(shown: Dashboard, columns: int) -> "Table | None":
    from rich.text import Text

    rows = [
        [
            Text(visible(one.name)),
            Text(f"{one.target * 100:.6g} %"),
            Text(
                percent(one.budget_left),
                style="red" if one.budget_left is not None and one.budget_left < 0 else "",
            ),
            Text(burn(one.burn)),
            Text(burn(one.burn_hour)),
            Text(visible(objective_words(one)), style=_COLOUR.get(one.state, "magenta")),
        ]
        for one in shown.objectives
    ]
    return _words(
        ("objective", "target", "budget left", "burn", "last 1h", "answer"), rows, columns
    )


def _guards(shown: Dashboard, columns: int) -> "Table | None":
    from rich.text import Text

    rows = [
        [
            Text(visible(f"{owner.name}: {one.name}")),
            Text(one.breaker or NONE, style=_COLOUR.get(one.breaker or "", "")),
            Text(percent(one.in_use)),
            Text(percent(one.in_use_peak)),
            Text(visible(guard_words(one))),
        ]
        for owner in shown.components
        for one in owner.guards
    ]
    return _words(("guard", "breaker", "in use", "peak", "did"), rows, columns)


def _caches(shown: Dashboard, columns: int) -> "Table | None":
    rows = [
        _texts(
            f"{owner.name}: {one.name}",
            percent(one.hit_ratio),
            *(f"{count:,}" for count in (one.hits, one.misses, one.stale, one.evictions)),
        )
        for owner in shown.components
        for one in owner.caches
    ]
    return _numbers(("cache", "hit ratio", "hits", "misses", "stale", "evicted"), rows, columns)


def _values(shown: Dashboard, columns: int) -> "Table | None":
    wide = columns >= WIDE
    heads = ("value", "mean", "least", "largest", "last", "wanted", *(["means"] if wide else []))
    rows = []
    for owner in shown.components:
        for one in owner.values:
            row = _texts(
                f"{owner.name}: {one.name}{labels_words(one.labels)}",
                *map(number, (one.mean, one.least, one.largest, one.last)),
                "" if one.minimum is None else f"≥ {number(one.minimum)}",
            )
            if is_low(one):
                row[1].stylize("red")
            rows.append([*row, *([_spark(one.means)] if wide else [])])
    return _numbers(heads, rows, columns)


def _calls(shown: Dashboard, columns: int) -> "Table | None":
    found = [(owner, one) for owner in shown.components for one in owner.calls]
    found.sort(key=lambda pair: -(_quantiles(pair[1].traffic.durations)[2] or 0.0))
    most = MANY_CALLS if len(shown.components) == 1 else FEW_CALLS
    several = len(found) > most
    title = f"slowest {most} of {len(found)} calls" if several else "calls, slowest first"
    rows = [
        _texts(
            f"{owner.name}: {one.name}",
            rate(one.traffic.rate),
            percent(one.traffic.error_ratio),
            *map(seconds, _quantiles(one.traffic.durations)),
        )
        for owner, one in found[:most]
    ]
    return _numbers((title, "rate", "errors", "p50", "p95", "p99", "max"), rows, columns)


def _quantiles(took: Durations | None) -> tuple[float | None, ...]:
    return (took.p50, took.p95, took.p99, took.largest) if took else (None,) * 4


def _events(shown: Dashboard, columns: int) -> "Table | None":
    rows = [
        _texts(f"{owner.name}: {one.name}", f"{one.count:,}")
        for owner in shown.components
        for one in owner.events
    ]
    return _numbers(("event", "times"), rows, columns)


def _left_out(shown: Dashboard) -> list[str]:
    notes = [
        f"{one.name}: {one.left_out:,} more rows of calls, guards, caches, values or events"
        for one in shown.components
        if one.left_out
    ]
    # A component without any record says so in its row and its mark.
    notes += [
        f"{one.name}: {seen_words(one, shown.at)}"
        for one in shown.components
        if one.last_seen is None or not seen_words(one, shown.at).startswith("seen")
    ]
    return notes


def _spark(values: Sequence[float | None]) -> "Text":
    from rich.text import Text

    known = [float("nan") if value is None else value for value in values]
    return Text(sparkline(known, SPARKS), style="cyan")


def _texts(*cells: str) -> list["Text"]:
    from rich.text import Text

    return [Text(visible(cell)) for cell in cells]


def _words(heads: Sequence[str], rows: Sequence[Sequence["Text"]], columns: int) -> "Table | None":
    """A table whose last column is text that may take several lines; None without rows."""
    table = _table(gap=1)
    for index, name in enumerate(heads):
        table.add_column(
            name,
            no_wrap=index < len(heads) - 1,
            overflow="ellipsis" if index == 0 else "fold",
            max_width=columns // 3 if index == 0 else None,
        )
    return _filled(table, rows)


def _numbers(
    heads: Sequence[str], rows: Sequence[Sequence["Text"]], columns: int, *, gap: int = 1
) -> "Table | None":
    """A table of figures, whose names get what the figures leave; None without rows."""
    widths = [
        max(len(name), *(row[index].cell_len for row in rows)) if rows else 0
        for index, name in enumerate(heads)
    ]
    left = columns - sum(width + 1 + gap for width in widths[1:])
    table = _table(gap=gap)
    for index, name in enumerate(heads):
        table.add_column(
            name,
            justify="left" if index == 0 else "right",
            no_wrap=True,
            overflow="ellipsis",
            max_width=max(NARROWEST, left) if index == 0 else None,
        )
    return _filled(table, rows)


def _table(*, gap: int) -> "Table":
    """A table with a blank between columns, and ``gap`` more."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)


def _filled(table: "Table", rows: Sequence[Sequence["Text"]]) -> "Table | None":
    for row in rows:
        table.add_row(*row)
    return table if rows else None
