"""The parts of a report as plain words: what all renderings say in the same way."""

import math
from typing import assert_never

from perfkit.model import (
    BudgetResult,
    Comparison,
    Environment,
    EnvironmentDifference,
    Interval,
    LeakResult,
    LeakSite,
    Report,
    Revision,
    Status,
    Summary,
    Unit,
    Verdict,
    WaiverResult,
)
from perfkit.plural import plural
from perfkit.reporting.quantity import (
    SCIENTIFIC,
    change,
    change_interval,
    duration,
    quantity,
    scale_of,
    share,
    significant,
)


def revision(value: Revision) -> str:
    """Return a side as people call it: its label and short commit, dirty said."""
    short = value.commit[:10]
    name = short if value.commit.startswith(value.label) else f"{value.label} ({short})"
    return f"{name}, uncommitted changes" if value.dirty else name


def method(report: Report) -> str:
    """Return how the figures were made, in one line."""
    parts = []
    if report.comparisons:
        parts.append(_rounds(report) if report.rounds else "nothing was measured now")
    if report.rounds or report.seconds or not report.comparisons:
        parts.append(duration(report.seconds))
    if report.environment:
        parts.append(environment_line(report.environment))
    return "; ".join(parts)


def _rounds(report: Report) -> str:
    """Return how many rounds were run, and why ``n`` of a row is less where it is."""
    words = plural(report.rounds, "interleaved round")
    fewer = any(row.shift and row.shift.n_head < report.rounds for row in report.comparisons)
    which = " (n counts those that decided a row)" if fewer else ""
    return f"{words} of fresh processes{which}"


def environment_line(environment: Environment) -> str:
    """Return the machine and interpreter in a few words."""
    words = f"{environment.cpu}, {environment.cores} cores, Python {environment.python}"
    if environment.affinity:
        kept = ", ".join(map(str, environment.affinity))
        words += f", measured on processor {kept}"
    return words


def sides_text(row: Comparison) -> tuple[str, str]:
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


def change_text(row: Comparison) -> str:
    """Return the change with its interval, ``-`` where there is none."""
    if row.shift is None:
        return "-"
    return f"{change(row.shift.ratio.estimate)} {change_interval(row.shift.ratio)}"


def verdict_text(row: Comparison) -> str:
    """Return the verdict, why, and the floor it was judged against."""
    parts = []
    if row.reason:
        parts.append(row.reason)
    if row.waived:
        parts.append(f"waived: {row.waived}")
    if row.quarantined:
        parts.append(f"in quarantine: {row.quarantined}")
    if row.shift is not None and not row.reason:
        parts.append(f"floor {significant(row.shift.floor * 100)} %{floor_source(row)}")
        parts.append(f"n {row.shift.n_base}+{row.shift.n_head}")
        match row.verdict:
            case Verdict.REGRESSED | Verdict.IMPROVED:
                p = row.shift.p_value if row.p_adjusted is None else row.p_adjusted
                parts.insert(0, f"p {p:.2g}")
            case Verdict.INCONCLUSIVE:
                if row.shift.rounds_needed is not None:
                    parts.append(f"{plural(row.shift.rounds_needed, 'round')} would decide")
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


def waiver_text(result: WaiverResult) -> str:
    """Return what an exception is about, until when, and whether it may stand, in one line."""
    about = result.pattern if result.metric is None else f"{result.pattern} ({result.metric})"
    ceiling = "" if result.ceiling is None else f" up to {_ceiling(result.kind, result.ceiling)}"
    text = f"{result.kind} of {about}{ceiling} until {result.expires}, {result.issue}"
    found = f" ({result.found})" if result.found else ""
    return f"{text}: {result.reason}; {result.state}{found}"


def _ceiling(kind: str, ceiling: float) -> str:
    if kind == "leak waiver":
        return f"{quantity(ceiling, Unit.BYTES)} per iteration"
    return change(1 + ceiling)


def difference_text(difference: EnvironmentDifference) -> str:
    """Return one fact that differs between the sides."""
    return f"{difference.fact} differs: {difference.base} on base, {difference.head} on head"


def budget_text(result: BudgetResult) -> str:
    """Return what was measured of a budget beside its limit, in one line."""
    limit = budget_value(result, result.limit)
    if result.measured is None:
        return f"{result.name}: {result.reason or 'not measured'}; the limit is {limit}"
    found = statistic_text(result.statistic, result.measured, result.unit)
    if result.statistic == "availability":
        bounds = (budget_value(result, one) for one in (result.measured.low, result.measured.high))
        estimate = budget_value(result, result.measured.estimate)
        found = f"{result.statistic} {estimate} [{', '.join(bounds)}]"
    text = f"{result.name}: {found} of {limit}, n {result.n}"
    return f"{text} ({result.reason})" if result.reason else text


def budget_value(result: BudgetResult, value: float) -> str:
    """Return a value of a budget's statistic with its unit: an availability is a share."""
    if result.statistic == "availability":
        return share(value)
    return quantity(value, result.unit)


def statistic_text(name: str, measured: Interval, unit: Unit) -> str:
    """Return a statistic with its interval: ``p95 12.10 ms [11.90 ms, 12.50 ms]``."""
    scale = scale_of([measured.estimate], unit)
    bounds = [
        quantity(bound, unit, scale) if math.isfinite(bound) else "unknown"
        for bound in (measured.low, measured.high)
    ]
    return f"{name} {quantity(measured.estimate, unit, scale)} [{', '.join(bounds)}]"


def leak_text(result: LeakResult) -> str:
    """Return what a leak check came to, in one line."""
    words = {
        Status.PASSED: f"{result.target}: no growth over {result.iterations} iterations",
        Status.FAILED: f"{result.target}: keeps memory",
        Status.INCONCLUSIVE: f"{result.target}: undecided",
        Status.ERROR: f"{result.target}: not measured",
    }
    text = f"{result.target}: keeps memory" if result.waived else words[result.status]
    text += f" ({result.reason})" if result.reason else ""
    return f"{text}, waived: {result.waived}" if result.waived else text


def site_text(site: LeakSite) -> str:
    """Return one line that keeps memory, with how much."""
    return (
        f"{site.place}: {site.bytes_per_iteration:,.0f} B"
        f" in {site.blocks_per_iteration:,.1f} blocks per iteration"
    )
