"""The one sentence at the top of every rendering: a pure function of the rows."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from perfkit.model import (
    BudgetResult,
    Comparison,
    LeakResult,
    Report,
    Status,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.reporting.quantity import change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER = (
    Verdict.REGRESSED,
    Verdict.DIFFERENT_WORK,
    Verdict.FAILED,
    Verdict.MISSING,
    Verdict.INCONCLUSIVE,
    Verdict.IMPROVED,
    Verdict.NEW,
    Verdict.UNCHANGED,
)
"""Rows are shown in this order, what needs a person first."""

WORD = {
    Status.PASSED: "Passed",
    Status.FAILED: "Failed",
    Status.INCONCLUSIVE: "Inconclusive",
    Status.ERROR: "Not measured",
}


def sorted_rows(report: Report) -> list[Comparison]:
    """Return all comparisons, gravest verdict first and the largest change first within one.

    Rows of the same change are in the order of their names, numbers in them by value.
    """
    graded = sorted(((_gravity(row), row) for row in report.comparisons), key=itemgetter(0))
    return [
        row
        for _, equal in groupby(graded, key=itemgetter(0))
        for row in _in_order_of_names([row for _, row in equal])
    ]


def _in_order_of_names(rows: list[Comparison]) -> list[Comparison]:
    return sorted(rows, key=lambda row: _by_numbers(str(row.benchmark))) if rows[1:] else rows


RANK = {verdict: rank for rank, verdict in enumerate(ORDER)}


def _gravity(row: Comparison) -> tuple[bool, int, float]:
    size = -magnitude(row.shift.ratio.estimate) if row.shift else 0.0
    return (not counted(row), RANK[row.verdict], size)


def magnitude(ratio: float) -> float:
    """Return how far ``ratio`` lies from no change: a half is as far as twice."""
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf


NUMBERS = 4
"""Numbers of a name that are compared by value; the rest of it is text."""


def _by_numbers(name: str) -> tuple[str | tuple[int, str], ...]:
    """Return a sorting key in which ``n=9`` comes before ``n=10``."""
    # Texts and numbers take turns; without leading zeros, the longer number is the larger one.
    return tuple(
        (len(part.lstrip("0")), part.lstrip("0")) if index % 2 else part
        for index, part in enumerate(re.split(r"([0-9]+)", name, maxsplit=NUMBERS))
    )


def row_notes(row: Comparison) -> Iterator[str]:
    """Yield what a rendering says under a row, one sentence each, the most important first."""
    if row.reason:
        yield row.reason
    if row.waived:
        yield f"waived: {row.waived}"
    if row.quarantined:
        yield f"in quarantine: {row.quarantined}"
    yield from row.warnings


def counted(row: Comparison) -> bool:
    """Whether the row's verdict has a say: it is neither waived nor in quarantine."""
    return not row.waived and not row.quarantined


def counts(report: Report) -> dict[Verdict, int]:
    """Return how many rows have each verdict, in the order of gravity, zeros left out."""
    found = Counter(row.verdict for row in report.comparisons if counted(row))
    return {verdict: found[verdict] for verdict in ORDER if found[verdict]}


def headline(report: Report, name_of: Callable[[str], str] = str) -> str:
    """Return the verdict word, then the worst finding in one clause.

    ``name_of`` renders the name of a benchmark; all other words are perfkit's own.

    Examples: ``Failed: 1 of 12 benchmarks regressed, worst time_warm x2.31.``
    ``Passed: 12 benchmarks unchanged.``
    """
    clauses = "; ".join(_clauses(report, name_of)) or "nothing was measured"
    return f"{WORD[report.status]}: {clauses}."


def _clauses(report: Report, name_of: Callable[[str], str]) -> list[str]:
    clauses = _verdict_clauses(report, name_of)
    if waived := sum(bool(row.waived) for row in report.comparisons):
        clauses.append(f"{waived} waived")
    if quarantined := sum(bool(row.quarantined) for row in report.comparisons):
        clauses.append(f"{quarantined} in quarantine")
    clauses += _exception_clauses(report)
    clauses += _check_clauses(
        "budgets", [row.status for row in report.budgets], kept="budgets kept", failed="exceeded"
    )
    leaks = [row.status for row in report.leaks if not row.waived]
    clauses += _check_clauses("leak checks", leaks, kept="no leak", failed="found a leak")
    if waived := len(report.leaks) - len(leaks):
        clauses.append(f"{waived} leak{'s' if waived > 1 else ''} waived")
    if report.interrupted:
        clauses.append("interrupted before everything was measured")
    return clauses


def _verdict_clauses(report: Report, name_of: Callable[[str], str]) -> list[str]:
    clauses = []
    total = len(report.comparisons)
    for verdict, count in counts(report).items():
        clause = f"{count} of {total} benchmarks {verdict}"
        if verdict is Verdict.UNCHANGED and count == total:
            clause = f"all {total} benchmarks unchanged" if total > 1 else "the benchmark unchanged"
        if verdict in {Verdict.REGRESSED, Verdict.IMPROVED}:
            first = _most(r for r in report.comparisons if r.verdict is verdict)
            if first.shift:
                moved = change(first.shift.ratio.estimate)
                clause += f", most {name_of(str(first.benchmark))} {moved}"
        clauses.append(clause)
    return clauses


def _most(rows: Iterable[Comparison]) -> Comparison:
    """Return the row that :func:`sorted_rows` puts first, without sorting all of them."""
    graded = [(_gravity(row), row) for row in rows]
    first = min(graded, key=itemgetter(0))[0]
    return _in_order_of_names([row for grade, row in graded if grade == first])[0]


def _exception_clauses(report: Report) -> list[str]:
    """Return one clause per kind of exception that may not stand, with what is wrong with it."""
    found = Counter((row.kind, row.state) for row in report.waivers)
    return [
        f"{found[kind, state]} {kind}{'s' if found[kind, state] > 1 else ''} {state}"
        for kind in ("waiver", "leak waiver", "quarantine")
        for state in WaiverState
        if state is not WaiverState.HOLDS and found[kind, state]
    ]


def _check_clauses(name: str, statuses: list[Status], *, kept: str, failed: str) -> list[str]:
    if statuses and all(status is Status.PASSED for status in statuses):
        return [kept]
    words = {
        Status.FAILED: failed,
        Status.ERROR: "not measured",
        Status.INCONCLUSIVE: "inconclusive",
    }
    return [
        f"{statuses.count(status)} of {len(statuses)} {name} {word}"
        for status, word in words.items()
        if status in statuses
    ]


ADVICE: dict[Verdict, str] = {
    Verdict.REGRESSED: (
        "Profile the regressed benchmark on both sides (`perfkit profile bench:NAME --compare"
        " BASE`), or accept it for a time with a waiver in config/performance_thresholds.yaml."
    ),
    Verdict.DIFFERENT_WORK: (
        "The benchmark's declared outcome moved, so its times compare different work: check the"
        " result before the speed."
    ),
    Verdict.FAILED: "Repair what could not be measured; without it there is no verdict.",
    Verdict.MISSING: "Restore the missing benchmark; without it there is no verdict.",
}
"""What to do about the gravest verdict, gravest first."""


def advice(report: Report) -> str:
    """Return what to do next, empty where there is nothing to do."""
    verdicts = counts(report)
    for verdict, words in ADVICE.items():
        if verdict in verdicts:
            return words
    failed: Mapping[str, Sequence[LeakResult | BudgetResult | WaiverResult]] = {
        "Release what the named line keeps, or set a ceiling with its reason.": report.leaks,
        "Make it faster, or change the budget with its reason.": report.budgets,
        "Remove what no longer holds of waivers and quarantine, or renew it.": report.waivers,
    }
    for words, results in failed.items():
        if any(result.status is Status.FAILED for result in results):
            return words
    if Verdict.INCONCLUSIVE not in verdicts:
        return ""
    if report.rounds == 0:
        return "Measure both sides now, without `--stored`: interleaved rounds can decide."
    return "More rounds (`--max-rounds`) or a quieter machine would decide the open rows."
