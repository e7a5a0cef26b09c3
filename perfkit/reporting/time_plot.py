"""Lines over time as SVG elements: the plots of a dashboard. Colours are classes of the page."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from perfkit.reporting.visible import visible

WIDTH: Final = 420
HEIGHT: Final = 120
LEFT: Final = 56
RIGHT: Final = 8
TOP: Final = 8
BOTTOM: Final = 18

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_TICKS: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot; None is a gap. ``kind`` is a class of the style sheet."""

    kind: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From the first to the last step, as the reader sees the time."""

    starts: Sequence[int]
    step: int
    words: Callable[[float], str]


def time_plot(
    title: str,
    axis: TimeAxis,
    lines: Sequence[Line],
    words: Callable[[float | None], str],
    *,
    most: float = 0.0,
    binary: bool = False,
    zero: bool = True,
) -> str:
    """Return a figure with its caption, or nothing where no line has a value.

    The axis upwards reaches ``most`` at least; it is divided into powers of 1024 where ``binary``,
    and does not begin at zero where that is not wanted and values lie close to each other.
    ``words`` says a value.
    """
    known = [value for line in lines for value in line.values if value is not None]
    if not known or not axis.starts:
        return ""
    least, top = _bounds(known, most, binary=binary, zero=zero)
    caption = escape(visible(title))
    said = escape(visible(f"{title}: from {words(min(known))} to {words(max(known))}"))
    parts = [*_grid(least, top, words), *_ends(axis)]
    parts += [_path(line, least, top) for line in lines]
    return (
        f"<figure><figcaption>{caption}{_legend(lines, words)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _legend(lines: Sequence[Line], words: Callable[[float | None], str]) -> str:
    """The newest value of every line, named where there are several."""
    spans = []
    for line in lines:
        newest = next((value for value in reversed(line.values) if value is not None), None)
        name = f"{line.kind} " if len(lines) > 1 else ""
        spans.append(f'<span class="{line.kind}">{escape(f"{name}{words(newest)}")}</span>')
    return "".join(spans)


def _path(line: Line, least: float, top: float) -> str:
    count = len(line.values)
    wide = (WIDTH - LEFT - RIGHT) / max(1, count - 1)
    pieces: list[str] = []
    pen = "M"
    for index, value in enumerate(line.values):
        if value is None:
            pen = "M"
            continue
        point = f"{LEFT + index * wide:.1f} {_y(value, least, top):.1f}"
        alone = pen == "M" and (index + 1 == count or line.values[index + 1] is None)
        pieces.append(f"{pen}{point}{'h0.1' if alone else ''}")
        pen = "L"
    return f'<path class="line {line.kind}" d="{"".join(pieces)}"/>' if pieces else ""


def _y(value: float, least: float, top: float) -> float:
    share = (min(max(value, least), top) - least) / (top - least)
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _grid(least: float, top: float, words: Callable[[float | None], str]) -> Iterator[str]:
    for number in range(_TICKS):
        value = least + (top - least) * number / (_TICKS - 1)
        height = f"{_y(value, least, top):.1f}"
        yield f'<path class="grid" d="M{LEFT} {height}H{WIDTH - RIGHT}"/>'
        label = escape(words(value) if value else "0")
        yield f'<text class="up" x="{LEFT - 6}" y="{height}">{label}</text>'


def _ends(axis: TimeAxis) -> Iterator[str]:
    first, last = axis.starts[0], axis.starts[-1] + axis.step
    height = HEIGHT - 5
    yield f'<text x="{LEFT}" y="{height}">{escape(axis.words(first))}</text>'
    yield f'<text class="end" x="{WIDTH - RIGHT}" y="{height}">{escape(axis.words(last))}</text>'


def _bounds(
    known: Sequence[float], most: float, *, binary: bool, zero: bool
) -> tuple[float, float]:
    """The ends of the axis upwards, round numbers."""
    low, high = min(known), max(*known, most)
    least = 0.0
    if low < 0 or (not zero and high - low < low / 2):
        step = _ceiling(max(high - low, abs(high) / 100))
        least = math.floor(low / step) * step
    unit = 1024.0 ** math.floor(math.log(high, 1024)) if binary and high >= 1 else 1.0
    return least, least + _ceiling(max(high - least, abs(high) / 100, 1e-9) / unit) * unit


def _ceiling(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))
