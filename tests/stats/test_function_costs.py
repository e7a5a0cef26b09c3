"""Planted and absent differences between sampled profiles."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.stats import compare_costs
from perfkit.stats.function_costs import ALPHA, FEWEST_SESSIONS
from perfkit.stats.max_t import EXHAUSTIVE, SAMPLED, max_t, relabellings
from perfkit.stats.size_factors import size_factors

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "culprits"))
import simulated

sys.path.pop(0)


@pytest.mark.parametrize(
    ("sessions", "slowdown", "required"), [simulated.REQUIRED[0], simulated.REQUIRED[-1]]
)
def test_the_planted_function_comes_first(sessions: int, slowdown: float, required: float) -> None:
    assert simulated.rate(sessions, slowdown, trials=10, seed=3) >= required


def test_nobody_is_named_where_nothing_was_planted() -> None:
    # At most ALPHA of the trials; of 60, five would be a chance of 1 in 200.
    assert simulated.rate(5, 0.0, trials=60, seed=3) <= 4 / 60


def test_all_relabellings_are_looked_at_where_they_are_few_and_the_true_one_is_the_first() -> None:
    labels, everything = relabellings(5, 5, seed=0)
    assert everything
    assert len(labels) == len({tuple(row) for row in labels}) == 252
    assert labels[0].tolist() == [0.0] * 5 + [1.0] * 5
    assert set(labels.sum(axis=1)) == {5.0}
    labels, everything = relabellings(10, 10, seed=0)
    assert not everything
    assert len(labels) == SAMPLED + 1 < EXHAUSTIVE
    assert labels[0].tolist() == [0.0] * 10 + [1.0] * 10
    assert set(labels.sum(axis=1)) == {10.0}


@pytest.mark.parametrize(("sessions", "possible"), [(FEWEST_SESSIONS - 1, False), (5, True)])
def test_the_fewest_sessions_are_what_can_be_significant(sessions: int, possible: bool) -> None:
    apart = np.zeros((sessions, 1)), np.ones((sessions, 1))
    p_values, _ = max_t(*apart, np.full(1, 1e-6), seed=0)
    assert (p_values[0] <= ALPHA) == possible


def test_the_p_value_of_all_relabellings_counts_those_as_extreme() -> None:
    # By hand: of the 6 ways to choose two of 1, 2, 3, 4, two are as far apart as {1, 2}, {3, 4}.
    p_values, looked = max_t(
        np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]), np.zeros(1), seed=0
    )
    assert (p_values.tolist(), looked) == ([2 / 6], 6)


costs = st.lists(st.lists(st.floats(0.01, 10), min_size=8, max_size=8), min_size=4, max_size=4).map(
    np.array
)


@settings(max_examples=25)
@given(costs, st.lists(st.floats(0.1, 10), min_size=4, max_size=4).map(np.array))
def test_a_size_factor_takes_out_what_is_common_to_a_session(
    costs: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
    speeds: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> None:
    quantum = np.full(4, 1e-3)
    plain, references = size_factors(costs, quantum)
    scaled, again = size_factors(costs * speeds[:, None], quantum * speeds)
    assert references == pytest.approx(again)
    assert np.exp(np.log(plain).mean()) == pytest.approx(1)
    ratio = scaled / plain / speeds
    assert ratio == pytest.approx(np.full(4, ratio[0]))


def test_with_few_functions_the_time_per_call_is_compared_as_it_is() -> None:
    # All the time is in one function: its share cannot move, its time per call does.
    found = compare_costs(
        [[1.0], [1.1], [1.0], [0.9], [1.05]],
        [[1.5], [1.6], [1.5], [1.4], [1.55]],
        quantum_base=[0.001] * 5,
        quantum_head=[0.001] * 5,
    )
    assert found.named == (0,)
    assert found.speed == 1
    assert found.change == pytest.approx(0.5, abs=0.01)


def test_a_slow_machine_is_no_change_of_its_functions() -> None:
    generator = np.random.default_rng(5)
    base = 1 + 0.01 * generator.standard_normal((6, 9))
    head = 1.5 * (1 + 0.01 * generator.standard_normal((6, 9)))
    found = compare_costs(
        base.tolist(), head.tolist(), quantum_base=[0.01] * 6, quantum_head=[0.015] * 6
    )
    assert found.named == ()
    assert found.speed == pytest.approx(1.5, rel=0.02)


def test_new_and_vanished_functions_are_ranked_by_what_they_add() -> None:
    base = [[1.0, 0.5, 0.0, 0.3]] * 5
    head = [[1.0, 0.0, 0.4, 0.9]] * 5
    found = compare_costs(base, head, quantum_base=[0.01] * 5, quantum_head=[0.01] * 5)
    assert found.named == (3, 2, 1)
    assert found.base[1] == pytest.approx(0.5 / 1.8)
    assert sum(found.base) == pytest.approx(1)


def test_a_handful_of_samples_is_not_tested() -> None:
    base = [[1.0, 0.0]] * 5
    head = [[1.0, 0.0001]] * 5
    found = compare_costs(base, head, quantum_base=[0.01] * 5, quantum_head=[0.01] * 5)
    assert found.p_adjusted == (1.0, 1.0)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="found 1 and 2 sessions"):
        compare_costs([[1.0]], [[1.0]] * 2, quantum_base=[1.0], quantum_head=[1.0] * 2)
    with pytest.raises(UsageError, match="base hold no time"):
        compare_costs([[0.0]] * 2, [[1.0]] * 2, quantum_base=[1.0] * 2, quantum_head=[1.0] * 2)


def test_the_same_seed_gives_the_same_answer() -> None:
    generator = np.random.default_rng(1)
    base, head = generator.random((9, 6)).tolist(), generator.random((9, 6)).tolist()
    found = [
        compare_costs(base, head, quantum_base=[0.01] * 9, quantum_head=[0.01] * 9, seed=seed)
        for seed in (7, 7, 8)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]
