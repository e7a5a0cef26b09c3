import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.stats import quantile_interval

processes = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), min_size=3, max_size=6)


@settings(max_examples=5)
@given(processes, st.floats(0, 1), st.randoms(use_true_random=False))
def test_it_holds_its_estimate_and_stays_within_the_values(
    values: list[list[float]], quantile: float, order: random.Random
) -> None:
    found = quantile_interval(values, quantile)
    everything = [value for process in values for value in process]
    assert min(everything) - 1e-6 <= found.low <= found.estimate
    assert found.estimate <= found.high <= max(everything) + 1e-6
    assert found == quantile_interval(values, quantile)
    order.shuffle(values)
    assert quantile_interval(values, quantile).estimate == pytest.approx(found.estimate)


def test_values_of_one_process_do_not_count_as_independent() -> None:
    generator = random.Random(1)
    levels = [generator.gauss(10, 1) for _ in range(8)]
    clustered = [[level + generator.gauss(0, 0.01) for _ in range(20)] for level in levels]
    mixed = [[value] for process in clustered for value in process]
    wide, narrow = quantile_interval(clustered, 0.5), quantile_interval(mixed, 0.5)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@pytest.mark.parametrize("count", [1, 2])
def test_with_few_processes_nothing_is_known(count: int) -> None:
    found = quantile_interval([[1.0, 2.0, 3.0]] * count, 0.5)
    assert (found.low, found.estimate, found.high) == (-math.inf, 2.0, math.inf)


@pytest.mark.parametrize("values", [[], [[]], [[1.0], []], [[1.0, math.nan]], [[math.inf]]])
def test_what_has_no_quantile(values: list[list[float]]) -> None:
    with pytest.raises(UsageError, match="a quantile needs"):
        quantile_interval(values, 0.5)
