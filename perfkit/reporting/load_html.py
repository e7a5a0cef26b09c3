"""A load as one page that works offline: the answers, latency over time, the quantile curve."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template

from perfkit.model import LoadResult, LoadStage
from perfkit.reporting.load_text import (
    judgement_words,
    knee_lines,
    load_headline,
    rate,
    seconds,
    ticks,
)
from perfkit.reporting.quantity import duration
from perfkit.reporting.visible import visible

WIDTH, HEIGHT = 900, 260
LEFT, BOTTOM, TOP, RIGHT = 70, 28, 10, 30

Point = tuple[float, float]


def load_html(result: LoadResult) -> str:
    """Return the page; it needs no script and asks nobody for anything."""
    page = (files("perfkit.reporting") / "templates" / "load.html").read_text(encoding="utf-8")
    judged = [
        f'<li class="{one.status}">{_safe(judgement_words(one))}</li>' for one in result.judgements
    ]
    knee = [f"<li>{_safe(line)}</li>" for line in knee_lines(result.knee)] if result.knee else []
    errors = [f"<li>{count} x {_safe(reason)}</li>" for reason, count in result.errors.items()]
    return Template(page).substitute(
        headline=_safe(load_headline(result)),
        target=_safe(result.target),
        status=result.status,
        judged="".join([*judged, *knee]),
        stages="".join(_row(stage, shown=result.knee is not None) for stage in result.stages),
        timeline=_timeline(result),
        curve=_curve(result),
        errors=f"<h2>Failures</h2><ul>{''.join(errors)}</ul>" if errors else "",
        method=_safe(
            f"{result.arrivals} arrivals over {duration(result.seconds)}; latency counts from when "
            "a request was due, service time from its sending; quantiles count failures as slowest."
        ),
    )


def _safe(text: str) -> str:
    return escape(visible(text))


def _row(stage: LoadStage, *, shown: bool) -> str:
    even = stage.start_rate == stage.end_rate
    rates = rate(stage.end_rate) if even else f"{rate(stage.start_rate)} to {rate(stage.end_rate)}"
    name = stage.name if stage.judged or shown else f"{stage.name} (not judged)"
    figures = (stage.p50, stage.p95, stage.p99, stage.largest, stage.service_p99, stage.lag_p99)
    failed = f"{stage.failed}, {stage.degraded} degraded" if stage.degraded else f"{stage.failed}"
    cells = [str(stage.due), failed, *map(seconds, figures)]
    numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    return f"<tr><td>{_safe(name)}</td><td>{rates}</td>{numbers}</tr>"


def _timeline(result: LoadResult) -> str:
    """Return p50 and p99 by second on a logarithmic axis; seconds with failures are marked."""
    line = result.timeline
    length = max(1, len(line))
    low, high = ticks([one.p50 for one in line] + [one.p99 for one in line])
    plot = _Plot(0, length, low, high)
    marks = [
        f'<path class="failed" d="M{plot.x(index + 0.5):.1f} {HEIGHT - BOTTOM}v-8"><title>'
        f"{one.failed} of {one.due} failed</title></path>"
        for index, one in enumerate(line)
        if one.failed
    ]
    p50 = [(index + 0.5, one.p50) for index, one in enumerate(line)]
    p99 = [(index + 0.5, one.p99) for index, one in enumerate(line)]
    step = max(1, math.ceil(length / 10))
    across = [(float(at), f"{at} s") for at in range(0, length + 1, step)]
    words = "latency by second: p50, p99, and seconds with failures"
    lines = [plot.line(p50, "p50"), plot.line(p99, "p99"), *marks]
    return plot.svg(words, across, lines)


def _curve(result: LoadResult) -> str:
    """Return latency over the quantile, whose axis stretches the tail tenfold at each nine."""
    points = [(_nines(q), value) for q, value in result.curve if q < 1]
    known = [value for _, value in points]
    low, high = ticks(known)
    most = max([1.0, *(x for x, _ in points)])
    plot = _Plot(0.0, most, low, high)
    limits = [
        f'<path class="limit" d="M{LEFT} {plot.y(one.objective.limit):.1f}H{WIDTH - RIGHT}"><title>'
        f"{_safe(judgement_words(one))}</title></path>"
        for one in result.judgements
        if one.objective.statistic != "availability" and low <= one.objective.limit <= high
    ]
    named = [(_nines(q), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99, 0.999, 0.9999)]
    across = [(x, name) for x, name in named if x <= most]
    return plot.svg("latency by quantile", across, [plot.line(points, "p99"), *limits])


def _nines(q: float) -> float:
    return -math.log10(1 - q)


class _Plot:
    """A linear axis across and a logarithmic one upwards."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self._left, self._right = left, right
        self._low, self._high = math.log10(low), math.log10(max(high, low * 10))

    def x(self, value: float) -> float:
        span = self._right - self._left
        return LEFT + (value - self._left) / span * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def line(self, points: Sequence[Point], kind: str) -> str:
        """Return a line through the finite points, broken where there is none."""
        pieces, pen = [], "M"
        for at, value in points:
            if math.isfinite(value) and value > 0:
                pieces.append(f"{pen}{self.x(at):.1f} {self.y(value):.1f}")
                pen = "L"
            else:
                pen = "M"
        return f'<path class="line {kind}" d="{"".join(pieces)}"/>' if pieces else ""

    def svg(self, words: str, across: Sequence[tuple[float, str]], parts: Sequence[str]) -> str:
        """Return the plot with its grid; ``words`` are what a screen reader says."""
        grid = [*self._grid(), *(self._tick(x, name) for x, name in across)]
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">'
            f"{''.join(grid)}{''.join(parts)}</svg>"
        )

    def _grid(self) -> Iterator[str]:
        for power in range(round(self._low), round(self._high) + 1):
            height = f"{self.y(10.0**power):.1f}"
            yield f'<path class="grid" d="M{LEFT} {height}H{WIDTH - RIGHT}"/>'
            yield f'<text class="up" x="{LEFT - 8}" y="{height}">{seconds(10.0**power)}</text>'

    def _tick(self, x: float, name: str) -> str:
        return f'<text class="across" x="{self.x(x):.1f}" y="{HEIGHT - 8}">{name}</text>'
