"""Frozen values that every part of perfkit speaks; standard library only, no tool, no clock.

A name is imported at its first use: making the classes of all modules costs 50 ms of a processor,
which each child process would spend again.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    # isort: off
    # It would give each `as`, which makes a name public, a line of its own.
    from perfkit.model.benchmark import BenchmarkId as BenchmarkId
    from perfkit.model.chaos import ChaosResult as ChaosResult, FaultEffect as FaultEffect
    from perfkit.model.commit import Commit as Commit
    from perfkit.model.culprit import (
        Culprit as Culprit,
        Difference as Difference,
        DifferenceNode as DifferenceNode,
    )
    from perfkit.model.drill import DrillResult as DrillResult
    from perfkit.model.environment import (
        Environment as Environment,
        EnvironmentDifference as EnvironmentDifference,
    )
    from perfkit.model.impact import (
        Impact as Impact,
        PathShare as PathShare,
        Reached as Reached,
        Touched as Touched,
    )
    from perfkit.model.imports import ImportCost as ImportCost, ImportTimes as ImportTimes
    from perfkit.model.load import (
        Knee as Knee,
        KneeStep as KneeStep,
        LoadJudgement as LoadJudgement,
        LoadObjective as LoadObjective,
        LoadResult as LoadResult,
        LoadSecond as LoadSecond,
        LoadStage as LoadStage,
        LoadStatistic as LoadStatistic,
        Soak as Soak,
        StepVerdict as StepVerdict,
    )
    from perfkit.model.memory import (
        AllocationChange as AllocationChange,
        Allocator as Allocator,
        PeakMemory as PeakMemory,
    )
    from perfkit.model.profile import (
        CallNode as CallNode,
        CallPath as CallPath,
        Function as Function,
        Hotspot as Hotspot,
        Profile as Profile,
        Reach as Reach,
        Timing as Timing,
    )
    from perfkit.model.report import (
        MOST_VALUES as MOST_VALUES,
        BudgetResult as BudgetResult,
        Comparison as Comparison,
        LeakResult as LeakResult,
        LeakSite as LeakSite,
        LeakState as LeakState,
        Report as Report,
        Revision as Revision,
        Shard as Shard,
        Summary as Summary,
    )
    from perfkit.model.run import Run as Run, RunShard as RunShard
    from perfkit.model.sample import Sample as Sample, Unit as Unit
    from perfkit.model.series import Series as Series
    from perfkit.model.shift import Interval as Interval, Shift as Shift, Verdict as Verdict
    from perfkit.model.waiver import WaiverResult as WaiverResult, WaiverState as WaiverState
    from perfkit.status import Status as Status

_NAMES: Final = {
    "perfkit.model.benchmark": ("BenchmarkId",),
    "perfkit.model.chaos": (
        "ChaosResult",
        "FaultEffect",
    ),
    "perfkit.model.commit": ("Commit",),
    "perfkit.model.culprit": (
        "Culprit",
        "Difference",
        "DifferenceNode",
    ),
    "perfkit.model.drill": ("DrillResult",),
    "perfkit.model.environment": (
        "Environment",
        "EnvironmentDifference",
    ),
    "perfkit.model.impact": (
        "Impact",
        "PathShare",
        "Reached",
        "Touched",
    ),
    "perfkit.model.imports": (
        "ImportCost",
        "ImportTimes",
    ),
    "perfkit.model.load": (
        "Knee",
        "KneeStep",
        "LoadJudgement",
        "LoadObjective",
        "LoadResult",
        "LoadSecond",
        "LoadStage",
        "LoadStatistic",
        "Soak",
        "StepVerdict",
    ),
    "perfkit.model.memory": (
        "AllocationChange",
        "Allocator",
        "PeakMemory",
    ),
    "perfkit.model.profile": (
        "CallNode",
        "CallPath",
        "Function",
        "Hotspot",
        "Profile",
        "Reach",
        "Timing",
    ),
    "perfkit.model.report": (
        "MOST_VALUES",
        "BudgetResult",
        "Comparison",
        "LeakResult",
        "LeakSite",
        "LeakState",
        "Report",
        "Revision",
        "Shard",
        "Summary",
    ),
    "perfkit.model.run": (
        "Run",
        "RunShard",
    ),
    "perfkit.model.sample": (
        "Sample",
        "Unit",
    ),
    "perfkit.model.series": ("Series",),
    "perfkit.model.shift": (
        "Interval",
        "Shift",
        "Verdict",
    ),
    "perfkit.model.waiver": (
        "WaiverResult",
        "WaiverState",
    ),
    "perfkit.status": ("Status",),
}
"""The names of each module."""
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever it is
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
