import numpy as np
import pytest

from perfkit.stats.drift import Ramp, join_ramps, separate_drifts, without_ramps
from perfkit.stats.noise import estimate_noise
from perfkit.stats.pruning import Rule, settle
from perfkit.stats.segmentation import candidates

RULE = Rule(threshold=4.3, min_effect=0.01, superiority=0.7, linear=False)


def test_the_cuts_of_a_ramp_are_one_ramp_where_it_is() -> None:
    rng = np.random.default_rng(1)
    x = 0.02 * rng.normal(size=300) + np.clip(np.arange(300) - 100, 0, 100) * 0.003
    noise = estimate_noise(x)
    splits = settle(x, candidates(x, noise, 4.3), noise, RULE)
    found = separate_drifts(x, splits, noise, moving=False)
    assert found.steps == []
    ramp = max(found.fitted, key=lambda ramp: ramp.after - ramp.before)
    assert 70 <= ramp.start <= 130
    assert 170 <= ramp.end <= 230
    assert ramp.after - ramp.before == pytest.approx(0.3, abs=0.06)


def test_the_cuts_of_a_staircase_stay_steps() -> None:
    rng = np.random.default_rng(2)
    x = 0.02 * rng.normal(size=300) + 0.1 * (np.arange(300) // 100)
    noise = estimate_noise(x)
    splits = settle(x, candidates(x, noise, 4.3), noise, RULE)
    found = separate_drifts(x, splits, noise, moving=False)
    assert [abs(split.index - at) <= 2 for split, at in zip(found.steps, (100, 200), strict=True)]
    assert found.fitted == found.wandering == []


def ramp(start: int, end: int, rise: float) -> Ramp:
    return Ramp(start, end, 0.0, rise, 5.0, 0.9)


def test_taking_a_ramp_out_leaves_the_level_before_it() -> None:
    x = np.clip((np.arange(100) + 0.5 - 20) / 50, 0, 1)
    assert without_ramps(x, [ramp(20, 70, 1.0)]) == pytest.approx(np.zeros(100))


def test_drifts_in_one_direction_join_where_they_touch() -> None:
    joined = join_ramps([ramp(50, 90, 0.2), ramp(10, 60, 0.1), ramp(80, 120, -0.3)])
    assert [(r.start, r.end) for r in joined] == [(10, 90), (80, 120)]
    assert len(join_ramps([ramp(0, 10, 0.1), ramp(20, 30, 0.1)])) == 2
