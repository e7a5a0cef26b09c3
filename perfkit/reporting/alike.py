"""Rows that say the same of many benchmarks, as one: what failed for one reason fails often."""

from collections.abc import Iterable, Sequence

from perfkit.model import Comparison, Verdict
from perfkit.reporting.headline import counted

FOLDING = (Verdict.FAILED, Verdict.MISSING, Verdict.NEW)
"""Verdicts without a change to show: their reason is all that they say."""

NAMED = 5
"""Benchmarks that a folded row names; the others are counted, and `--all` shows each."""

Alike = tuple[Comparison, ...]
"""At least one row; more than one where all say the same."""


def folded(rows: Iterable[Comparison]) -> list[Alike]:
    """Return the rows, those of one verdict and one reason together at the place of the first."""
    groups: dict[object, list[Comparison]] = {}
    for row in rows:
        groups.setdefault(_said(row), []).append(row)
    return [tuple(group) for group in groups.values()]


def _said(row: Comparison) -> object:
    """Return what equals that of a row which says the same; of most rows no other's does."""
    alone = not row.reason or row.shift is not None or bool(row.warnings) or not counted(row)
    return object() if alone or row.verdict not in FOLDING else (row.verdict, row.reason)


def names_of(group: Sequence[Comparison]) -> tuple[list[str], int]:
    """Return the names to show of a folded row, and how many there are besides."""
    return [str(row.benchmark) for row in group[:NAMED]], max(len(group) - NAMED, 0)
