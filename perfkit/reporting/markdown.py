"""A report as the comment under a pull request: ten lines a reviewer reads.

Everything that comes from outside (benchmark names, labels, file names) is made inert: it can
neither break the table nor mention a team, whatever it is called. Where not everything fits, what
matters least is left out first, and counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
from perfkit.reporting.culprit_words import culprit_lines
from perfkit.reporting.headline import (
    advice,
    counted,
    counts,
    headline,
    magnitude,
    row_notes,
    sorted_rows,
)
from perfkit.reporting.inert import inert, inert_sentence
from perfkit.reporting.quantity import change, change_interval, quantity, scale_of
from perfkit.reporting.row_text import budget_value, difference_text, method, revision, waiver_text

COMMENT_BYTES = 59_500
"""UTF-8 bytes of what is rendered here. GitHub refuses a body of more than 65,536 characters; with
a title or marker of up to 500 bytes it stays within 60,000, however the characters are counted. Who
adds more gives a lower ``limit``, as posting does for its first line and what was resolved."""

FRAME_BYTES = 2_000
"""What the fixed parts of a comment may take beside its headline and its rows: heads of tables,
summaries, counts of what was left out."""

SUMMARY_BYTES = 2**20 - 1
"""UTF-8 bytes of a job's summary on GitHub, all that one step writes together."""

LEAST_SUMMARY = 16_000
"""Room without which a summary is not begun: the headline and some rows, at their longest."""

OPEN_ROWS = 10
"""Rows of the open table; the others stand under "details"."""

MOST_NOTES = 8
"""Sentences under one row, each of at most :data:`NOTE_CHARACTERS`."""

NOTE_CHARACTERS = 300

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

QUIET = (Verdict.INCONCLUSIVE, Verdict.NEW, Verdict.UNCHANGED)
"""Verdicts that are no change: they stand in the details only, in this order."""

TABLE_HEAD = ("| | benchmark | base | head | change | n |", "|---|---|--:|--:|--:|--:|")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to say: a row of a table or a line of a list, with the section it stands in.

    ``count`` is how many benchmarks a row of a table speaks of.
    """

    section: str
    lines: tuple[str, ...]
    count: int = 1

    @property
    def size(self) -> int:
        """UTF-8 bytes of the lines with their ends."""
        return sum(len(line.encode()) + 1 for line in self.lines)


def report_markdown(report: Report, *, limit: int = COMMENT_BYTES) -> str:
    """Return the comment, of at most ``limit`` UTF-8 bytes. Nothing changed means one line.

    What does not fit is left out from its end: unchanged rows first, then new and inconclusive
    ones, improvements, warnings, budgets and leaks, what failed, and regressions last.
    """
    title = f"**perfkit** {headline(report, inert)}"
    made = f"<sub>{inert_sentence(_origin(report) + method(report))}</sub>"
    if nothing_to_say(report):
        return f"{title} {made}\n"
    top = [title]
    if word := advice(report):
        top += ["", word]
    rows = sorted_rows(report)
    totals = _totals(report, rows)
    room = limit - FRAME_BYTES - sum(len(line.encode()) + 1 for line in (*top, made))
    kept: dict[str, list[str]] = {}
    said = dict.fromkeys(totals, 0)
    for item in _items(report, rows):
        room -= item.size
        if room < 0:
            break
        kept.setdefault(item.section, []).extend(item.lines)
        said[item.section] += item.count
    left = {section: totals[section] - said[section] for section in totals}
    lines = [*top, *_table("open", kept, left), *_list("findings", kept, left)]
    lines += _folded(f"{totals['more']} more changed", "more", kept, left)
    for verdict in QUIET:
        lines += _folded(_quiet_summary(verdict, rows, totals), verdict, kept, left)
    lines += [*_list("warnings", kept, left), "", made]
    return "\n".join(lines) + "\n"


def report_summary(report: Report, room: int) -> str:
    """Return what to append to a job's summary with ``room`` bytes left; empty if too few."""
    if room < LEAST_SUMMARY:
        return ""
    # What was there may lack its last line end, and Markdown needs an empty line between.
    return "\n\n" + report_markdown(report, limit=room - 2)


def nothing_to_say(report: Report) -> bool:
    """Whether all was measured, nothing moved, nothing is open and nothing is new."""
    return (
        report.status is Status.PASSED
        and set(counts(report)) <= {Verdict.UNCHANGED}
        and all(map(counted, report.comparisons))
        and not report.interrupted
        and not report.warnings
        and not report.waivers
        and not report.differences
    )


def _origin(report: Report) -> str:
    if report.base is None or report.head is None:
        return ""
    return f"{revision(report.base)} → {revision(report.head)}; "


def _changed(row: Comparison) -> bool:
    return row.verdict not in QUIET


Finding = BudgetResult | LeakResult | WaiverResult


def _findings(report: Report) -> list[Finding]:
    """Return what did not pass, then what is waived and the waivers that hold."""
    rows: list[Finding] = [*report.budgets, *report.leaks, *report.waivers]
    waived = [row for row in report.leaks if row.waived]
    holding = [row for row in report.waivers if row.status is Status.PASSED]
    return [*(row for row in rows if row.status is not Status.PASSED), *waived, *holding]


def _warnings(report: Report) -> list[str]:
    """Return what to doubt and where the change meets known hot paths, each as a line."""
    found = [*report.warnings, *map(difference_text, report.differences)]
    lines = [f"- ⚠️ {inert_sentence(text)}" for text in found]
    return lines + ([f"- 🗺️ {inert_sentence(report.impact)}"] if report.impact else [])


def _totals(report: Report, rows: Sequence[Comparison]) -> dict[str, int]:
    """Return how many things each section would have if all of them fitted."""
    placed = _placed(rows)
    quiet = {str(verdict): sum(row.verdict is verdict for row in rows) for verdict in QUIET}
    return {
        **{
            section: sum(len(group) for group, where in placed if where == section)
            for section in ("open", "more")
        },
        "findings": len(_findings(report)),
        "warnings": len(_warnings(report)),
        **quiet,
    }


def _items(report: Report, rows: Sequence[Comparison]) -> Iterator[Item]:
    """Yield everything there is to say, what matters most first."""
    placed = _placed(rows)
    grave = {Status.FAILED, Status.ERROR}
    yield from (_item(group, where) for group, where in placed if group[0].status in grave)
    yield from (Item("findings", _finding(finding)) for finding in _findings(report))
    yield from (Item("warnings", (line,)) for line in _warnings(report))
    yield from (_item(group, where) for group, where in placed if group[0].status not in grave)
    for verdict in QUIET:
        alike = folded(row for row in rows if row.verdict is verdict)
        yield from (_item(group, verdict) for group in alike)


def _placed(rows: Iterable[Comparison]) -> list[tuple[Alike, str]]:
    """Return the changed rows, alike ones together, and whether each stands in the open table."""
    changed = folded(row for row in rows if _changed(row))
    return [(group, "open" if index < OPEN_ROWS else "more") for index, group in enumerate(changed)]


def _item(group: Alike, section: str) -> Item:
    return Item(section, _row(group), len(group))


def _row(group: Alike) -> tuple[str]:
    row = group[0]
    mark = MARK[row.verdict] if counted(row) else "👁"
    values = [side.median for side in (row.base, row.head) if side is not None]
    scale = scale_of(values, row.unit)
    base, head = (
        "-" if side is None or group[1:] else quantity(side.median, row.unit, scale)
        for side in (row.base, row.head)
    )
    moved = n = "-"
    if row.shift is not None:
        ratio = row.shift.ratio
        interval = change_interval(ratio).replace("[", "&#91;").replace("]", "&#93;")
        moved = f"**{change(ratio.estimate)}** {interval}"
        n = f"{row.shift.n_base}+{row.shift.n_head}"
    notes = list(row_notes(row))
    culprits = culprit_lines(row, quote=inert, plain=inert_sentence)
    names, more = names_of(group)
    cell = [
        *map(inert, names),
        *([f"and {more} more benchmarks"] if more else []),
        *(inert_sentence(note, NOTE_CHARACTERS) for note in notes[:MOST_NOTES]),
        *([f"and {len(notes) - MOST_NOTES} more"] if len(notes) > MOST_NOTES else []),
        *(f"↳ {line}" for line in culprits[:MOST_NOTES]),
    ]
    name = "<br>".join(cell)
    return (f"| {mark} {row.verdict} | {name} | {base} | {head} | {moved} | {n} |",)


def _finding(row: Finding) -> tuple[str, ...]:
    match row:
        case BudgetResult():
            return (_budget(row),)
        case LeakResult():
            return tuple(_leak(row))
        case WaiverResult():
            mark = "👁" if row.status is Status.PASSED else "✗"
            return (f"- {mark} {inert_sentence(waiver_text(row))}",)


def _budget(result: BudgetResult) -> str:
    found = (
        result.reason or "not measured"
        if result.measured is None
        else f"{result.status}: {result.statistic}"
        f" {budget_value(result, result.measured.estimate)}"
        + (f" ({result.reason})" if result.reason else "")
    )
    limit = budget_value(result, result.limit)
    return f"- budget {inert(result.name)}: {inert_sentence(found)}, limit {limit}"


def _leak(leak: LeakResult) -> Iterator[str]:
    word = "keeps memory" if leak.status is Status.FAILED else leak.reason or str(leak.status)
    if leak.waived:
        word = f"keeps memory, waived: {leak.waived}"
    mark = "👁 " if leak.waived else ""
    yield f"- {mark}leak check {inert(leak.target)}: {inert_sentence(word)}"
    for site in leak.sites[:3]:
        yield f"  - {inert(site.place)} {site.bytes_per_iteration:,.0f} B per iteration"


def _quiet_summary(verdict: Verdict, rows: Iterable[Comparison], totals: dict[str, int]) -> str:
    """Return the number, and for unchanged rows how far the farthest moved."""
    words = f"{totals[verdict]} {verdict}"
    ratios = [row.shift.ratio.estimate for row in rows if row.verdict is verdict and row.shift]
    if verdict is Verdict.UNCHANGED and ratios:
        words += f", the largest change {change(max(ratios, key=magnitude))}"
    return words


def _table(section: str, kept: dict[str, list[str]], left: dict[str, int]) -> list[str]:
    rows = kept.get(section, [])
    return [*(["", *TABLE_HEAD, *rows] if rows else []), *_and_more(left[section])]


def _list(section: str, kept: dict[str, list[str]], left: dict[str, int]) -> list[str]:
    lines = kept.get(section, [])
    return [*(["", *lines] if lines else []), *_and_more(left[section])]


def _folded(
    summary: str, section: str, kept: dict[str, list[str]], left: dict[str, int]
) -> list[str]:
    if section not in kept:
        return ["", f"{summary}, not listed here."] if left[section] else []
    return [
        "",
        f"<details><summary>{summary}</summary>",
        *_table(section, kept, left),
        "",
        "</details>",
    ]


def _and_more(count: int) -> list[str]:
    return ["", f"and {count} more"] if count else []
