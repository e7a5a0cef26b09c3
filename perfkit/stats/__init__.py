"""Numbers in, verdicts out: numpy and scipy only, no files, no clock, deterministic."""

from perfkit.stats.multiplicity import SuiteVerdict, adjust, judge_suite, needs_confirmation
from perfkit.stats.noise_floor import NoiseFloor, calibrate_history, calibrate_rounds
from perfkit.stats.quantiles import compare_quantiles
from perfkit.stats.sequential import SequentialComparison
from perfkit.stats.two_sample import compare_samples

__all__ = [
    "NoiseFloor",
    "SequentialComparison",
    "SuiteVerdict",
    "adjust",
    "calibrate_history",
    "calibrate_rounds",
    "compare_quantiles",
    "compare_samples",
    "judge_suite",
    "needs_confirmation",
]
