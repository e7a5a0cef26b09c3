"""The load of ``perfkit check --load``: planned before anything is built, added to the report."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from perfkit.errors import UsageError

if TYPE_CHECKING:
    from perfkit.benchmarking.sides import Sides
    from perfkit.config.load import Settings
    from perfkit.config.load_plan import LoadPlan
    from perfkit.gate.shards import Part
    from perfkit.model import Report

PATTERN = "load "
"""How the names of the rows begin; no benchmark of asv has a space in its name."""


def planned_load(settings: "Settings", part: "Part | None") -> "LoadPlan":
    """Return what is sent in each round. UsageError where that is not configured."""
    from perfkit.config.load_plan import read_load_plan
    from perfkit.load_check import runner_of

    watch = settings.monitoring.load
    if part is not None:
        raise UsageError("check --load loads whole sides: run it in a job of its own, not a shard")
    if watch.target is None:
        raise UsageError("check --load needs load.target in config/monitoring_config.yaml")
    plan = read_load_plan(None, {}, settings)
    runner_of(plan, watch.serve)
    alone = {"soak": 0.0, "ramp": 0.0, "spike": 0.0, "spike_rate": 0.0, "recover": 0.0}
    return plan.model_copy(update={"hold": watch.check_hold, **alone})


def loaded(
    report: "Report",
    sides: "Sides",
    plan: "LoadPlan",
    settings: "Settings",
    *,
    seed: int,
    say: Callable[[str], None],
) -> "Report":
    """Return the report with the rows, limits and warnings of the load."""
    from perfkit.gate.waivers import exceptions_of
    from perfkit.load_check import compare_load, runner_of

    watch, thresholds = settings.monitoring.load, settings.thresholds
    today = datetime.now(tz=UTC).date()
    found = compare_load(
        sides,
        plan,
        runner_of(plan, watch.serve),
        thresholds,
        budget=watch.check_budget,
        today=today,
        clock=monotonic,
        seed=seed,
        say=say,
    )
    told = {
        (one.kind, one.pattern): one
        for one in exceptions_of(found.rows, thresholds, today=today, whole=False)
    }
    return replace(
        report,
        comparisons=(*report.comparisons, *found.rows),
        budgets=(*report.budgets, *found.budgets),
        waivers=tuple(
            told.get((one.kind, one.pattern), one) if one.pattern.startswith(PATTERN) else one
            for one in report.waivers
        ),
        rounds=report.rounds + found.rounds,
        seconds=report.seconds + found.seconds,
        interrupted=report.interrupted or found.interrupted,
        warnings=(*report.warnings, *found.warnings),
    )


def without_load(report: "Report") -> "Report":
    """Return the report without the exceptions for rows of a load, which was not asked for."""
    kept = tuple(one for one in report.waivers if not one.pattern.startswith(PATTERN))
    return replace(report, waivers=kept)
