"""The comparisons of a report as CSV: one row each, numbers in base units at full precision."""

import csv
import io

from perfkit.model import Comparison, Report, Summary
from perfkit.reporting.headline import sorted_rows
from perfkit.reporting.visible import visible

COLUMNS = (
    "benchmark", "unit", "verdict", "status", "base", "base_low", "base_high", "base_n", "head",
    "head_low", "head_high", "head_n", "ratio", "ratio_low", "ratio_high", "confidence", "p_value",
    "p_adjusted", "floor", "outcome_base", "outcome_head", "reason", "waived", "quarantined",
    "warnings",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@")
"""A spreadsheet takes text that starts with one of these for a formula."""


def report_csv(report: Report) -> str:
    """Return a header and one line per comparison, gravest first; unknown values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in sorted_rows(report))
    return text.getvalue()


def _cells(row: Comparison) -> list[object]:
    shift = row.shift
    numbers: list[object] = [None] * 6
    if shift is not None:
        ratio = shift.ratio
        numbers = [ratio.estimate, ratio.low, ratio.high, ratio.confidence, shift.p_value]
        numbers.append(row.p_adjusted)
    return [
        _text(str(row.benchmark)),
        row.unit,
        row.verdict,
        row.status,
        *_side(row.base),
        *_side(row.head),
        *numbers,
        row.threshold if shift is None else shift.floor,
        *map(_text, (row.outcome_base or "", row.outcome_head or "", row.reason)),
        *map(_text, (row.waived, row.quarantined, "; ".join(row.warnings))),
    ]


def _side(side: Summary | None) -> tuple[object, ...]:
    return (None,) * 4 if side is None else (side.median, side.low, side.high, side.n)


def _text(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
