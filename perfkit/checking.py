"""What ``perfkit check`` adds to a comparison: budgets and leak checks of the head side."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from perfkit.benchmarking.build import Side
from perfkit.config.thresholds import Budget, LeakCheck
from perfkit.errors import InterruptedMeasurementError, PerfkitError
from perfkit.gate.budgets import judge_budget
from perfkit.gate.shards import split
from perfkit.memory.find import find_leaks
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    LeakResult,
    LeakState,
    Report,
    Sample,
    Shard,
)
from perfkit.targets.spec import parse_target


def check_budgets(
    budgets: Sequence[Budget],
    measured: Mapping[BenchmarkId, Sample],
    *,
    chosen: Iterable[BenchmarkId] | None,
) -> tuple[tuple[BudgetResult, ...], tuple[str, ...]]:
    """Return one result per budget, and the names of those that were left out on purpose.

    A budget whose benchmark was not measured is an error, unless the user had others ``chosen``:
    then it was left out, which is said. None where nobody chose.
    """
    by_name = {str(identity): sample for identity, sample in measured.items()}
    names = None if chosen is None else _with_recorded(chosen)
    kept = [budget for budget in budgets if names is None or budget.benchmark in names]
    results = tuple(judge_budget(budget, by_name.get(budget.benchmark)) for budget in kept)
    return results, tuple(budget.name for budget in budgets if budget not in kept)


def with_checks(
    shard: Shard, budgets: Sequence[Budget], leaks: Sequence[LeakCheck], *, selected: bool
) -> Shard:
    """Return the manifest with the rows that all shards together owe for budgets and leaks.

    Where benchmarks were ``selected`` by the user, those of other benchmarks are left out.
    """
    names = _with_recorded(shard.expected)
    return replace(
        shard,
        budgets=tuple(
            judge_budget(budget, None)
            for budget in budgets
            if budget.benchmark in names or not selected
        ),
        leaks=tuple(
            LeakResult(
                target=check.target,
                state=LeakState.FAILED,
                ceiling=check.ceiling,
                iterations=0,
                reason="not measured",
            )
            for check in leaks
        ),
    )


def checks_of_shard(
    report: Report, budgets: Sequence[Budget], leaks: Sequence[LeakCheck]
) -> tuple[tuple[Budget, ...], tuple[LeakCheck, ...]]:
    """Return the budgets and leak checks that fall to the shard of ``report``.

    A budget goes where its benchmark is measured; the first shard says that nothing measures it. A
    report of a whole suite has all of them.
    """
    shard = report.shard
    if shard is None:
        return tuple(budgets), tuple(leaks)
    everywhere = _with_recorded(shard.expected)
    own = _with_recorded((*(row.benchmark for row in report.comparisons), *shard.skipped))
    at = split({check.target: 1 for check in leaks}, shard.count)
    return (
        tuple(
            budget
            for budget in budgets
            if budget.benchmark in own or (budget.benchmark not in everywhere and shard.index == 1)
        ),
        tuple(check for check in leaks if at[check.target] == shard.index),
    )


def _with_recorded(identities: Iterable[BenchmarkId]) -> set[str]:
    """Return the names of benchmarks, and of what is recorded beside each."""
    return {str(name) for one in identities for name in (one, one.peak_memory, one.allocations)}


def check_leaks(
    checks: Sequence[LeakCheck], side: Side, *, progress: Callable[[str], None]
) -> tuple[LeakResult, ...]:
    """Return one result per configured leak check, run on the build of ``side``.

    A check that cannot be made is a result of its own, so that the others are still reported.
    Fewer results than checks mean that the user interrupted.
    """
    results: list[LeakResult] = []
    for check in checks:
        try:
            results.append(_check(check, side, progress))
        except InterruptedMeasurementError:
            break
    return tuple(results)


def _check(check: LeakCheck, side: Side, progress: Callable[[str], None]) -> LeakResult:
    cwd = side.suite.config.parent
    site = side.interpreter.site
    environment = {}
    if site is not None:
        inherited = os.environ.get("PYTHONPATH")
        entries = [str(site), *([inherited] if inherited else [])]
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    try:
        found = find_leaks(
            parse_target(check.target, cwd=cwd),
            cwd=cwd,
            ceiling=check.ceiling,
            iterations=check.iterations,
            environment=environment,
            progress=progress,
        )
    except InterruptedMeasurementError:
        raise
    except PerfkitError as error:
        return LeakResult(
            target=check.target,
            state=LeakState.FAILED,
            ceiling=check.ceiling,
            iterations=0,
            reason=str(error),
        )
    prefix = f"{site}/"
    sites = tuple(replace(one, place=one.place.removeprefix(prefix)) for one in found.sites)
    return replace(found, sites=sites)
