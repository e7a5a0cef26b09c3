import numpy as np
import pytest

from perfkit.stats.noise import Noise
from perfkit.stats.segmentation import SHORTEST, candidates, cusum, interval_lengths, strongest

STILL = Noise(1.0, 0.0)


def test_the_cusum_of_a_clean_step_is_its_standard_score() -> None:
    row = np.repeat([-1.0, 1.0], 20)[np.newaxis]
    statistic = cusum(row, STILL)[0]
    assert int(statistic.argmax()) + SHORTEST == 20
    assert statistic.max() == pytest.approx(2 * np.sqrt(20 * 20 / 40))


def test_one_outlier_counts_for_three_sigma_at_most() -> None:
    row = np.zeros((1, 40))
    row[0, 20] = 1e9
    assert cusum(row, STILL).max() < 3


@pytest.mark.parametrize("n", [6, 7, 8, 9, 63, 64, 65, 1500])
def test_intervals_reach_the_newest_points(n: int) -> None:
    x = np.zeros(n)
    x[-SHORTEST:] = 3.0
    assert strongest(x, STILL) >= 3 * np.sqrt(SHORTEST * (6 - SHORTEST) / 6) - 1e-9
    assert candidates(x, STILL, 3.0)[-1:] in ([n - SHORTEST], [])


def test_lengths_grow_to_the_series_and_stop_at_a_thousand() -> None:
    assert interval_lengths(5) == ()
    assert interval_lengths(6) == (6,)
    assert interval_lengths(100) == (8, 16, 32, 64, 100)
    assert max(interval_lengths(10**6)) == 1024


def test_each_step_proposes_a_candidate_nearby() -> None:
    x = np.repeat([0.0, 4.0, -4.0, 0.0], 50)
    found = candidates(x, STILL, 5.0)
    assert all(min(abs(place - near) for near in found) <= 3 for place in (50, 100, 150))


def test_of_equal_splits_the_earliest_is_taken() -> None:
    x = np.zeros(64)
    x[16:32] = 3.0
    assert candidates(x, STILL, 4.0) == candidates(x.copy(), STILL, 4.0)
