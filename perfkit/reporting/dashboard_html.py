"""A dashboard as one page: figures, plots, light and dark, not a single request to elsewhere.

``dashboard_body`` is what changes from frame to frame; a live page replaces it.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from perfkit.model.dashboard import AlertRow, CacheRow, ComponentRow, Dashboard, Traffic, ValueRow
from perfkit.reporting.dashboard_words import (
    MARK,
    NONE,
    alert_words,
    burn,
    clock,
    day_and_clock,
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
from perfkit.reporting.time_plot import Line, TimeAxis, time_plot
from perfkit.reporting.visible import visible


def dashboard_html(shown: Dashboard, *, script: str = "", refresh: int | None = None) -> str:
    """Return the whole page.

    ``script`` is a program for a live page; nothing but it may run then, and it may only ask the
    server of the page. ``refresh`` reloads the page every so many seconds where no program runs.
    """
    page = (files("perfkit.reporting") / "templates" / "dashboard.html").read_text("utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    if script:
        digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
        policy += f"; script-src 'sha256-{digest}'; connect-src 'self'"
    reload = f'<meta http-equiv="refresh" content="{refresh}">'
    return Template(page).substitute(
        policy=policy,
        refresh=f"<noscript>{reload}</noscript>\n" if refresh is not None else "",
        headline=_safe(headline(shown)),
        body=dashboard_body(shown),
        script=f"<script>{script}</script>\n" if script else "",
    )


def live_script() -> str:
    """Return the program that keeps a page current, by events of the server that it came from."""
    return (files("perfkit.reporting") / "templates" / "dashboard.js").read_text("utf-8")


def dashboard_body(shown: Dashboard) -> str:
    """Return what stands in ``<main id="dashboard">``."""
    parts = [_header(shown)]
    if shown.alerts:
        parts.append(f"<ul>{''.join(_alert(one, shown.at) for one in shown.alerts)}</ul>")
    if shown.components:
        parts += ["<h2>Components</h2>", _overview(shown)]
    if shown.objectives:
        parts += ["<h2>Objectives</h2>", _objectives(shown)]
    parts += [_component(one, shown.at) for one in shown.components]
    if shown.notes:
        notes = "".join(f"<li>{_safe(note)}</li>" for note in shown.notes)
        parts.append(f'<h2>Notes</h2><ul class="pending">{notes}</ul>')
    parts.append(
        "<footer>Durations are known to within 3.2 %. Gauges show what the last ten seconds "
        f"recorded. At {day_and_clock(shown.at)} UTC.</footer>"
    )
    return "\n".join(parts)


def _safe(text: str) -> str:
    return escape(visible(text))


def _header(shown: Dashboard) -> str:
    about = f"{shown.store}, {window_words(shown)}"
    said = f"<h1>{_safe(headline(shown))}</h1><p>{_safe(about)}</p>"
    return f'<header class="{standing(shown)}">{said}</header>'


def _alert(one: AlertRow, at: float) -> str:
    state = "muted" if one.muted is not None else one.state
    words = f"{state} for {lasting(one, at)} [{one.severity}] {alert_words(one)}"
    more = one.muted if one.muted is not None else one.why
    return f'<li class="{state}">{_safe(words)}{_dim(f" ({more})" if more else "")}</li>'


def _dim(text: str) -> str:
    return f' <span class="dim">{_safe(text)}</span>' if text else ""


def _overview(shown: Dashboard) -> str:
    rows = []
    for one in shown.components:
        name = f'<td class="{_class(one.state)}">{MARK[one.state]} {_safe(one.name)}</td>'
        state = f'<td class="{_class(one.state)}">{one.state}</td>'
        rows.append([name, state, *_cells(_figures(one))])
    heads = ("component", "state")
    numbers = ("rate", "errors", "degraded", "p50", "p95", "p99", "in use", "hits", "memory")
    return _table(heads, numbers, rows)


def _figures(one: ComponentRow) -> tuple[str, ...]:
    traffic = one.traffic
    return (
        rate(traffic.rate) if traffic.calls else NONE,
        percent(traffic.error_ratio),
        percent(traffic.degraded_ratio),
        *_quantiles(traffic)[:3],
        percent(one.in_use),
        percent(one.hit_ratio),
        size(one.memory),
    )


def _quantiles(traffic: Traffic) -> tuple[str, ...]:
    took = traffic.durations
    if took is None:
        return (NONE,) * 4
    return tuple(map(seconds, (took.p50, took.p95, took.p99, took.largest)))


def _objectives(shown: Dashboard) -> str:
    rows = []
    for one in shown.objectives:
        answer = f'<td class="{_class(one.state)}">{_safe(objective_words(one))}</td>'
        name = f"<td>{_safe(one.name)}{_dim(one.why)}</td>"
        figures = (
            f"{one.target * 100:.6g} %",
            f"{one.total:,}",
            f"{one.bad:,}",
            percent(one.budget_left),
            burn(one.burn),
            burn(one.burn_hour),
        )
        rows.append([name, answer, *_cells(figures)])
    numbers = ("target", "calls", "bad", "budget left", "burn", "last hour")
    return _table(("objective", "answer"), numbers, rows)


def _component(one: ComponentRow, at: float) -> str:
    state = f'<span class="{_class(one.state)}">{MARK[one.state]} {one.state}</span>'
    about = ", ".join(filter(None, (one.why, seen_words(one, at))))
    parts = [
        f"<section><h2>{_safe(one.name)} {state}</h2>",
        f'<p class="about">{_safe(about)}</p>',
        f'<div class="plots">{_plots(one)}</div>',
        *_details(one),
    ]
    if one.left_out:
        parts.append(f'<p class="about">{one.left_out:,} more rows are not shown.</p>')
    return "\n".join([*parts, "</section>"])


def _plots(one: ComponentRow) -> str:
    line = one.timeline
    long = bool(line.starts) and line.starts[-1] - line.starts[0] > 86400  # noqa: PLR2004  # a day
    axis = TimeAxis(line.starts, line.step, day_and_clock if long else clock)
    quantiles = [Line("p50", line.p50), Line("p95", line.p95), Line("p99", line.p99)]
    calls = [Line("calls", line.rate)] if one.traffic.calls else []
    plots = [
        time_plot("calls", axis, calls, _rate),
        time_plot("failed or degraded", axis, [Line("bad", line.bad_ratio)], percent, most=0.01),
        time_plot("duration", axis, quantiles, seconds),
        time_plot("bulkhead in use", axis, [Line("use", line.in_use)], percent, most=1.0),
        time_plot("cache hits", axis, [Line("hits", line.hit_ratio)], percent, most=1.0),
        time_plot("resident memory", axis, [Line("memory", line.memory)], size, binary=True),
        *(_value_plot(value, axis) for value in one.values),
    ]
    return "".join(plots)


def _value_plot(value: ValueRow, axis: TimeAxis) -> str:
    """The means of a value, and the least mean that a rule wants."""
    lines = [Line("mean", value.means)]
    if value.minimum is not None:
        lines.append(Line("limit", (value.minimum,) * len(value.means)))
    title = f"{value.name}{labels_words(value.labels)}"
    return time_plot(title, axis, lines, number, zero=False)


def _rate(value: float | None) -> str:
    return NONE if value is None else rate(value)


def _details(one: ComponentRow) -> Iterable[str]:
    """The tables of a component, those with rows."""
    if one.calls:
        heads = ("calls", "rate", "errors", "degraded", "p50", "p95", "p99", "max")
        rows = [[_name(call.name), *_cells(_traffic(call.traffic))] for call in one.calls]
        yield "<h3>Calls, slowest first</h3>" + _table(("name",), heads, rows)
    if one.guards:
        rows = [
            [
                _name(guard.name),
                f'<td class="{_breaker_class(guard.breaker)}">{guard.breaker or NONE}</td>',
                f"<td>{_safe(guard_words(guard))}</td>",
                *_cells((percent(guard.in_use), percent(guard.in_use_peak))),
            ]
            for guard in one.guards
        ]
        yield "<h3>Guards</h3>" + _table(("guard", "breaker", "did"), ("in use", "peak"), rows)
    if one.caches:
        counts = ("hits", "misses", "stale", "evicted")
        rows = [
            [_name(cache.name), *_cells((percent(cache.hit_ratio), *_answers(cache)))]
            for cache in one.caches
        ]
        yield "<h3>Caches</h3>" + _table(("cache",), ("hit ratio", *counts), rows)
    if one.values:
        bounds = ("mean", "least", "largest", "last", "wanted at least")
        rows = [
            [
                _name(f"{value.name}{labels_words(value.labels)}"),
                *_cells((number(value.mean),), worse=is_low(value)),
                *_cells(map(number, (value.least, value.largest, value.last, value.minimum))),
            ]
            for value in one.values
        ]
        yield "<h3>Quality and gauges</h3>" + _table(("value",), bounds, rows)
    if one.events:
        rows = [[_name(event.name), *_cells((f"{event.count:,}",))] for event in one.events]
        yield "<h3>Events</h3>" + _table(("event",), ("times",), rows)


def _name(text: str) -> str:
    return f"<td>{_safe(text)}</td>"


def _traffic(traffic: Traffic) -> tuple[str, ...]:
    return (
        f"{traffic.calls:,}",
        rate(traffic.rate),
        percent(traffic.error_ratio),
        percent(traffic.degraded_ratio),
        *_quantiles(traffic),
    )


def _answers(cache: CacheRow) -> tuple[str, ...]:
    counts = (cache.hits, cache.misses, cache.stale, cache.evictions)
    return tuple(f"{count:,}" for count in counts)


def _breaker_class(state: str | None) -> str:
    return "open-breaker" if state == "open" else _class(state or "dim")


def _class(state: str) -> str:
    return state.replace(" ", "-")


def _cells(texts: Iterable[str], *, worse: bool = False) -> list[str]:
    kind = "number worse" if worse else "number"
    return [f'<td class="{kind}">{escape(text)}</td>' for text in texts]


def _table(heads: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose last columns are numbers; cells are HTML."""
    head = "".join(f"<th>{name}</th>" for name in heads)
    head += "".join(f'<th class="number">{name}</th>' for name in numbers)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
