"""Rows that were judged part by part, judged again as one suite."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import not_confirmed
from perfkit.gate.waivers import waived
from perfkit.model import BenchmarkId, Comparison, Shift, Verdict
from perfkit.stats import judge_suite

CHANGED = (Verdict.REGRESSED, Verdict.IMPROVED)


def rejudged(
    rows: Sequence[Comparison],
    thresholds: Thresholds,
    *,
    alpha: float,
    today: date,
    unlike: Collection[BenchmarkId] = (),
) -> tuple[Comparison, ...]:
    """Return the rows of several shards with ``alpha`` held over all of them together.

    Each shard held it over its own, and N shards at alpha are wrong up to N times as often. Every
    row carries the p-values that its verdict rests on, so the adjustment is made again over all.
    Only what multiplicity decided moves; what a row says for another reason stays. ``unlike`` were
    measured under different conditions, so that no count of benchmarks makes them claim anything.
    """
    shifts: dict[BenchmarkId, Shift] = {}
    again: dict[BenchmarkId, Shift] = {}
    for row in rows:
        if (shift := row.first or row.shift) is not None:
            shifts[row.benchmark] = shift
        if row.first is not None and row.shift is not None:
            again[row.benchmark] = row.shift
    confirmed = any(row.first is not None for row in rows)
    judged = judge_suite(shifts, alpha=alpha, confirmations=again if confirmed else None)
    found = []
    for row in rows:
        if row.benchmark not in judged:
            found.append(row)
            continue
        whole = judged[row.benchmark]
        now = replace(row, p_adjusted=whole.p_adjusted)
        if row.verdict in CHANGED and whole.verdict is not row.verdict:
            now = replace(
                now,
                verdict=Verdict.INCONCLUSIVE,
                waived="",
                reason=f"{row.verdict} in its shard, but not after counting all benchmarks",
            )
        elif (
            row.first is not None
            and row.benchmark not in unlike
            and row.reason == not_confirmed(row.first)
            and whole.verdict in CHANGED
        ):
            now = waived(replace(now, verdict=whole.verdict, reason=""), thresholds, today)
        found.append(now)
    return tuple(found)
