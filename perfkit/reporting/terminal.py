"""A report for the terminal, as a rich renderable; a pure function of the report."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from perfkit.model import (
    BudgetResult,
    Comparison,
    LeakResult,
    Report,
    Status,
    Verdict,
    WaiverResult,
)
from perfkit.reporting.alike import Alike, folded, names_of
from perfkit.reporting.culprit_words import culprits_of
from perfkit.reporting.headline import advice, counted, headline, magnitude, sorted_rows
from perfkit.reporting.quantity import change, change_interval, significant
from perfkit.reporting.row_text import (
    budget_text,
    change_text,
    difference_text,
    floor_source,
    leak_text,
    method,
    revision,
    sides_text,
    site_text,
    verdict_text,
    waiver_text,
)
from perfkit.reporting.rows import Line, Rows
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

COLOUR = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.ERROR: "magenta",
}
MARK = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.INCONCLUSIVE: "?",
    Status.ERROR: "!",
}


def report_text(report: Report, *, every_row: bool = False) -> "RenderableType":
    """Return the whole report: headline, changed rows, folded rows, budgets, leaks, method.

    Unchanged rows are one line together, and those that failed for one reason are one row, unless
    ``every_row`` is wanted.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.base and report.head:
        parts.append(_line(f"{revision(report.base)} -> {revision(report.head)}", style="dim"))
    parts.append(_line(headline(report), style=f"bold {COLOUR[report.status]}"))
    rows = sorted_rows(report)
    unchanged = [] if every_row else [row for row in rows if row.verdict is Verdict.UNCHANGED]
    shown = [row for row in rows if every_row or row.verdict is not Verdict.UNCHANGED]
    if shown:
        groups = [(row,) for row in shown] if every_row else folded(shown)
        parts += [Text(), _comparisons(groups), *_culprits(shown)]
    if unchanged:
        parts += [Text(), _unchanged(unchanged)]
    if report.budgets:
        parts += [Text(), _line("Budgets", style="bold"), *map(budget_line, report.budgets)]
    if report.leaks:
        parts += [Text(), _line("Leaks", style="bold")]
        for leak in report.leaks:
            parts.extend(_leak(leak))
    if report.waivers:
        parts += [Text(), _line("Waivers", style="bold"), *map(_waiver, report.waivers)]
    notes = [*report.warnings, *map(difference_text, report.differences), *_row_warnings(shown)]
    if notes:
        parts.append(Text())
        parts.extend(_line(f"! {note}", style="yellow") for note in notes)
    if words := " ".join(filter(None, (report.impact, advice(report)))):
        parts += [Text(), _line(words)]
    parts += [Text(), _line(method(report), style="dim")]
    return Group(*parts)


def _line(words: str, style: str = "") -> "Text":
    """Return words that may quote names from outside as text without markup or control codes."""
    from rich.text import Text

    return Text(visible(words), style=style)


def _comparisons(groups: Iterable[Alike]) -> Rows:
    lines = []
    for group in groups:
        row = group[0]
        status = row.status
        base, head = sides_text(row) if len(group) == 1 else ("-", "-")
        lines.append(
            Line(
                mark=MARK[status] if counted(row) else "👁",
                name=_names(group),
                base=base,
                head=head,
                change=change_text(row),
                verdict=verdict_text(row),
                style="green" if row.verdict is Verdict.IMPROVED else COLOUR[status],
            )
        )
    return Rows(lines)


def _names(group: Alike) -> str:
    names, more = names_of(group)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _culprits(rows: Iterable[Comparison]) -> "list[Text]":
    found = culprits_of(rows)
    return [_line(""), _line("Culprits", style="bold"), *map(_line, found)] if found else []


def _unchanged(rows: list[Comparison]) -> "Text":
    largest = max(rows, key=lambda row: magnitude(row.shift.ratio.estimate) if row.shift else 0.0)
    text = f"✓ {len(rows)} unchanged"
    if largest.shift is not None:
        text += (
            f"; the largest change is {change(largest.shift.ratio.estimate)}"
            f" {change_interval(largest.shift.ratio)} in {largest.benchmark},"
            f" inside its floor of {significant(largest.shift.floor * 100)} %"
            f"{floor_source(largest)}"
        )
    return _line(text, style="green")


def _row_warnings(rows: Iterable[Comparison]) -> list[str]:
    return [f"{row.benchmark}: {warning}" for row in rows for warning in row.warnings]


def budget_line(result: BudgetResult) -> "Text":
    """Return what was measured of a budget beside its limit, marked."""
    return _line(f"{MARK[result.status]} {budget_text(result)}", style=COLOUR[result.status])


def _waiver(result: WaiverResult) -> "Text":
    mark = "👁" if result.status is Status.PASSED else MARK[result.status]
    return _line(f"{mark} {waiver_text(result)}", style=COLOUR[result.status])


def _leak(result: LeakResult) -> "list[Text]":
    mark = "👁" if result.waived else MARK[result.status]
    first = _line(f"{mark} {leak_text(result)}", style=COLOUR[result.status])
    return [first, *(_line(f"    {site_text(site)}") for site in result.sites)]
