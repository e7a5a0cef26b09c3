"""Frozen values that every part of perfkit speaks; standard library only, no tool, no clock."""

from perfkit.model.benchmark import BenchmarkId
from perfkit.model.commit import Commit
from perfkit.model.culprit import AllocationChange, Culprit, Difference
from perfkit.model.environment import Environment, EnvironmentDifference
from perfkit.model.profile import CallNode, Function, Hotspot, Profile, Timing
from perfkit.model.report import (
    BudgetResult,
    Comparison,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Revision,
    Shard,
    Summary,
)
from perfkit.model.run import Run
from perfkit.model.sample import Sample, Unit
from perfkit.model.series import Series
from perfkit.model.shift import Interval, Shift, Verdict
from perfkit.model.waiver import WaiverResult, WaiverState
from perfkit.status import Status

__all__ = [
    "AllocationChange",
    "BenchmarkId",
    "BudgetResult",
    "CallNode",
    "Commit",
    "Comparison",
    "Culprit",
    "Difference",
    "Environment",
    "EnvironmentDifference",
    "Function",
    "Hotspot",
    "Interval",
    "LeakResult",
    "LeakSite",
    "LeakState",
    "Profile",
    "Report",
    "Revision",
    "Run",
    "Sample",
    "Series",
    "Shard",
    "Shift",
    "Status",
    "Summary",
    "Timing",
    "Unit",
    "Verdict",
    "WaiverResult",
    "WaiverState",
]
