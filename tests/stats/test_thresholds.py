import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.stats.threshold_table import ALPHAS, LENGTHS, QUANTILES, RHOS
from perfkit.stats.thresholds import critical_value, p_value


def test_the_table_is_returned_at_its_own_points() -> None:
    for i, n in enumerate(LENGTHS):
        for j, rho in enumerate(RHOS):
            for k, alpha in enumerate(ALPHAS):
                assert critical_value(n, rho, alpha) == pytest.approx(QUANTILES[i][j][k])


@given(
    n=st.integers(6, 200_000),
    rho=st.floats(0, 0.9),
    alpha=st.floats(1e-9, 0.1),
    share=st.floats(0.01, 0.9),
)
def test_less_chance_asks_for_more(n: int, rho: float, alpha: float, share: float) -> None:
    assert critical_value(n, rho, alpha * share) > critical_value(n, rho, alpha)


@given(n=st.integers(6, 200_000), rho=st.floats(0, 0.9), alpha=st.floats(1e-9, 0.19))
def test_the_p_value_of_a_critical_value_is_its_alpha(n: int, rho: float, alpha: float) -> None:
    value = critical_value(n, rho, alpha)
    if value > critical_value(n, rho, 0.2):
        assert p_value(value, n, rho) == pytest.approx(alpha, rel=1e-6)


def test_ten_times_the_length_is_ten_times_the_chance() -> None:
    n = LENGTHS[-1]
    assert critical_value(10 * n, 0.1, 0.01) == pytest.approx(critical_value(n, 0.1, 0.001))
    assert math.isclose(p_value(6, 10 * n, 0.1), 10 * p_value(6, n, 0.1))
