"""Numbers in, verdicts out: numpy and scipy only, no files, no clock, deterministic."""

from perfkit.stats.change_points import (
    ChangePoint,
    SeriesAnalysis,
    analyze_many,
    analyze_series,
    find_change_points,
)
from perfkit.stats.events import Event, Member, group_events
from perfkit.stats.function_costs import FunctionCosts, compare_costs
from perfkit.stats.multiplicity import SuiteVerdict, adjust, judge_suite, needs_confirmation
from perfkit.stats.noise_floor import NoiseFloor, calibrate_history, calibrate_rounds
from perfkit.stats.proportion import fewest_to_show, judge_share, share_interval
from perfkit.stats.quantile_interval import quantile_interval
from perfkit.stats.quantiles import compare_quantiles
from perfkit.stats.sequential import SequentialComparison
from perfkit.stats.sides import representatives
from perfkit.stats.suspects import Suspect, suspects
from perfkit.stats.trend import trend_p_value
from perfkit.stats.two_sample import compare_samples

__all__ = [
    "ChangePoint",
    "Event",
    "FunctionCosts",
    "Member",
    "NoiseFloor",
    "SequentialComparison",
    "SeriesAnalysis",
    "SuiteVerdict",
    "Suspect",
    "adjust",
    "analyze_many",
    "analyze_series",
    "calibrate_history",
    "calibrate_rounds",
    "compare_costs",
    "compare_quantiles",
    "compare_samples",
    "fewest_to_show",
    "find_change_points",
    "group_events",
    "judge_share",
    "judge_suite",
    "needs_confirmation",
    "quantile_interval",
    "representatives",
    "share_interval",
    "suspects",
    "trend_p_value",
]
