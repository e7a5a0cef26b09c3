"""A report for the terminal, as a rich renderable; a pure function of the report."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, assert_never

from perfkit.model import (
    BudgetResult,
    Comparison,
    Environment,
    EnvironmentDifference,
    LeakResult,
    Report,
    Revision,
    Status,
    Summary,
    Verdict,
    WaiverResult,
)
from perfkit.reporting.culprit_words import culprits_of
from perfkit.reporting.headline import advice, headline, sorted_rows
from perfkit.reporting.quantity import (
    SCIENTIFIC,
    change,
    change_interval,
    duration,
    quantity,
    scale_of,
)
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


def report_text(report: Report) -> "RenderableType":
    """Return the whole report: headline, changed rows, folded rows, budgets, leaks, method."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.base and report.head:
        parts.append(_line(f"{revision(report.base)} -> {revision(report.head)}", style="dim"))
    parts.append(_line(headline(report), style=f"bold {COLOUR[report.status]}"))
    shown = [row for row in sorted_rows(report) if row.verdict is not Verdict.UNCHANGED]
    folded = [row for row in sorted_rows(report) if row.verdict is Verdict.UNCHANGED]
    if shown:
        parts += [Text(), _comparisons(shown), *_culprits(shown)]
    if folded:
        parts += [Text(), _folded(folded)]
    if report.budgets:
        parts += [Text(), _line("Budgets", style="bold"), *map(_budget, report.budgets)]
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


def revision(value: Revision) -> str:
    """Return a side as people call it: its label and short commit, dirty said."""
    short = value.commit[:10]
    name = short if value.commit.startswith(value.label) else f"{value.label} ({short})"
    return f"{name}, uncommitted changes" if value.dirty else name


def method(report: Report) -> str:
    """Return how the figures were made, in one line."""
    parts = []
    if report.comparisons:
        parts.append(
            f"{report.rounds} interleaved rounds of fresh processes"
            if report.rounds
            else "nothing was measured now"
        )
    if report.rounds or report.seconds or not report.comparisons:
        parts.append(duration(report.seconds))
    if report.environment:
        parts.append(environment_line(report.environment))
    return "; ".join(parts)


def environment_line(environment: Environment) -> str:
    """Return the machine and interpreter in a few words."""
    words = f"{environment.cpu}, {environment.cores} cores, Python {environment.python}"
    if environment.affinity:
        kept = ", ".join(map(str, environment.affinity))
        words += f", measured on processor {kept}"
    return words


def _line(words: str, style: str = "") -> "Text":
    """Return words that may quote names from outside as text without markup or control codes."""
    from rich.text import Text

    return Text(visible(words), style=style)


def _comparisons(rows: Iterable[Comparison]) -> "RenderableType":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("benchmark", overflow="fold", min_width=20)
    for name in ("base", "head", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=20)
    for row in rows:
        status = row.status
        mark = "👁" if row.waived or row.quarantined else MARK[status]
        colour = "green" if row.verdict is Verdict.IMPROVED else COLOUR[status]
        base, head = _values(row)
        table.add_row(
            _line(mark, style=colour),
            _line(str(row.benchmark)),
            _line(base),
            _line(head),
            _line(_change(row)),
            _line(_verdict(row), style=colour),
        )
    return table


def _culprits(rows: Iterable[Comparison]) -> "list[Text]":
    found = culprits_of(rows)
    return [_line(""), _line("Culprits", style="bold"), *map(_line, found)] if found else []


def _values(row: Comparison) -> tuple[str, str]:
    """Return both sides' medians with half their interquartile range, in one common unit."""
    known = [side for side in (row.base, row.head) if side is not None]
    scale = scale_of([side.median for side in known], row.unit)

    def text(side: Summary | None) -> str:
        if side is None:
            return "-"
        factor, _, decimals = scale
        spread = (side.high - side.low) / 2 / factor
        shown = f"{spread:.1e}" if decimals == SCIENTIFIC else f"{spread:.{min(decimals, 2)}f}"
        return f"{quantity(side.median, row.unit, scale)} ±{shown}"

    return text(row.base), text(row.head)


def _change(row: Comparison) -> str:
    if row.shift is None:
        return "-"
    return f"{change(row.shift.ratio.estimate)} {change_interval(row.shift.ratio)}"


def _verdict(row: Comparison) -> str:
    parts = []
    if row.reason:
        parts.append(row.reason)
    if row.waived:
        parts.append(f"waived: {row.waived}")
    if row.quarantined:
        parts.append(f"in quarantine: {row.quarantined}")
    if row.shift is not None and not row.reason:
        parts.append(f"floor {row.shift.floor * 100:.3g} %{floor_source(row)}")
        parts.append(f"n {row.shift.n_base}+{row.shift.n_head}")
        match row.verdict:
            case Verdict.REGRESSED | Verdict.IMPROVED:
                p = row.shift.p_value if row.p_adjusted is None else row.p_adjusted
                parts.insert(0, f"p {p:.2g}")
            case Verdict.INCONCLUSIVE:
                if row.shift.rounds_needed is not None:
                    parts.append(f"{row.shift.rounds_needed} rounds would decide")
            case (
                Verdict.UNCHANGED
                | Verdict.DIFFERENT_WORK
                | Verdict.FAILED
                | Verdict.MISSING
                | Verdict.NEW
            ):
                pass
            case _:
                assert_never(row.verdict)
    return f"{row.verdict}: {', '.join(parts)}" if parts else str(row.verdict)


def floor_source(row: Comparison) -> str:
    """Return where the floor comes from, in brackets, unless it is the default threshold."""
    usual = row.floor_source in {"", "threshold of the default"}
    return "" if usual else f" ({row.floor_source})"


def _folded(rows: list[Comparison]) -> "Text":
    largest = max(rows, key=lambda row: abs(row.shift.ratio.estimate - 1) if row.shift else 0.0)
    text = f"✓ {len(rows)} unchanged"
    if largest.shift is not None:
        text += (
            f"; the largest change is {change(largest.shift.ratio.estimate)}"
            f" {change_interval(largest.shift.ratio)} in {largest.benchmark},"
            f" inside its floor of {largest.shift.floor * 100:.3g} %{floor_source(largest)}"
        )
    return _line(text, style="green")


def _row_warnings(rows: Iterable[Comparison]) -> list[str]:
    return [f"{row.benchmark}: {warning}" for row in rows for warning in row.warnings]


def _budget(result: BudgetResult) -> "Text":

    limit = quantity(result.limit, result.unit)
    if result.measured is None:
        text = f"{result.name}: {result.reason or 'not measured'}; the limit is {limit}"
    else:
        scale = scale_of([result.measured.estimate], result.unit)
        bounds = [
            quantity(bound, result.unit, scale) if math.isfinite(bound) else "unknown"
            for bound in (result.measured.low, result.measured.high)
        ]
        text = (
            f"{result.name}: {result.statistic}"
            f" {quantity(result.measured.estimate, result.unit, scale)} [{', '.join(bounds)}]"
            f" of {limit}, n {result.n}"
        )
        if result.reason:
            text += f" ({result.reason})"
    return _line(f"{MARK[result.status]} {text}", style=COLOUR[result.status])


def waiver_text(result: WaiverResult) -> str:
    """Return what an exception is about, until when, and whether it may stand, in one line."""
    about = result.pattern if result.metric is None else f"{result.pattern} ({result.metric})"
    ceiling = "" if result.ceiling is None else f" up to {change(1 + result.ceiling)}"
    text = f"{result.kind} of {about}{ceiling} until {result.expires}, {result.issue}"
    found = f" ({result.found})" if result.found else ""
    return f"{text}: {result.reason}; {result.state}{found}"


def difference_text(difference: EnvironmentDifference) -> str:
    """Return one fact that differs between the sides."""
    return f"{difference.fact} differs: {difference.base} on base, {difference.head} on head"


def _waiver(result: WaiverResult) -> "Text":
    mark = "👁" if result.status is Status.PASSED else MARK[result.status]
    return _line(f"{mark} {waiver_text(result)}", style=COLOUR[result.status])


def _leak(result: LeakResult) -> "list[Text]":

    words = {
        Status.PASSED: f"{result.target}: no growth over {result.iterations} iterations",
        Status.FAILED: f"{result.target}: keeps memory",
        Status.INCONCLUSIVE: f"{result.target}: undecided",
        Status.ERROR: f"{result.target}: not measured",
    }
    text = words[result.status]
    if result.reason:
        text += f" ({result.reason})"
    lines = [_line(f"{MARK[result.status]} {text}", style=COLOUR[result.status])]
    lines.extend(
        _line(
            f"    {site.place}: {site.bytes_per_iteration:,.0f} B"
            f" in {site.blocks_per_iteration:,.1f} blocks per iteration"
        )
        for site in result.sites
    )
    return lines
