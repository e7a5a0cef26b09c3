"""Numbers in, verdicts out: numpy and scipy only, no files, no clock, deterministic."""

from perfkit.stats.multiplicity import SuiteVerdict, adjust, judge_suite, needs_confirmation
from perfkit.stats.quantile_interval import quantile_interval
from perfkit.stats.sequential import SequentialComparison
from perfkit.stats.sides import per_process
from perfkit.stats.two_sample import compare_samples

__all__ = [
    "SequentialComparison",
    "SuiteVerdict",
    "adjust",
    "compare_samples",
    "judge_suite",
    "needs_confirmation",
    "per_process",
    "quantile_interval",
]
