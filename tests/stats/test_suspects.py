import numpy as np
import pytest
from numpy.typing import NDArray

from perfkit.errors import UsageError
from perfkit.stats import find_change_points, suspects


def history(seed: int, n: int = 100) -> NDArray[np.float64]:
    return np.exp(np.random.default_rng(seed).normal(0, 0.02, n))


def test_three_slow_values_at_the_end_are_a_suspect_with_their_size() -> None:
    values = history(1)
    values[-3:] *= 1.1
    (suspect,) = suspects(values)
    assert suspect.index == 97
    assert suspect.after / suspect.before == pytest.approx(1.1, rel=0.03)
    assert suspect.statistic > 3
    assert suspect.confirmations is not None


def test_a_still_history_has_no_suspect() -> None:
    assert [suspects(history(seed)) for seed in range(5)] == [[]] * 5


@pytest.mark.parametrize("alpha", [0.01, 0.2])
@pytest.mark.parametrize("factor", [1.2, 100.0, 0.01])
def test_a_single_outlier_as_the_last_point_is_not_even_a_suspect(
    factor: float, alpha: float
) -> None:
    values = history(2)
    values[-1] *= factor
    assert suspects(values, newest=1, alpha=alpha) == []


def test_a_two_point_burst_is_a_suspect_and_not_an_alarm() -> None:
    values = history(3)
    values[-2:] *= 3
    (suspect,) = suspects(values)
    assert suspect.index == 98
    assert suspect.confirmations is not None
    assert suspect.confirmations >= 1
    assert find_change_points(values) == []


def test_as_many_confirmations_as_asked_for_raise_the_alarm() -> None:
    values = history(4)
    values[-2:] *= 1.2
    (suspect,) = suspects(values)
    assert suspect.confirmations is not None
    confirmed = np.concatenate((values, [values[-1]] * suspect.confirmations))
    (change,) = find_change_points(confirmed)
    assert change.is_alarm
    assert abs(change.index - 98) <= 1


def test_gaps_count_in_the_index() -> None:
    values = history(5)
    values[10:15] = np.nan
    values[-3:] *= 1.2
    assert [suspect.index for suspect in suspects(values)] == [97]


def test_the_newest_are_held_against_the_present_level_and_not_an_older_one() -> None:
    values = history(6)
    values[50:] *= 1.5
    assert suspects(values) == []
    values[-3:] /= 1.5
    assert len(suspects(values)) == 1


def test_a_change_below_the_least_effect_is_no_suspect() -> None:
    values = history(7)
    values[-4:] *= 1.08
    assert suspects(values, min_effect=0.01)
    assert suspects(values, min_effect=0.2) == []


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 50, [1.0, 2.0, 3.0, 9.0]])
def test_constants_and_short_histories_have_no_suspects(values: list[float]) -> None:
    assert suspects(values) == []


def test_a_count_that_was_constant_and_moved_is_a_suspect() -> None:
    (suspect,) = suspects([1000] * 50 + [1200] * 2)
    assert (suspect.before, suspect.after) == (1000, 1200)


@pytest.mark.parametrize("newest", [0, 51])
def test_a_stretch_out_of_range_is_refused(newest: int) -> None:
    with pytest.raises(UsageError, match="newest"):
        suspects([1.0] * 100, newest=newest)


def test_suspects_of_change_free_histories_are_rare() -> None:
    """At alpha = 0.01 more than 12 of 500 have probability 0.002; the seed is fixed."""
    assert sum(bool(suspects(history(seed, 60))) for seed in range(500)) <= 12
