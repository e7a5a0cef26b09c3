import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.runtime.bins import Bins, Bounds, bin_of, bounds_of

DURATIONS = st.integers(0, 2**50) | st.integers(0, 5000)


@given(DURATIONS)
def test_a_bin_holds_its_value_and_is_narrow(value: int) -> None:
    bounds = bounds_of(bin_of(value))
    assert bounds.low_ns <= value <= bounds.high_ns
    assert bounds.high_ns - bounds.low_ns <= bounds.low_ns / 32
    assert abs(bounds.middle_ns - value) <= value / 64


@given(st.integers(0, 2000))
def test_bins_follow_each_other_without_gap(number: int) -> None:
    assert bounds_of(number).high_ns + 1 == bounds_of(number + 1).low_ns
    assert bin_of(bounds_of(number).low_ns) == bin_of(bounds_of(number).high_ns) == number


@given(st.lists(DURATIONS, min_size=1), st.floats(0, 1))
def test_a_quantile_is_the_bin_of_the_nearest_rank(values: list[int], q: float) -> None:
    rank = max(1, -int(-q * len(values) // 1))  # ceil
    found = Bins(values).quantile(q)
    assert found == bounds_of(bin_of(sorted(values)[rank - 1]))


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_merging_is_counting_together(left: list[int], right: list[int]) -> None:
    both = Bins(left)
    both.merge(Bins(right))
    assert both == Bins(left + right)
    assert both.count == len(left) + len(right)


@given(st.lists(DURATIONS))
def test_bytes_bring_the_counts_back(values: list[int]) -> None:
    bins = Bins(values)
    assert Bins.from_bytes(bins.to_bytes()) == bins


def test_nothing_counted_has_no_quantile_and_a_share_is_wanted() -> None:
    assert Bins().quantile(0.5) is None
    assert Bins([7]).quantile(0) == Bounds(7, 7)
    with pytest.raises(ValueError, match="between 0 and 1, not 99"):
        Bins([7]).quantile(99)


def test_a_clock_that_went_back_counts_as_nothing() -> None:
    assert Bins([-5]).quantile(1) == Bounds(0, 0)


def test_what_lies_above_a_budget_is_counted_by_bin() -> None:
    assert Bins([10, 1000, 5000, 5000]).above(1000) == 2


@pytest.mark.parametrize("times", [1, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63])
def test_counts_of_any_size_come_back(times: int) -> None:
    bins = Bins()
    bins.add(5, times)
    bins.add(2**62)
    assert Bins.from_bytes(bins.to_bytes()) == bins


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "format 0, this reads"), (b"\x04", "format 4"), (b"\x01\x05", "within a count: 2")],
)
def test_bytes_that_are_not_whole_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Bins.from_bytes(data)
