"""What ``perfkit check`` adds to a comparison: budgets and leak checks of the head side."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from perfkit.benchmarking.build import Side
from perfkit.config.thresholds import Budget, LeakCheck
from perfkit.errors import InterruptedMeasurementError, PerfkitError
from perfkit.gate.budgets import judge_budget
from perfkit.memory.find import find_leaks
from perfkit.model import BenchmarkId, BudgetResult, LeakResult, LeakState, Sample
from perfkit.targets import parse_target


def check_budgets(
    budgets: Sequence[Budget], measured: Mapping[BenchmarkId, Sample], *, selected: bool
) -> tuple[tuple[BudgetResult, ...], tuple[str, ...]]:
    """Return one result per budget, and the names of those that were left out on purpose.

    A budget whose benchmark was not measured is an error, unless the benchmarks were ``selected``
    by the user: then it was left out, which is said.
    """
    by_name = {str(identity): sample for identity, sample in measured.items()}
    left_out = [budget.name for budget in budgets if selected and budget.benchmark not in by_name]
    results = tuple(
        judge_budget(budget, by_name.get(budget.benchmark))
        for budget in budgets
        if budget.name not in left_out
    )
    return results, tuple(left_out)


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
