import math

from hypothesis import given
from hypothesis import strategies as st

from perfkit.reporting.sparkline import BLOCKS, sparkline


def test_examples() -> None:
    assert sparkline([]) == ""
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert sparkline([5, 5, 5]) == "▁▁▁"
    assert sparkline([1, math.nan, 2]) == "▁·█"
    assert sparkline([math.nan, math.inf]) == "··"
    assert sparkline([1, 1, 1, 9, 9, 9], width=2) == "▁█"
    assert sparkline([1.7e308, -1.7e308]) == "█▁"


@given(st.lists(st.floats(), max_size=80), st.integers(1, 40))
def test_it_is_as_long_as_it_may_be_and_reaches_both_ends(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    assert set(line) <= {*BLOCKS, "·"}
    assert set(line) <= {"·"} or BLOCKS[0] in line
