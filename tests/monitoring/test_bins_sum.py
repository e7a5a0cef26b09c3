import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.monitoring.bins_sum import BinsSum, Decoded
from perfkit.runtime.bins import Bins

INTERVALS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.sampled_from([1, 2, 70_000, 2**33])), max_size=8
    ),
    max_size=5,
)


@given(INTERVALS, st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_sum_has_the_quantiles_of_bins_that_are_merged(
    intervals: list[list[tuple[int, int]]], shares: list[float]
) -> None:
    merged, left, right = Bins(), BinsSum(), BinsSum()
    for index, interval in enumerate(intervals):
        bins = Bins()
        for nanoseconds, times in interval:
            bins.add(nanoseconds, times)
        merged.merge(bins)
        (left if index % 2 else right).add(Decoded(bins.to_bytes()))
    left.merge(right)
    wanted = [merged.quantile(share) for share in shares]
    assert left.quantiles(*shares) == [one for one in wanted if one is not None]


@pytest.mark.parametrize(
    "encoded", [b"", b"\x63", b"\x04\x00\x00", b"\x01\x00", b"\x02\x00\x00\x00"]
)
def test_what_is_no_bins_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="bins of an unknown format"):
        Decoded(encoded)


def test_a_bin_that_no_duration_has_is_refused() -> None:
    whole = BinsSum([Decoded(b"\x01\xff\xff\x01\x00")])
    with pytest.raises(ValueError, match="a bin of the number 65535"):
        whole.quantiles(0.5)
