"""A report as the comment under a pull request: ten lines a reviewer reads.

Everything that comes from outside (benchmark names, labels, file names) is made inert: it can
neither break the table nor mention a team, whatever it is called.
"""

from collections.abc import Iterable

from perfkit.model import Comparison, LeakResult, Report, Status, Verdict
from perfkit.reporting.headline import advice, counts, headline, sorted_rows
from perfkit.reporting.quantity import change, change_interval, quantity, scale_of
from perfkit.reporting.terminal import difference_text, method, revision, waiver_text
from perfkit.reporting.visible import visible

OPEN_ROWS = 10
"""Rows of the open table; the others stand under "details"."""

MARK = {
    Verdict.REGRESSED: "🔴",
    Verdict.IMPROVED: "🟢",
    Verdict.UNCHANGED: "⚪",
    Verdict.INCONCLUSIVE: "🟡",
    Verdict.DIFFERENT_WORK: "🟠",
    Verdict.FAILED: "⛔",
    Verdict.MISSING: "⛔",
    Verdict.NEW: "🆕",
}

NEVER_OPEN = {Verdict.UNCHANGED, Verdict.INCONCLUSIVE, Verdict.NEW}
"""Verdicts that are no change: they stand in the details only."""

_INERT = {ord(character): f"&#{ord(character)};" for character in "&<>|`*_~[]()!@#:\\\"'$"}
_PLAIN = {ord(character): f"&#{ord(character)};" for character in "&<>|`*_~[]@#$\\"}


def inert(text: str) -> str:
    """Return ``text`` as HTML code in which nothing is markup, a mention or a reference."""
    return f"<code>{visible(text).translate(_INERT)}</code>"


def report_markdown(report: Report) -> str:
    """Return the comment. Nothing changed means one line and folded details."""
    lines = [f"**perfkit** {_plain(headline(report))}"]
    if word := advice(report):
        lines += ["", word]
    rows = sorted_rows(report)
    changed = [row for row in rows if row.verdict not in NEVER_OPEN]
    if changed:
        lines += ["", *_table(changed[:OPEN_ROWS])]
        if len(changed) > OPEN_ROWS:
            lines += ["", f"and {len(changed) - OPEN_ROWS} more, see the details."]
    lines += _findings(report)
    rest = [row for row in rows if row not in changed[:OPEN_ROWS]]
    if rest:
        lines += ["", *_details(report, rest)]
    warnings = [*report.warnings, *map(difference_text, report.differences)]
    if warnings:
        lines += ["", *(f"- ⚠️ {_plain(warning)}" for warning in warnings)]
    lines += ["", f"<sub>{_origin(report)}{_plain(method(report))}</sub>"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return a sentence of our own that may quote outside names, with those made harmless."""
    return visible(text).translate(_PLAIN)


def _origin(report: Report) -> str:
    if report.base is None or report.head is None:
        return ""
    return f"{_plain(revision(report.base))} → {_plain(revision(report.head))}; "


def _table(rows: Iterable[Comparison]) -> list[str]:
    lines = ["| | benchmark | base | head | change | n |", "|---|---|--:|--:|--:|--:|"]
    for row in rows:
        mark = "👁" if row.waived or row.quarantined else MARK[row.verdict]
        values = [side.median for side in (row.base, row.head) if side is not None]
        scale = scale_of(values, row.unit)
        base, head = (
            "-" if side is None else quantity(side.median, row.unit, scale)
            for side in (row.base, row.head)
        )
        moved = "-"
        n = "-"
        if row.shift is not None:
            ratio = row.shift.ratio
            moved = f"**{_plain(change(ratio.estimate))}** {_plain(change_interval(ratio))}"
            n = f"{row.shift.n_base}+{row.shift.n_head}"
        notes = [
            row.reason,
            f"waived: {row.waived}" if row.waived else "",
            quarantine(row),
            *row.warnings,
        ]
        said = "; ".join(_plain(note) for note in notes if note)
        name = inert(str(row.benchmark)) + (f"<br>{said}" if said else "")
        lines.append(f"| {mark} {row.verdict} | {name} | {base} | {head} | {moved} | {n} |")
    return lines


def quarantine(row: Comparison) -> str:
    """Return why the row decides nothing; empty where it does."""
    return f"in quarantine: {row.quarantined}" if row.quarantined else ""


def _findings(report: Report) -> list[str]:
    lines: list[str] = []
    for result in report.budgets:
        if result.status is Status.PASSED:
            continue
        found = (
            result.reason or "not measured"
            if result.measured is None
            else f"{result.status}: {result.statistic}"
            f" {quantity(result.measured.estimate, result.unit)}"
            + (f" ({result.reason})" if result.reason else "")
        )
        limit = quantity(result.limit, result.unit)
        lines.append(f"- budget {inert(result.name)}: {_plain(found)}, limit {limit}")
    for leak in report.leaks:
        if leak.status is not Status.PASSED:
            lines += _leak(leak)
    lines += [
        f"- {'👁' if waiver.status is Status.PASSED else '✗'} {_plain(waiver_text(waiver))}"
        for waiver in report.waivers
    ]
    return ["", *lines] if lines else []


def _leak(leak: LeakResult) -> list[str]:
    word = "keeps memory" if leak.status is Status.FAILED else leak.reason or str(leak.status)
    lines = [f"- leak check {inert(leak.target)}: {_plain(word)}"]
    lines += [
        f"  - {inert(site.place)} {site.bytes_per_iteration:,.0f} B per iteration"
        for site in leak.sites[:3]
    ]
    return lines


def _details(report: Report, rest: list[Comparison]) -> list[str]:
    found = counts(report)
    words = [
        f"{found[verdict]} {verdict}"
        for verdict in (Verdict.UNCHANGED, Verdict.INCONCLUSIVE, Verdict.NEW)
        if verdict in found
    ]
    summary = ", ".join(words) or f"{len(rest)} more"
    return [
        f"<details><summary>{summary}</summary>",
        "",
        *_table(rest),
        "",
        "</details>",
    ]
