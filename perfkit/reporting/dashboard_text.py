"""A dashboard for the terminal, as a rich renderable that fits 80 columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from perfkit.model.dashboard import ComponentRow, Dashboard, Durations
from perfkit.reporting.dashboard_words import (
    MARK,
    NONE,
    alert_words,
    burn,
    guard_words,
    headline,
    lasting,
    number,
    objective_words,
    percent,
    rate,
    seconds,
    seen_words,
    size,
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
    hint: str = "",
    notes: Sequence[str] = (),
) -> "RenderableType":
    """Return one frame, most urgent first; ``hint`` is the live view's, about its keys.

    ``notes`` are about the view itself and stand on top.
    """
    from rich.console import Group
    from rich.text import Text

    head = Text(visible(headline(shown)), style=_head_style(shown), overflow="fold")
    about = Text(f"{visible(shown.store)}  {window_words(shown)}", style="dim")
    if hint:
        about.append(f"  {hint}", style="dim")
    parts: list[RenderableType] = [head, about]
    parts += [Text(f"! {visible(note)}", style="bold yellow") for note in notes]
    if shown.alerts:
        parts += [Text(), *(_alert(shown, index) for index in range(len(shown.alerts)))]
    parts += [Text(), _components(shown, columns)]
    sections = (_objectives(shown), _guards(shown), _caches(shown), _values(shown, columns))
    for table in (*sections, _calls(shown), _events(shown)):
        if table is not None:
            parts += [Text(), table]
    said = [*shown.notes, *_left_out(shown)]
    if said:
        parts += [Text(), *(Text(f"! {visible(note)}", style="yellow") for note in said)]
    return Group(*parts)


def _head_style(shown: Dashboard) -> str:
    colour = "magenta" if not shown.measured else "red" if shown.failing else "green"
    return f"bold {colour}"


def _alert(shown: Dashboard, index: int) -> "Text":
    from rich.text import Text

    one = shown.alerts[index]
    state = "muted" if one.muted is not None else one.state
    line = Text(style="dim" if one.muted is not None else "")
    line.append(f"{state:8}", style=_COLOUR.get(state, "dim"))
    line.append(f"{lasting(one, shown.at):>6}  [{visible(one.severity)}] ")
    line.append(visible(alert_words(one)))
    if one.muted is not None:
        line.append(f" ({visible(one.muted)})")
    return line


def _components(shown: Dashboard, columns: int) -> "Table":
    from rich.text import Text

    wide = columns >= WIDE
    table = _table(
        "component",
        *("rate", "errors", "degr.", "p50", "p95", "p99", "in use", "hits", "memory"),
        numbers=True,
    )
    if wide:
        table.add_column("calls", no_wrap=True)
    for one in shown.components:
        name = Text(f"{MARK[one.state]} {visible(one.name)}", style=_COLOUR[one.state])
        table.add_row(name, *_figures(one), *([_spark(one.timeline.rate)] if wide else []))
    return table


def _figures(one: ComponentRow) -> list["Text"]:
    from rich.text import Text

    traffic, took = one.traffic, one.traffic.durations
    return [
        Text(text, style=style)
        for text, style in (
            (rate(traffic.rate) if traffic.calls else NONE, ""),
            (percent(traffic.error_ratio), "red" if traffic.errors else ""),
            (percent(traffic.degraded_ratio), "yellow" if traffic.degraded else ""),
            *((seconds(value), "") for value in _quantiles(took)[:3]),
            (percent(one.in_use), "red" if one.in_use is not None and one.in_use >= 1 else ""),
            (percent(one.hit_ratio), ""),
            (size(one.memory), ""),
        )
    ]


def _objectives(shown: Dashboard) -> "Table | None":
    from rich.text import Text

    if not shown.objectives:
        return None
    table = _table("objective", "target", "budget left", "burn", "last 1h", "answer")
    for one in shown.objectives:
        left = Text(percent(one.budget_left))
        if one.budget_left is not None and one.budget_left < 0:
            left.stylize("red")
        table.add_row(
            visible(one.name),
            f"{one.target * 100:.6g} %",
            left,
            burn(one.burn),
            burn(one.burn_hour),
            Text(visible(objective_words(one)), style=_COLOUR.get(one.state, "magenta")),
        )
    return table


def _guards(shown: Dashboard) -> "Table | None":
    from rich.text import Text

    rows = [(owner, one) for owner in shown.components for one in owner.guards]
    if not rows:
        return None
    table = _table("guard", "breaker", "in use", "peak", "did")
    for owner, one in rows:
        breaker = Text(one.breaker or NONE, style=_COLOUR.get(one.breaker or "", ""))
        name = visible(f"{owner.name}: {one.name}")
        peak = percent(one.in_use_peak)
        table.add_row(name, breaker, percent(one.in_use), peak, visible(guard_words(one)))
    return table


def _caches(shown: Dashboard) -> "Table | None":
    rows = [(owner, one) for owner in shown.components for one in owner.caches]
    if not rows:
        return None
    table = _table("cache", "hit ratio", "hits", "misses", "stale", "evicted", numbers=True)
    for owner, one in rows:
        counts = (one.hits, one.misses, one.stale, one.evictions)
        name = visible(f"{owner.name}: {one.name}")
        table.add_row(name, percent(one.hit_ratio), *(f"{count:,}" for count in counts))
    return table


def _values(shown: Dashboard, columns: int) -> "Table | None":
    from rich.text import Text

    rows = [(owner, one) for owner in shown.components for one in owner.values]
    if not rows:
        return None
    table = _table("value", "mean", "least", "largest", "last", numbers=True)
    wide = columns >= WIDE
    table.add_column("wanted", justify="right")
    if wide:
        table.add_column("means", no_wrap=True)
    for owner, one in rows:
        labels = ", ".join(f"{name}={value}" for name, value in one.labels.items())
        low = one.minimum is not None and one.mean < one.minimum
        table.add_row(
            visible(f"{owner.name}: {one.name}{f' {{{labels}}}' if labels else ''}"),
            Text(number(one.mean), style="red" if low else ""),
            *(number(value) for value in (one.least, one.largest, one.last)),
            "" if one.minimum is None else f"≥ {number(one.minimum)}",
            *([_spark(one.means)] if wide else []),
        )
    return table


def _calls(shown: Dashboard) -> "Table | None":
    rows = [(owner, one) for owner in shown.components for one in owner.calls]
    if not rows:
        return None
    rows.sort(key=lambda row: -(row[1].traffic.durations.p99 if row[1].traffic.durations else 0.0))
    most = MANY_CALLS if len(shown.components) == 1 else FEW_CALLS
    title = f"slowest {most} of {len(rows)} calls" if len(rows) > most else "calls, slowest first"
    table = _table(title, "rate", "errors", "p50", "p95", "p99", "max", numbers=True)
    for owner, one in rows[:most]:
        took = one.traffic.durations
        table.add_row(
            visible(f"{owner.name}: {one.name}"),
            rate(one.traffic.rate),
            percent(one.traffic.error_ratio),
            *(seconds(value) for value in _quantiles(took)),
        )
    return table


def _quantiles(took: Durations | None) -> tuple[float | None, ...]:
    return (took.p50, took.p95, took.p99, took.largest) if took else (None,) * 4


def _events(shown: Dashboard) -> "Table | None":
    rows = [(owner, one) for owner in shown.components for one in owner.events]
    if not rows:
        return None
    table = _table("event", "times", numbers=True)
    for owner, one in rows:
        table.add_row(visible(f"{owner.name}: {one.name}"), f"{one.count:,}")
    return table


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


def _table(*names: str, numbers: bool = False) -> "Table":
    """A table whose first column takes what is left, and shortens its text."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for index, name in enumerate(names):
        right = numbers and index > 0
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=right or index == 0,
            overflow="ellipsis" if index == 0 else "fold",
            min_width=6 if index == 0 else None,
        )
    return table
