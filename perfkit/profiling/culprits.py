"""The functions behind the regressions of a comparison, found by profiling both of its builds."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from perfkit.benchmarking.sides import Sides
from perfkit.config.thresholds import CulpritSearch
from perfkit.errors import InterruptedMeasurementError, PerfkitError
from perfkit.model import Comparison, Difference, Report, Unit, Verdict
from perfkit.profiling.builds import place, sides_of
from perfkit.profiling.difference import ELSEWHERE, difference, elsewhere
from perfkit.profiling.interleaved import Taken, interleaved, recorder
from perfkit.targets.spec import Target, TargetKind

SHOWN = 3
"""Culprits that a report keeps of each benchmark."""

SLOWEST = 60.0
"""Seconds that one process of a session may take beyond what its benchmark takes."""


def with_culprits(
    report: Report,
    sides: Sides,
    search: CulpritSearch,
    *,
    seed: int,
    clock: Callable[[], float],
    progress: Callable[[str], None],
) -> Report:
    """Return the report with the culprits of its worst regressions; its verdicts stay as they are.

    What hinders the search is said in the row's ``culprit_note``, never raised.
    """
    worst = regressions(report)
    chosen = worst[: search.benchmarks]
    if not chosen or report.interrupted:
        return report
    found: dict[Comparison, Comparison] = {}
    ends = clock() + search.time_budget
    interrupted = False
    for number, row in enumerate(chosen):
        take = partial(
            interleaved,
            sessions=search.sessions,
            seed=seed,
            clock=clock,
            seconds=max(0.0, ends - clock()) / (len(chosen) - number),
            progress=progress,
        )
        try:
            found[row] = _searched(row, sides, take, seed)
        except InterruptedMeasurementError:
            interrupted = True
            break
        except PerfkitError as error:
            found[row] = replace(row, culprit_note=f"culprits were not found: {error}")
    warnings = report.warnings
    if len(worst) > len(chosen):
        said = f"culprits were looked for in the {len(chosen)} worst of {len(worst)} regressions"
        warnings += (f"{said} (culprits.benchmarks)",)
    return replace(
        report,
        comparisons=tuple(found.get(row, row) for row in report.comparisons),
        interrupted=interrupted,
        warnings=warnings,
    )


def regressions(report: Report) -> tuple[Comparison, ...]:
    """Return the regressed times that count and that nobody accepted, the worst first."""
    rows = [
        row
        for row in report.comparisons
        if row.verdict is Verdict.REGRESSED
        and row.unit is Unit.SECONDS
        and not row.waived
        and not row.quarantined
    ]
    return tuple(sorted(rows, key=lambda row: row.shift.ratio.estimate if row.shift else 0.0))[::-1]


def _searched(row: Comparison, sides: Sides, take: Callable[..., Taken], seed: int) -> Comparison:
    pythons = {str(side.interpreter.python) for side in (sides.base, sides.head)}
    if pythons != {sys.executable}:
        return replace(
            row,
            culprit_note="culprits were not looked for: the sides have interpreters of their own,"
            " which lack the profiler",
        )
    target = Target(TargetKind.BENCHMARK, str(row.benchmark))
    per_call = max(side.median for side in (row.base, row.head) if side is not None)
    record = recorder(
        target,
        *(place(side, sides.head, target, Path()) for side in (sides.base, sides.head)),
        per_call=per_call,
        timeout=SLOWEST + 4 * per_call,
    )
    taken = take(record, name=str(row.benchmark))
    if taken.interrupted:
        raise InterruptedMeasurementError(f"interrupted while {target} was profiled")
    both = sides_of(sides.base, sides.head, taken, timed=False)
    found = difference(both, seed=seed)
    if elsewhere(both) >= ELSEWHERE:
        return replace(
            row,
            culprit_note="no culprit is named: most of the added time is in other threads or"
            " processes, where the profile does not look",
        )
    return replace(row, culprits=found.culprits[:SHOWN], culprit_note=note(found))


def note(found: Difference) -> str:
    """Return what to know of the culprits of a benchmark, in one line."""
    base, head = found.sessions
    significance = "" if found.slower else "not significant, "
    return "; ".join([f"{significance}seen in {base}+{head} profiles", *found.warnings])
