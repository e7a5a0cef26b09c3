"""Frozen values that every part of perfkit speaks; standard library only, no tool, no clock."""

from perfkit.model.benchmark import BenchmarkId
from perfkit.model.chaos import ChaosResult, FaultEffect
from perfkit.model.commit import Commit
from perfkit.model.culprit import Culprit, Difference, DifferenceNode
from perfkit.model.drill import DrillResult
from perfkit.model.environment import Environment, EnvironmentDifference
from perfkit.model.impact import Impact, PathShare, Reached, Touched
from perfkit.model.imports import ImportCost, ImportTimes
from perfkit.model.load import (
    Knee,
    KneeStep,
    LoadJudgement,
    LoadObjective,
    LoadResult,
    LoadSecond,
    LoadStage,
    LoadStatistic,
    Soak,
    StepVerdict,
)
from perfkit.model.memory import AllocationChange, Allocator, PeakMemory
from perfkit.model.profile import CallNode, CallPath, Function, Hotspot, Profile, Reach, Timing
from perfkit.model.report import (
    MOST_VALUES,
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
from perfkit.model.run import Run, RunShard
from perfkit.model.sample import Sample, Unit
from perfkit.model.series import Series
from perfkit.model.shift import Interval, Shift, Verdict
from perfkit.model.waiver import WaiverResult, WaiverState
from perfkit.status import Status

__all__ = [
    "MOST_VALUES",
    "AllocationChange",
    "Allocator",
    "BenchmarkId",
    "BudgetResult",
    "CallNode",
    "CallPath",
    "ChaosResult",
    "Commit",
    "Comparison",
    "Culprit",
    "Difference",
    "DifferenceNode",
    "DrillResult",
    "Environment",
    "EnvironmentDifference",
    "FaultEffect",
    "Function",
    "Hotspot",
    "Impact",
    "ImportCost",
    "ImportTimes",
    "Interval",
    "Knee",
    "KneeStep",
    "LeakResult",
    "LeakSite",
    "LeakState",
    "LoadJudgement",
    "LoadObjective",
    "LoadResult",
    "LoadSecond",
    "LoadStage",
    "LoadStatistic",
    "PathShare",
    "PeakMemory",
    "Profile",
    "Reach",
    "Reached",
    "Report",
    "Revision",
    "Run",
    "RunShard",
    "Sample",
    "Series",
    "Shard",
    "Shift",
    "Soak",
    "Status",
    "StepVerdict",
    "Summary",
    "Timing",
    "Touched",
    "Unit",
    "Verdict",
    "WaiverResult",
    "WaiverState",
]
