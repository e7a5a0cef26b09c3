"""Frozen values that every part of perfkit speaks; standard library only, no tool, no clock."""

from perfkit.model.benchmark import BenchmarkId
from perfkit.model.environment import Environment
from perfkit.model.report import (
    BudgetResult,
    Comparison,
    LeakResult,
    Report,
    Revision,
    Status,
    Summary,
)
from perfkit.model.run import Run
from perfkit.model.sample import Sample, Unit
from perfkit.model.shift import Interval, Shift, Verdict

__all__ = [
    "BenchmarkId",
    "BudgetResult",
    "Comparison",
    "Environment",
    "Interval",
    "LeakResult",
    "Report",
    "Revision",
    "Run",
    "Sample",
    "Shift",
    "Status",
    "Summary",
    "Unit",
    "Verdict",
]
