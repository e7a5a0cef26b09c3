"""The two-sample rules that people use today, each from its own source, as functions of batches.

A rule takes log times of base and head, shape (comparisons, rounds) each, and says for every
comparison whether head regressed (1), improved (-1) or neither (0).
"""

from collections.abc import Callable

import numpy as np
from asv.commands.compare import _is_result_better
from asv_runner.statistics import compute_stats
from scipy import stats

from perfkit.model import Verdict
from perfkit.stats import compare_samples

Array = np.ndarray
Rule = Callable[[Array, Array], Array]

SIGN = {Verdict.REGRESSED: 1, Verdict.IMPROVED: -1}

ASV_FACTOR = 1.1


def perfkit(floor: float) -> Rule:
    """Return perfkit's fixed comparison of interleaved rounds at alpha 0.01."""

    def rule(base: Array, head: Array) -> Array:
        return np.array(
            [
                SIGN.get(compare_samples(before, after, floor=floor).verdict, 0)
                for before, after in zip(np.exp(base), np.exp(head), strict=True)
            ]
        )

    return rule


def asv_compare(base: Array, head: Array) -> Array:
    """``asv compare`` at its default factor, by asv's own functions."""
    found = np.zeros(len(base), dtype=int)
    shifts = np.median(head, axis=1) - np.median(base, axis=1)
    # asv wants the factor as well as the test; where the factor is not met, the test is not run.
    for index in np.flatnonzero(np.abs(shifts) > np.log(ASV_FACTOR) - 1e-9):
        sides = []
        for side in (base[index], head[index]):
            samples = np.exp(side).tolist()
            value, summary = compute_stats(samples, 1)
            sides.append((value, (summary, samples)))
        (before, before_stats), (after, after_stats) = sides
        if _is_result_better(before, after, before_stats, after_stats, ASV_FACTOR):
            found[index] = 1
        elif _is_result_better(after, before, after_stats, before_stats, ASV_FACTOR):
            found[index] = -1
    return found


def mann_whitney(alpha: float, floor: float) -> Rule:
    """The Mann-Whitney U test; benchstat's default is alpha 0.05 and any size of change."""

    def rule(base: Array, head: Array) -> Array:
        p = stats.mannwhitneyu(base, head, axis=1, method="asymptotic").pvalue
        shift = np.median(head, axis=1) - np.median(base, axis=1)
        return _beyond(shift, p, alpha, floor)

    return rule


def welch(alpha: float, floor: float) -> Rule:
    """Welch's t-test on logarithms."""

    def rule(base: Array, head: Array) -> Array:
        p = stats.ttest_ind(head, base, axis=1, equal_var=False).pvalue
        return _beyond(head.mean(axis=1) - base.mean(axis=1), p, alpha, floor)

    return rule


def _beyond(shift: Array, p: Array, alpha: float, floor: float) -> Array:
    return np.where((p < alpha) & (np.abs(shift) >= np.log1p(floor)), np.sign(shift), 0).astype(int)


RULES: dict[str, Rule] = {
    "perfkit": perfkit(0.05),
    "perfkit, floor 0": perfkit(0.0),
    "asv compare": asv_compare,
    "benchstat": mann_whitney(0.05, 0.0),
    "Welch": welch(0.05, 0.0),
    "MW .01, floor 5 %": mann_whitney(0.01, 0.05),
    "Welch .01, floor 5 %": welch(0.01, 0.05),
}
