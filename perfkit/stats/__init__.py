"""Numbers in, verdicts out: numpy and scipy only, no files, no clock, deterministic."""

from perfkit.stats.change_points import (
    ChangePoint,
    SeriesAnalysis,
    analyze_many,
    analyze_series,
    find_change_points,
)
from perfkit.stats.events import Event, Member, group_events
from perfkit.stats.suspects import Suspect, suspects

__all__ = [
    "ChangePoint",
    "Event",
    "Member",
    "SeriesAnalysis",
    "Suspect",
    "analyze_many",
    "analyze_series",
    "find_change_points",
    "group_events",
    "suspects",
]
