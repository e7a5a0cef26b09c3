"""Objectives, alerts and scenarios for the terminal and as JSON values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from perfkit.config.units import format_duration, format_ratio
from perfkit.model import Shift, Verdict
from perfkit.monitoring.canary import Canary, answer
from perfkit.monitoring.objectives import State
from perfkit.monitoring.payloads import moment, one_line
from perfkit.monitoring.routing import Muted
from perfkit.monitoring.scenario import Outcome
from perfkit.monitoring.slo import Row
from perfkit.monitoring.states import Alert, Evaluation

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_COLOUR: Final = {
    State.MET: "green",
    State.EXCEEDED: "red",
    State.INCONCLUSIVE: "yellow",
    State.NO_DATA: "magenta",
    Verdict.REGRESSED: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.UNCHANGED: "green",
    Verdict.IMPROVED: "green",
}


def slo_text(rows: Sequence[Row], warnings: Sequence[str] = ()) -> "RenderableType":
    """Return a headline and one row for every objective."""
    from rich.console import Group
    from rich.text import Text

    counts = Counter(row.assessment.state for row in rows)
    parts = [f"{counts[state]} {state}" for state in _WORST_FIRST if counts[state]]
    table = _table("objective", "target", "good calls", "budget left", "burn", "answer")
    for row in rows:
        found = row.assessment
        table.add_row(
            one_line(row.objective.name),
            f"{format_ratio(found.target)} of {format_duration(row.objective.window)}",
            _share_words(row),
            "" if found.budget_left is None else f"{found.budget_left:.0%}",
            "" if found.burn is None else f"{found.burn:.2f}x",
            Text(slo_words(row), style=_COLOUR[found.state]),
        )
    notes = [Text(f"! {one_line(warning)}", style="yellow") for warning in warnings]
    head = Text(f"{len(rows)} objectives: {', '.join(parts)}.", style="bold")
    return Group(head, Text(), table, *notes)


def slo_words(row: Row) -> str:
    """Return the answer about an objective, with what would decide it."""
    found = row.assessment
    words = str(found.state)
    if found.state is State.INCONCLUSIVE and found.total < found.needed:
        words += f": {found.total:,} calls, {found.needed:,} without a bad one would show it"
    if row.note:
        words += f": {one_line(row.note)}"
    return words


def slo_values(rows: Sequence[Row], warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return the keys of ``perfkit slo --json``."""
    return {
        "objectives": [
            {
                "name": row.objective.name,
                "component": row.objective.component,
                "state": str(row.assessment.state),
                "target": row.assessment.target,
                "window_seconds": row.objective.window,
                "total": row.assessment.total,
                "bad": row.assessment.bad,
                "good": None
                if row.assessment.good is None
                else {
                    "low": row.assessment.good.low,
                    "estimate": row.assessment.good.estimate,
                    "high": row.assessment.good.high,
                    "confidence": row.assessment.good.confidence,
                },
                "budget": row.assessment.budget,
                "budget_left": row.assessment.budget_left,
                "burn": row.assessment.burn,
                "needed": row.assessment.needed,
                "note": row.note,
            }
            for row in rows
        ],
        "warnings": list(warnings),
    }


def canary_text(canary: Canary) -> "RenderableType":
    """Return both answers, and what they rest on."""
    from rich.console import Group
    from rich.text import Text

    table = _table("", "change", "tolerance", "answer")
    for name, shift in (("median", canary.middle), ("p99", canary.tail)):
        interval = shift.ratio
        table.add_row(
            name,
            f"{interval.estimate - 1:+.1%} [{interval.low - 1:+.1%}, {interval.high - 1:+.1%}]",
            format_ratio(shift.floor),
            Text(_shift_words(shift), style=_COLOUR.get(answer(shift), "")),
        )
    head = Text(f"Canary {canary.verdict}.", style="bold")
    return Group(head, Text(), table)


def canary_values(canary: Canary) -> dict[str, Any]:
    """Return the keys of ``perfkit slo --canary --json``."""

    def values(shift: Shift) -> dict[str, Any]:
        def finite(bound: float) -> float | str:
            return bound if abs(bound) != float("inf") else "Infinity"

        return {
            "verdict": str(answer(shift)),
            "low": finite(shift.ratio.low),
            "estimate": shift.ratio.estimate,
            "high": finite(shift.ratio.high),
            "confidence": shift.ratio.confidence,
            "tolerance": shift.floor,
            "groups_base": shift.n_base,
            "groups_new": shift.n_head,
            "notes": list(shift.notes),
        }

    return {
        "canary": {
            "verdict": str(canary.verdict),
            "median": values(canary.middle),
            "p99": values(canary.tail),
        }
    }


def outcomes_text(outcomes: Sequence[Outcome]) -> "RenderableType":
    """Return what did not come true, and a count of what did."""
    from rich.console import Group
    from rich.text import Text

    failed = [outcome for outcome in outcomes if not outcome.passed]
    lines = [
        Text(f"{len(outcomes) - len(failed)} of {len(outcomes)} expectations came true.", "bold")
    ]
    for outcome in failed:
        expected = outcome.expectation
        at = f"{expected.name} at {format_duration(expected.at)}"
        lines += [
            Text(f"✗ {outcome.scenario}: {one_line(at)} ({expected.place})", style="red"),
            Text(f"  wanted {_labels_words(expected.labels)}"),
            Text(f"  found  {_labels_words([alert.labels for alert in outcome.fired])}"),
        ]
    return Group(*lines)


def outcomes_values(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the keys of ``perfkit alerts test --json``."""
    return {
        "expectations": [
            {
                "scenario": outcome.scenario,
                "alert": outcome.expectation.name,
                "at_seconds": outcome.expectation.at,
                "passed": outcome.passed,
                "wanted": [dict(labels) for labels in outcome.expectation.labels],
                "found": [dict(alert.labels) for alert in outcome.fired],
                "place": outcome.expectation.place,
            }
            for outcome in outcomes
        ]
    }


def evaluation_text(evaluation: Evaluation, muted: Sequence[Muted]) -> "RenderableType":
    """Return a headline and one row for every alert that is pending or firing."""
    from rich.console import Group
    from rich.text import Text

    silent = {one.alert.fingerprint: one.by for one in muted}
    table = _table("state", "alert", "for", "found")
    for alert in sorted(evaluation.alerts, key=lambda alert: alert.state):
        state = "muted" if alert.fingerprint in silent else alert.state
        words = one_line(alert.summary)
        if "name" in alert.labels:
            words += f" ({one_line(alert.labels['name'])})"
        if alert.fingerprint in silent:
            words += f"\n{one_line(silent[alert.fingerprint])}"
        elif alert.why:
            words += f"\n-> {one_line(alert.why)}"
        table.add_row(
            Text(state, style={"firing": "red", "pending": "yellow"}.get(state, "dim")),
            f"{alert.name} [{alert.labels.get('severity', '')}]",
            format_duration(round(max(0.0, evaluation.at - alert.since))),
            words,
        )
    firing = len(evaluation.firing)
    head = f"{firing} firing, {len(evaluation.alerts) - firing} pending at {moment(evaluation.at)}"
    notes = [Text(f"! {one_line(note)}", style="yellow") for note in evaluation.notes]
    body: list[RenderableType] = [Text(), table] if evaluation.alerts else []
    return Group(Text(head, style="bold"), *body, *notes)


def evaluation_values(evaluation: Evaluation, muted: Sequence[Muted]) -> dict[str, Any]:
    """Return the keys of ``perfkit alerts check --json``."""
    silent = {one.alert.fingerprint: one.by for one in muted}

    def values(alert: Alert) -> dict[str, Any]:
        return {
            "alert": alert.name,
            "state": alert.state,
            "labels": dict(alert.labels),
            "summary": alert.summary,
            "since": alert.since,
            "value": alert.value,
            "muted": silent.get(alert.fingerprint),
        }

    return {
        "at": evaluation.at,
        "alerts": [values(alert) for alert in evaluation.alerts],
        "warnings": list(evaluation.notes),
    }


_WORST_FIRST: Final = (State.EXCEEDED, State.NO_DATA, State.INCONCLUSIVE, State.MET)


def _share_words(row: Row) -> str:
    good = row.assessment.good
    if good is None:
        return "none seen"
    digits = 4 if row.assessment.target > 0.999 else 3  # noqa: PLR2004  # below, thousandths tell
    low, high = (f"{bound * 100:.{digits}f}" for bound in (good.low, good.high))
    return (
        f"{good.estimate * 100:.{digits}f} % [{low}, {high}] of {row.assessment.total:,}, "
        f"{row.assessment.bad:,} bad"
    )


def _shift_words(shift: Shift) -> str:
    words = f"{answer(shift)}: {shift.n_base}+{shift.n_head} groups"
    return "; ".join((words, *shift.notes))


def _labels_words(sets: Sequence[Mapping[str, str]]) -> str:
    shown = ["{" + ", ".join(f"{k}={v!r}" for k, v in sorted(one.items())) + "}" for one in sets]
    return ", ".join(shown) or "no alert"


def _table(*columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
