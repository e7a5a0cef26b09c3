"""A report as workflow commands of GitHub Actions, which shows them beside a run."""

from collections.abc import Iterator

from perfkit.model import Report, Status
from perfkit.reporting.headline import headline, sorted_rows
from perfkit.reporting.row_text import (
    budget_text,
    change_text,
    difference_text,
    leak_text,
    sides_text,
    verdict_text,
    waiver_text,
)
from perfkit.reporting.visible import shortened, visible

MOST = 10
"""Annotations of one kind that GitHub shows of one step."""

LONGEST_TITLE = 200
LONGEST_MESSAGE = 1_000
"""GitHub cuts messages at 4,096 characters; these are for a list."""

LEVEL = {Status.FAILED: "error", Status.ERROR: "error", Status.INCONCLUSIVE: "warning"}


def report_annotations(report: Report) -> str:
    """Return at most :data:`MOST` commands, one a line, worst first; empty where all passed.

    Where there are more findings, the last command counts the ones left out.
    """
    found = list(_findings(report))
    if not found and report.status is not Status.PASSED:
        found = [(report.status, "perfkit", headline(report))]
    found.sort(key=lambda one: LEVEL[one[0]])  # errors first; otherwise as they came
    shown = found if len(found) <= MOST else found[: MOST - 1]
    lines = [_command(*one) for one in shown]
    if len(found) > len(shown):
        rest = f"and {len(found) - len(shown)} more: {headline(report)}"
        lines.append(_command(found[len(shown)][0], "perfkit", rest))
    return "".join(f"{line}\n" for line in lines)


def _findings(report: Report) -> Iterator[tuple[Status, str, str]]:
    """Yield status, title and message of every row that did not pass, gravest first."""
    for row in sorted_rows(report):
        if row.status is not Status.PASSED:
            base, head = sides_text(row)
            moved = f"{base} -> {head}, {change_text(row)}; " if row.shift else ""
            yield row.status, str(row.benchmark), f"{moved}{verdict_text(row)}"
    for budget in report.budgets:
        if budget.status is not Status.PASSED:
            yield budget.status, "budget", budget_text(budget)
    for leak in report.leaks:
        if leak.status is not Status.PASSED:
            yield leak.status, "leak check", leak_text(leak)
    for waiver in report.waivers:
        if waiver.status is not Status.PASSED:
            yield waiver.status, waiver.kind, waiver_text(waiver)
    for difference in report.differences:
        yield Status.INCONCLUSIVE, "environment", difference_text(difference)


def _command(status: Status, title: str, message: str) -> str:
    """Return one command; what would end a part of it is escaped as the runner's toolkit does."""
    title = _escaped(shortened(visible(title), LONGEST_TITLE))
    title = title.replace(":", "%3A").replace(",", "%2C")
    message = _escaped(shortened(visible(message), LONGEST_MESSAGE))
    return f"::{LEVEL[status]} title={title}::{message}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
