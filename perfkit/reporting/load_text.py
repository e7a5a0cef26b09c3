"""What `perfkit load` found, for the terminal and as JSON values; pure functions of a result."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from perfkit.model import Interval, Knee, LoadJudgement, LoadResult, LoadStage, Soak, Status, Unit
from perfkit.reporting.quantity import duration, quantity, share
from perfkit.reporting.sparkline import sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

COLOUR = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.ERROR: "magenta",
}

WORD = {Status.PASSED: "kept", Status.FAILED: "exceeded", Status.INCONCLUSIVE: "inconclusive"}

MOST_ERRORS = 5
"""Reasons of failures that are shown; the rest is in the JSON."""


def load_text(result: LoadResult) -> "RenderableType":
    """Return the answer in one line, a row for each stage and objective, and what failed."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(load_headline(result), style=f"bold {COLOUR[result.status]}"),
        Text(),
        _stages(result),
    ]
    if result.knee is not None:
        parts += [Text(), *(Text(line) for line in knee_lines(result.knee))]
    if result.soak is not None and result.soak.memory_slope is not None:
        parts += [Text(), Text(soak_line(result.soak, result.soak.memory_slope))]
    if result.judgements:
        parts += [Text(), *(_judgement(one) for one in result.judgements)]
    if result.errors:
        shown = list(result.errors.items())[:MOST_ERRORS]
        parts += [Text(), *(Text(f"{count} x {reason}") for reason, count in shown)]
        if more := len(result.errors) - len(shown):
            parts.append(Text(f"and {more} more reasons"))
    parts += [Text(line) for line in degraded_words(result)]
    p99 = [second.p99 for second in result.timeline]
    if len(p99) > 1:
        highest = max((one for one in p99 if math.isfinite(one)), default=math.nan)
        line = f"p99 by second   {sparkline(p99, 60)}   at most {seconds(highest)}"
        parts += [Text(), Text(line)]
    parts += [Text(), Text(_method(result), style="dim")]
    parts += [Text(f"! {note}", style="yellow") for note in result.notes]
    return Group(*parts)


def load_headline(result: LoadResult) -> str:
    """Return what the load comes to, in one sentence."""
    judged = result.judgements
    if result.knee is not None and result.status is not Status.ERROR:
        return _knee_headline(result, result.knee)
    match result.status:
        case Status.ERROR:
            text = "Failed: no request was answered"
        case Status.FAILED:
            bad = [one for one in judged if one.status is Status.FAILED]
            text = f"Failed: {len(bad)} of {len(judged)} objectives exceeded"
        case Status.INCONCLUSIVE:
            open_ones = [one for one in judged if one.status is Status.INCONCLUSIVE]
            text = f"Inconclusive: {len(open_ones)} of {len(judged)} objectives cannot be told"
        case _ if judged:
            text = f"Passed: {len(judged)} of {len(judged)} objectives kept"
        case _:
            text = "Measured: no objective was given, so nothing was judged"
    failed = sum(stage.failed for stage in result.stages)
    degraded = sum(stage.degraded for stage in result.stages)
    also = f", {degraded} were degraded" if degraded else ""
    due = sum(stage.due for stage in result.stages)
    ended = "; interrupted" if result.interrupted else ""
    return f"{text}; {failed} of {due} requests failed{also}{ended}."


def degraded_words(result: LoadResult) -> list[str]:
    """Return why answers were degraded and how often, the most frequent first."""
    return [f"{n} x degraded: {why}" for why, n in [*result.degradations.items()][:MOST_ERRORS]]


def count_columns(stages: Sequence[LoadStage]) -> tuple[str, ...]:
    """Return which counts of the stages a table shows: degraded answers where there are any."""
    return ("due", "failed", *(["degraded"] if any(one.degraded for one in stages) else []))


def _knee_headline(result: LoadResult, knee: Knee) -> str:
    word = {
        Status.PASSED: "Passed" if result.judgements else "Measured",
        Status.FAILED: "Failed",
    }.get(result.status, "Inconclusive")
    if knee.held is not None and knee.not_held is not None:
        text = f"the knee lies between {rate(knee.held)}, which held, and {rate(knee.not_held)}"
    elif knee.held is not None:
        text = f"the knee lies above {rate(knee.held)}, which held"
    else:
        text = "no rate was found that holds"
    why = f"; {knee.reason}" if knee.reason else ""
    return f"{word}: {text}{why}."


def knee_lines(knee: Knee) -> list[str]:
    """Return a line for each step that did not hold, and what was answered at most."""
    lines = [
        f"{rate(step.rate)} {'did not hold' if step.verdict == 'not held' else 'cannot be told'}:"
        f" {step.reason}"
        for step in knee.steps
        if step.verdict != "held"
    ]
    most = max((step.answered_rate for step in knee.steps), default=0.0)
    return [*lines, f"at most {rate(most)} were answered"]


def soak_line(soak: Soak, slope: Interval) -> str:
    """Return what the memory did, in one line."""
    first, last = soak.memory[0][1], soak.memory[-1][1]

    def an_hour(value: float) -> str:
        sign = "-" if value < 0 else "+"
        return f"{sign}{_bytes(abs(value) * 3600)}"

    return (
        f"memory of {soak.watched}: {_bytes(first)} at first, {_bytes(last)} at last,"
        f" {_interval_words(slope, an_hour)} an hour"
    )


def seconds(value: float) -> str:
    """Return a latency; what is infinite stands for failed requests."""
    if math.isnan(value):
        return "-"
    return "failed" if math.isinf(value) else quantity(value, Unit.SECONDS)


def rate(value: float) -> str:
    """Return requests a second."""
    return f"{value:.4g}/s"


def judgement_words(one: LoadJudgement) -> str:
    """Return an objective with what was measured of it."""
    limit = one.objective.limit
    found = one.measured
    match one.objective.statistic:
        case "availability":
            wanted, seen = f"at least {share(limit)}", _interval_words(found, share)
        case "capacity":
            wanted, seen = f"at least {rate(limit)}", _interval_words(found, rate)
        case "p99_rise":
            wanted, seen = f"at most {share(limit)}", _interval_words(found, _rise)
        case "memory_rise":
            wanted, seen = f"at most {_bytes(limit)}", _interval_words(found, _bytes)
        case _:
            wanted, seen = f"at most {seconds(limit)}", _interval_words(found, seconds)
    why = f": {one.reason}" if one.reason else ""
    name = one.objective.statistic.replace("_", " ")
    return f"{name} {seen}, wanted {wanted}: {WORD[one.status]}{why}"


def _rise(value: float) -> str:
    return f"{value * 100:+.3g} %"


def _bytes(value: float) -> str:
    return quantity(value, Unit.BYTES) if math.isfinite(value) else "unknown"


def _interval_words(found: Interval | None, words: Callable[[float], str]) -> str:
    if found is None:
        return "unknown"
    if found.low == found.high:
        return words(found.estimate)
    return f"{words(found.estimate)} [{words(found.low)}, {words(found.high)}]"


def _judgement(one: LoadJudgement) -> "RenderableType":
    from rich.text import Text

    mark = {Status.PASSED: "✓", Status.FAILED: "✗"}.get(one.status, "?")
    return Text(f"{mark} {judgement_words(one)}", style=COLOUR[one.status])


def _stages(result: LoadResult) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("stage", no_wrap=True)
    table.add_column("rate", no_wrap=True)
    counts = count_columns(result.stages)
    for name in (*counts, "p50", "p95", "p99", "max", "service p99", "lag p99"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in result.stages:
        even = one.start_rate == one.end_rate
        rates = rate(one.end_rate) if even else f"{rate(one.start_rate)} to {rate(one.end_rate)}"
        table.add_row(
            one.name if one.judged or result.knee else f"{one.name} (not judged)",
            rates,
            *(str(getattr(one, name)) for name in counts),
            *map(seconds, (one.p50, one.p95, one.p99, one.largest, one.service_p99, one.lag_p99)),
        )
    return table


def _method(result: LoadResult) -> str:
    cpu = result.cpu_seconds / result.seconds if result.seconds else 0.0
    return (
        f"{result.arrivals} arrivals; latency from when a request was due, service from its"
        f" sending; quantiles count failures as slowest; {duration(result.seconds)}, the generator"
        f" used {cpu * 100:.0f} % of a processor"
    )


def load_values(result: LoadResult) -> dict[str, object]:
    """Return the verb's keys of the JSON envelope; seconds, null where it is not a number."""
    return {
        "target": result.target,
        "arrivals": result.arrivals,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "interrupted": result.interrupted,
        "stages": [
            {
                "name": one.name,
                "judged": one.judged,
                "seconds": one.seconds,
                "start_rate": one.start_rate,
                "end_rate": one.end_rate,
                "due": one.due,
                "ok": one.ok,
                "degraded": one.degraded,
                "errors": one.errors,
                "timeouts": one.timeouts,
                "missed": one.missed,
                "latency": _numbers(p50=one.p50, p95=one.p95, p99=one.p99, max=one.largest),
                "service_p99": _number(one.service_p99),
                "lag_p99": _number(one.lag_p99),
            }
            for one in result.stages
        ],
        "objectives": [
            {
                "statistic": one.objective.statistic,
                "limit": one.objective.limit,
                "measured": _interval(one.measured),
                "status": str(one.status),
                "reason": one.reason,
            }
            for one in result.judgements
        ],
        "errors": dict(result.errors),
        "degradations": dict(result.degradations),
        "timeline": [
            {"due": one.due, "failed": one.failed, **_numbers(p50=one.p50, p99=one.p99)}
            for one in result.timeline
        ],
        "curve": [{"quantile": q, "latency": _number(value)} for q, value in result.curve],
        "notes": list(result.notes),
        "knee": None if result.knee is None else _knee(result.knee),
        "soak": None if result.soak is None else _soak(result.soak),
    }


def _soak(soak: Soak) -> dict[str, object]:
    return {
        "watched": soak.watched,
        "p99_slope": _interval(soak.p99_slope),
        "memory_slope": _interval(soak.memory_slope),
        "memory": [list(one) for one in soak.memory],
    }


def _knee(knee: Knee) -> dict[str, object]:
    return {
        "held": knee.held,
        "not_held": knee.not_held,
        "reason": knee.reason,
        "steps": [
            {
                "rate": step.rate,
                "verdict": step.verdict,
                "reason": step.reason,
                "growth": _number(step.growth),
                "answered_rate": step.answered_rate,
            }
            for step in knee.steps
        ],
    }


def _interval(found: Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return _numbers(low=found.low, estimate=found.estimate, high=found.high)


def _numbers(**values: float) -> dict[str, float | None]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def ticks(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten around the finite of ``values``; (1e-3, 1) if there is none."""
    known = [one for one in values if math.isfinite(one) and one > 0]
    if not known:
        return 1e-3, 1.0
    return 10 ** math.floor(math.log10(min(known))), 10 ** math.ceil(math.log10(max(known)))
