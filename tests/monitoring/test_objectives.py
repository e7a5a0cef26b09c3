import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import ExitCode, UsageError
from perfkit.monitoring.objectives import State, assess, exit_code


def test_three_nines_need_2995_calls_without_a_bad_one() -> None:
    # The smallest n with 0.999 ** n <= 0.05: at the limit, so clean a record has 5 % at most.
    assert 0.999**2995 <= 0.05 < 0.999**2994
    before, after = assess(2994, 0, 0.999), assess(2995, 0, 0.999)
    assert (before.state, after.state) == (State.INCONCLUSIVE, State.MET)
    assert before.needed == after.needed == 2995
    assert after.good is not None
    assert 0.999 <= after.good.low < after.good.high == 1


def test_the_budget_is_what_the_target_allows_for_these_calls() -> None:
    found = assess(10_000, 25, 0.999)
    assert found.budget == pytest.approx(10)
    assert found.burn == pytest.approx(2.5)
    assert found.budget_left == pytest.approx(-1.5)
    assert found.state is State.EXCEEDED


def test_no_call_is_no_data_and_no_number_stands_for_it() -> None:
    found = assess(0, 0, 0.99)
    assert found.state is State.NO_DATA
    assert found.good is found.burn is found.budget_left is None


def test_one_failure_of_few_calls_is_inconclusive_although_the_budget_is_overspent() -> None:
    found = assess(100, 1, 0.999)
    assert found.state is State.INCONCLUSIVE
    assert found.budget_left is not None
    assert found.budget_left < 0


@pytest.mark.parametrize(
    ("total", "bad", "target"), [(1, 2, 0.9), (1, -1, 0.9), (1, 0, 1), (1, 0, 0)]
)
def test_what_cannot_be_is_a_usage_error(total: int, bad: int, target: float) -> None:
    with pytest.raises(UsageError, match="wanted"):
        assess(total, bad, target)


@given(
    total=st.integers(1, 5000),
    share=st.floats(0, 1),
    target=st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_more_failures_never_make_it_better(total: int, share: float, target: float) -> None:
    order = [State.MET, State.INCONCLUSIVE, State.EXCEEDED]
    bad = round(share * total)
    found = assess(total, bad, target)
    assert found.good is not None
    assert found.good.low <= 1 - bad / total <= found.good.high
    if bad < total:
        assert order.index(found.state) <= order.index(assess(total, bad + 1, target).state)
    # A claim is never against what was seen.
    assert found.state is not State.MET or bad / total <= 1 - target
    assert found.state is not State.EXCEEDED or bad / total >= 1 - target


@pytest.mark.parametrize(
    ("states", "strict", "code"),
    [
        ([State.MET], False, ExitCode.PASSED),
        ([State.MET, State.INCONCLUSIVE], False, ExitCode.PASSED),
        ([State.MET, State.INCONCLUSIVE], True, ExitCode.INCONCLUSIVE),
        ([State.NO_DATA, State.INCONCLUSIVE], True, ExitCode.MEASUREMENT),
        ([State.NO_DATA, State.EXCEEDED], False, ExitCode.FAILED),
        ([], False, ExitCode.MEASUREMENT),
    ],
)
def test_the_worst_answer_decides(states: list[State], strict: bool, code: ExitCode) -> None:
    assert exit_code(states, strict=strict) is code
