"""The trend test against scipy's Kendall, and its level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from perfkit.stats import trend_p_value

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=40)


@given(VALUES)
def test_order_and_not_size_decides(values: list[float]) -> None:
    ranks = np.searchsorted(np.unique(values), values)
    assert trend_p_value(values) == pytest.approx(trend_p_value(list(ranks)))
    assert trend_p_value(values) == pytest.approx(trend_p_value(values[::-1]))


def test_it_is_close_to_kendall_without_ties() -> None:
    generator = np.random.default_rng(1)
    for n in (10, 20, 40):
        values = generator.normal(size=n) + np.linspace(0, 1, n)
        exact = kendalltau(np.arange(n), values).pvalue
        assert trend_p_value(list(values)) == pytest.approx(exact, abs=0.03)


def test_noise_rarely_looks_like_a_trend_and_a_ramp_always_does() -> None:
    generator = np.random.default_rng(2)
    noise = [trend_p_value(list(generator.normal(size=12))) for _ in range(2000)]
    assert np.mean(np.array(noise) <= 0.01) <= 0.015
    ramps = [trend_p_value(list(generator.normal(size=12) + np.arange(12))) for _ in range(200)]
    assert np.mean(np.array(ramps) <= 0.01) > 0.95


def test_too_little_and_constant_say_nothing() -> None:
    assert trend_p_value([1.0, 2.0, 3.0]) == 1.0
    assert trend_p_value([5.0] * 20) == 1.0
