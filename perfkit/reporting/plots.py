"""Small plots as SVG elements: an interval of a ratio, the processes of both sides, a history.

Colours are classes of the page's style sheet, so that a plot is readable in light and dark.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from perfkit.model import Comparison, Interval, Series
from perfkit.reporting.headline import counted
from perfkit.reporting.quantity import change, change_interval, quantity, scale_of, significant
from perfkit.reporting.visible import visible

WIDTH = 200
HEIGHT = 34
MARGIN = 6

WIDEST_RATIO = 1000.0
"""Ratios beyond it are drawn at the edge; an axis that reached them would show nothing else."""

LOG_FROM = 4.0
"""From this largest / smallest on, processes are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a value lies between ``low`` and ``high``, in pixels from the left."""

    low: float
    high: float
    logarithmic: bool

    def at(self, value: float) -> float:
        """Return the place of ``value``; what lies outside is at the edge."""
        of: Callable[[float], float] = math.log if self.logarithmic else float
        held = min(max(value, self.low), self.high)
        low, high = of(self.low), of(self.high)
        share = (of(held) - low) / (high - low) if high > low else 0.5
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)


def ratio_axis(rows: Sequence[Comparison]) -> Axis:
    """Return one axis for the ratios of all ``rows``, with no change in its middle."""
    reach = 1.1
    for row in rows:
        if row.shift is not None:
            floor = 1 + row.shift.floor * 1.5
            ratio = row.shift.ratio
            ends = [end for end in (ratio.low, ratio.estimate, ratio.high) if 0 < end < math.inf]
            reach = max(reach, floor, *(max(end, 1 / end) for end in ends))
    reach = min(reach, WIDEST_RATIO)
    return Axis(1 / reach, reach, logarithmic=True)


def interval_plot(row: Comparison, axis: Axis) -> str:
    """Return the interval of the change, its estimate, and the band inside the floor."""
    if row.shift is None:
        return ""
    ratio, floor = row.shift.ratio, row.shift.floor
    middle = HEIGHT / 2
    band = axis.at(1 / (1 + floor)), axis.at(1 + floor)
    low, high = axis.at(max(ratio.low, axis.low)), axis.at(min(ratio.high, axis.high))
    colour = outlook(row)
    span = f"M{low} {middle}H{high}{_ends(ratio, axis, low, high)}"
    wide, tall = round(band[1] - band[0], 1), HEIGHT - 4
    parts = [
        f'<rect class="band" x="{band[0]}" y="2" width="{wide}" height="{tall}"/>',
        f'<path class="axis" d="M{axis.at(1)} 2V{HEIGHT - 2}"/>',
        f'<path class="{colour} interval" d="{span}"/>',
        f'<circle class="{colour}" cx="{axis.at(ratio.estimate)}" cy="{middle}" r="4"/>',
    ]
    words = f"{change(ratio.estimate)} {change_interval(ratio)}, floor {significant(floor * 100)} %"
    return _svg(words, parts)


def _ends(ratio: Interval, axis: Axis, low: float, high: float) -> str:
    """Return the path of both ends: a bar where the interval ends, an arrow where it goes on."""
    middle = HEIGHT / 2
    top, bottom = middle - 5, middle + 5
    left = (
        f"M{low + 5} {top}L{low} {middle}L{low + 5} {bottom}"
        if ratio.low < axis.low
        else f"M{low} {top}V{bottom}"
    )
    right = (
        f"M{high - 5} {top}L{high} {middle}L{high - 5} {bottom}"
        if ratio.high > axis.high
        else f"M{high} {top}V{bottom}"
    )
    return left + right


def outlook(row: Comparison) -> str:
    """Return the class of a row's colour."""
    if not counted(row):
        return "dim"
    return {"failed": "worse", "error": "error", "inconclusive": "open"}.get(
        row.status, "better" if row.verdict == "improved" else "same"
    )


def processes_plot(row: Comparison) -> str:
    """Return every process of both sides as a dot, base above head, with both medians."""
    sides = [(name, side) for name, side in (("base", row.base), ("head", row.head)) if side]
    values = [value for _, side in sides for value in side.values]
    if not values:
        return ""
    medians = [side.median for _, side in sides]
    low, high = min(*values, *medians), max(*values, *medians)
    axis = Axis(low, high, logarithmic=low > 0 and high / low > LOG_FROM)
    parts = []
    for name, side in sides:
        lane = HEIGHT * (0.27 if name == "base" else 0.73)
        # Apart from each other by their order, so that equal values are seen as several.
        dots = "".join(
            f"M{axis.at(value)} {lane + (index * 3 % 5 - 2) * 1.4:.1f}h0"
            for index, value in enumerate(side.values)
        )
        parts.append(f'<path class="dots {name}" d="{dots}"/>')
        middle = axis.at(side.median)
        parts.append(f'<path class="median {name}" d="M{middle} {lane - 7:.1f}v14"/>')
    scale = scale_of([low, high], row.unit)
    ends = f"{quantity(low, row.unit, scale)} to {quantity(high, row.unit, scale)}"
    counts = ", ".join(f"{side.n} of {name}" for name, side in sides)
    spacing = ", logarithmic" if axis.logarithmic else ""
    words = f"processes: {counts}, from {ends}{spacing}"
    return _svg(words, parts) + _labels(
        quantity(low, row.unit, scale),
        "logarithmic" if axis.logarithmic else "",
        quantity(high, row.unit, scale),
    )


def history_plot(series: Series) -> str:
    """Return a stored series as a line, oldest left; empty where there are less than two points."""
    known = [(index, value) for index, value in enumerate(series.values) if math.isfinite(value)]
    if len(known) <= 1:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    across = Axis(known[0][0], known[-1][0], logarithmic=False)
    span = high - low
    points = [
        (across.at(index), round(4 + (HEIGHT - 8) * (1 - (value - low) / span if span else 0.5), 1))
        for index, value in known
    ]
    line = "L".join(f"{x} {y}" for x, y in points)
    last = points[-1]
    scale = scale_of([low, high], series.unit)
    ends = [quantity(value, series.unit, scale) for value in (low, high, known[-1][1])]
    words = (
        f"history: {len(known)} commits, from {ends[0]} to {ends[1]}, newest {ends[2]}"
        f" ({series.group})"
    )
    return f"<small>{escape(visible(words))}</small>" + _svg(
        words,
        [
            f'<path class="line" d="M{line}"/>',
            f'<circle class="head" cx="{last[0]}" cy="{last[1]}" r="3"/>',
        ],
    )


def ratio_labels(axis: Axis) -> str:
    """Return the ends of the axis of ratios, and no change in its middle."""
    return _labels(change(axis.low), "no change", change(axis.high))


def _labels(*texts: str) -> str:
    spans = "".join(f"<span>{escape(text)}</span>" for text in texts)
    return f'<div class="labels">{spans}</div>'


def _svg(words: str, parts: Sequence[str]) -> str:
    said = escape(visible(words))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="{said}"><title>{said}</title>{"".join(parts)}</svg>'
    )
