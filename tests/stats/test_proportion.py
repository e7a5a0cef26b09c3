import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from perfkit.stats.proportion import fewest_to_show, judge_share, share_interval
from perfkit.status import Status


def counts() -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(1, 100_000).flatmap(
        lambda total: st.tuples(st.integers(0, total), st.just(total))
    )


@given(counts())
def test_the_interval_is_the_one_of_scipy(found: tuple[int, int]) -> None:
    failures, total = found
    interval = share_interval(failures, total)
    wanted = binomtest(total - failures, total).proportion_ci(0.9, method="wilson")
    assert interval.low == pytest.approx(wanted.low, abs=1e-9)
    assert interval.high == pytest.approx(wanted.high, abs=1e-9)


def test_three_nines_need_2995_requests_without_a_failure() -> None:
    assert fewest_to_show(0.999) == 2995 == math.ceil(math.log(0.05) / math.log(0.999))
    assert judge_share(0, 2995, 0.999) is Status.PASSED
    assert judge_share(0, 2994, 0.999) is Status.INCONCLUSIVE


@given(st.integers(0, 40), st.floats(0.5, 0.9999))
def test_the_fewest_is_where_the_answer_turns(failures: int, objective: float) -> None:
    fewest = fewest_to_show(objective, failures)
    assert fewest is not None
    assert judge_share(failures, fewest, objective) is Status.PASSED
    if fewest - 1 > failures:
        assert judge_share(failures, fewest - 1, objective) is not Status.PASSED


@given(counts(), st.floats(0.5, 0.9999))
def test_more_failures_never_look_better(found: tuple[int, int], objective: float) -> None:
    order = [Status.PASSED, Status.INCONCLUSIVE, Status.FAILED]
    failures, total = found
    now = order.index(judge_share(failures, total, objective))
    assert now <= order.index(judge_share(min(failures + 1, total), total, objective))


def test_an_objective_of_everything_is_missed_by_one_failure_and_never_shown() -> None:
    assert judge_share(1, 10**6, 1.0) is Status.FAILED
    assert judge_share(0, 10**6, 1.0) is Status.INCONCLUSIVE
    assert fewest_to_show(1.0) is None


def test_no_traffic_says_nothing() -> None:
    assert judge_share(0, 0, 0.5) is Status.INCONCLUSIVE
    with pytest.raises(ValueError, match="0 failures of 0"):
        share_interval(0, 0)


def test_one_failure_in_ten_says_little_about_three_nines_and_much_in_a_thousand() -> None:
    assert judge_share(1, 10, 0.999) is Status.FAILED
    assert judge_share(1, 1000, 0.999) is Status.INCONCLUSIVE
    assert judge_share(10, 1000, 0.999) is Status.FAILED
