import math

import numpy as np
import pytest

from perfkit.errors import UsageError
from perfkit.stats import calibrate_history, calibrate_rounds


def test_history_floor_is_the_outer_fence_of_neighbouring_ratios() -> None:
    ratios = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
    signs = [1, -1] * 4 + [1]
    series = np.exp(np.cumsum([0.0, *np.multiply(ratios, signs)]))
    floor = calibrate_history(series)
    assert floor.value == pytest.approx(math.expm1(0.07 + 3 * 0.04))
    assert floor.n == 9
    assert floor.provenance == "history: 9 neighbours, Q3 + 3 IQR"


def test_a_step_in_the_history_does_not_raise_the_floor() -> None:
    noise = np.exp(np.random.default_rng(1).normal(0, 0.01, 60))
    stepped = noise * np.where(np.arange(60) < 30, 1, 3)
    assert calibrate_history(stepped).value == pytest.approx(
        calibrate_history(noise).value, rel=0.1
    )


def test_gaps_break_neighbourhood() -> None:
    series = [1.0, 1.1] * 5 + [math.nan] + [5.0, 5.5] * 2
    assert calibrate_history(series).n == 12


def test_floor_of_rounds_shrinks_with_the_rounds_compared() -> None:
    base, head = np.exp(np.random.default_rng(2).normal(0, 0.02, (2, 40)))
    short, long = (calibrate_rounds(base, head, rounds=rounds) for rounds in (5, 20))
    # Normal noise: Q3 + 3 IQR of a half normal is 3.6 standard errors of the shift.
    assert long.value == pytest.approx(3.6 * 0.02 * math.sqrt(2 / 20), rel=0.35)
    assert short.value / long.value == pytest.approx(2, rel=0.35)
    assert long.provenance == "40 A/A rounds, Q3 + 3 IQR of shifts over 20"


def test_noise_common_to_a_round_does_not_count() -> None:
    random = np.random.default_rng(3)
    common = np.exp(random.normal(0, 0.3, 30))
    base, head = common * np.exp(random.normal(0, 0.01, (2, 30)))
    assert calibrate_rounds(base, head).value < 0.3


def test_the_same_rounds_give_the_same_floor() -> None:
    base, head = np.exp(np.random.default_rng(4).normal(0, 0.02, (2, 10)))
    assert calibrate_rounds(base, head) == calibrate_rounds(base, head)


@pytest.mark.parametrize("values", [[1.0] * 8, [1.0, math.nan] * 20])
def test_too_short_a_history_is_refused(values: list[float]) -> None:
    with pytest.raises(UsageError, match="wanted 8 to calibrate from"):
        calibrate_history(values)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf])
def test_a_history_without_logarithms_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="positive finite values"):
        calibrate_history([*[1.0] * 20, bad])


@pytest.mark.parametrize(
    ("base", "head", "words"),
    [
        ([1.0] * 7, [1.0] * 7, "7 A/A rounds; wanted 8"),
        ([1.0] * 9, [1.0] * 8, "found 9 and 8"),
        ([0.0] * 9, [1.0] * 9, "positive values"),
    ],
)
def test_rounds_that_cannot_calibrate_are_refused(
    base: list[float], head: list[float], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        calibrate_rounds(base, head)
