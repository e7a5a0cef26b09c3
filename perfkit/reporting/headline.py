"""The one sentence at the top of every rendering: a pure function of the rows."""

from collections import Counter
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
    """Return all comparisons, gravest verdict first and the largest change first within one."""

    def key(row: Comparison) -> tuple[bool, int, float, str]:
        size = -abs(row.shift.ratio.estimate - 1) if row.shift else 0.0
        return (
            bool(row.waived or row.quarantined),
            ORDER.index(row.verdict),
            size,
            str(row.benchmark),
        )

    return sorted(report.comparisons, key=key)


def counted(row: Comparison) -> bool:
    """Whether the row's verdict has a say: it is neither waived nor in quarantine."""
    return not row.waived and not row.quarantined


def counts(report: Report) -> dict[Verdict, int]:
    """Return how many rows have each verdict, in the order of gravity, zeros left out."""
    found = [row.verdict for row in report.comparisons if counted(row)]
    return {verdict: found.count(verdict) for verdict in ORDER if verdict in found}


def headline(report: Report) -> str:
    """Return the verdict word, then the worst finding in one clause.

    Examples: ``Failed: 1 of 12 benchmarks regressed, worst time_warm x2.31.``
    ``Passed: 12 benchmarks unchanged.``
    """
    return f"{WORD[report.status]}: {'; '.join(_clauses(report)) or 'nothing was measured'}."


def _clauses(report: Report) -> list[str]:
    clauses = _verdict_clauses(report)
    if waived := sum(bool(row.waived) for row in report.comparisons):
        clauses.append(f"{waived} waived")
    if quarantined := sum(bool(row.quarantined) for row in report.comparisons):
        clauses.append(f"{quarantined} in quarantine")
    clauses += _exception_clauses(report)
    clauses += _check_clauses(
        "budgets", [row.status for row in report.budgets], kept="budgets kept", failed="exceeded"
    )
    clauses += _check_clauses(
        "leak checks", [row.status for row in report.leaks], kept="no leak", failed="found a leak"
    )
    if report.interrupted:
        clauses.append("interrupted before everything was measured")
    return clauses


def _verdict_clauses(report: Report) -> list[str]:
    clauses = []
    total = len(report.comparisons)
    for verdict, count in counts(report).items():
        rows = [row for row in sorted_rows(report) if row.verdict is verdict and counted(row)]
        clause = f"{count} of {total} benchmarks {verdict}"
        if verdict is Verdict.UNCHANGED and count == total:
            clause = f"all {total} benchmarks unchanged" if total > 1 else "the benchmark unchanged"
        worst = rows[0]
        if verdict in {Verdict.REGRESSED, Verdict.IMPROVED} and worst.shift:
            clause += f", most {worst.benchmark} {change(worst.shift.ratio.estimate)}"
        clauses.append(clause)
    return clauses


def _exception_clauses(report: Report) -> list[str]:
    """Return one clause per kind of exception that may not stand, with what is wrong with it."""
    found = Counter((row.kind, row.state) for row in report.waivers)
    return [
        f"{found[kind, state]} {kind}{'s' if found[kind, state] > 1 else ''} {state}"
        for kind in ("waiver", "quarantine")
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
        "Profile the regressed benchmark on both revisions (`perfkit profile bench:NAME`), or"
        " accept it for a time with a waiver in config/performance_thresholds.yaml."
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
