import math

import numpy as np
import pytest
from scipy.signal import lfilter

from perfkit.stats.noise import estimate_noise


def normal(seed: int, n: int = 2000) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(size=n)


def test_scale_and_memory_of_independent_noise() -> None:
    noise = estimate_noise(normal(1))
    assert noise.sigma == pytest.approx(1, rel=0.05)
    assert noise.rho < 0.06
    assert noise.longrun >= noise.sigma


@pytest.mark.parametrize("rho", [0.3, 0.5])
def test_memory_of_an_autoregression(rho: float) -> None:
    x = lfilter([1], [1, -rho], normal(2, 20_000))
    noise = estimate_noise(x)
    assert noise.rho == pytest.approx(rho, abs=0.05)
    assert noise.longrun == pytest.approx(1 / (1 - rho), rel=0.15)


def test_strong_memory_is_seen_but_read_low() -> None:
    noise = estimate_noise(lfilter([1], [1, -0.8], normal(2, 20_000)))
    assert 0.65 < noise.rho < 0.8


def test_rare_steps_do_not_move_the_estimate() -> None:
    x = normal(3)
    stepped = x + 50 * (np.arange(2000) // 200 % 2)
    assert estimate_noise(stepped).sigma == pytest.approx(estimate_noise(x).sigma, rel=0.05)


def test_outliers_do_not_blow_the_estimate_up() -> None:
    x = normal(4)
    x[::50] += 1e6
    assert estimate_noise(x).sigma < 1.5


def test_two_modes_are_not_judged_by_one_of_them() -> None:
    x = 0.1 * normal(5) + 4 * (np.random.default_rng(6).random(2000) < 0.3)
    assert estimate_noise(x).sigma == pytest.approx(x.std(), rel=0.15)


def test_a_constant_has_no_noise() -> None:
    assert estimate_noise(np.ones(10)).sigma == 0


def test_mostly_tied_values_have_the_noise_of_their_grain() -> None:
    x = np.ones(100)
    x[::10] += 0.5
    x[50] += 0.5
    assert estimate_noise(x).sigma >= 0.5 / math.sqrt(12)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_few_values_are_enough_for_a_scale(n: int) -> None:
    assert estimate_noise(np.arange(n, dtype=float)).sigma > 0
