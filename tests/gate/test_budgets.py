from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.config.thresholds import Budget
from perfkit.gate.budgets import judge_budget, judged_on
from perfkit.gate.evidence import Evidence
from perfkit.model import BenchmarkId, BudgetResult, Sample, Status, Unit


def budget(limit: str | int, statistic: str = "median") -> Budget:
    return Budget.model_validate(
        {
            "name": "quick",
            "benchmark": "suite.x",
            "limit": limit,
            "statistic": statistic,
            "why": "a reader waits",
        }
    )


def sample(
    *processes: tuple[float, ...], unit: Unit = Unit.SECONDS, failure: str | None = None
) -> Sample:
    return Sample(
        benchmark=BenchmarkId("suite.x"),
        unit=unit,
        processes=processes,
        rounds=tuple(range(len(processes))),
        failure=failure,
    )


TENTH = tuple((0.1, 0.1, 0.1, 0.1) for _ in range(6))


def seen(result: BudgetResult) -> tuple[Status, str]:
    return result.status, result.reason


def test_kept_exceeded_and_across() -> None:
    kept = judge_budget(budget("200ms"), sample(*TENTH))
    assert seen(kept) == (Status.PASSED, "")
    assert (kept.name, kept.limit, kept.unit, kept.n, kept.why) == (
        "quick", 0.2, Unit.SECONDS, 24, "a reader waits"
    )  # fmt: skip
    assert kept.measured is not None
    assert kept.measured.estimate == 0.1
    assert seen(judge_budget(budget("100ms"), sample(*TENTH))) == (Status.PASSED, "")
    assert seen(judge_budget(budget("90ms"), sample(*TENTH))) == (Status.FAILED, "")
    spread = sample(*((value,) for value in (0.1, 0.2, 0.3, 0.1, 0.2, 0.3)))
    assert seen(judge_budget(budget("150ms"), spread)) == (
        Status.INCONCLUSIVE,
        "the interval reaches across the limit",
    )


def test_not_measured_is_an_error() -> None:
    for given_sample, reason in (
        (None, "not measured"),
        (sample(), "not measured"),
        (sample(failure="crashed"), "crashed"),
        (sample(*TENTH, failure="crashed later"), "crashed later"),
        (sample(*TENTH, unit=Unit.BYTES), "measures B, its limit is in s"),
    ):
        result = judge_budget(budget("1s"), given_sample)
        assert seen(result) == (Status.ERROR, reason)
        assert result.measured is None


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("limit", ["1s", "10ms"])
def test_too_few_processes_decide_nothing(count: int, limit: str) -> None:
    result = judge_budget(budget(limit), sample(*TENTH[:count]))
    assert seen(result) == (Status.INCONCLUSIVE, "too few processes for an interval")


def test_a_tail_needs_values() -> None:
    few = sample(*((0.1, 0.1, 0.1) for _ in range(6)))
    assert seen(judge_budget(budget("1s", "p95"), few)) == (
        Status.INCONCLUSIVE,
        "18 values cannot show a p95",
    )
    # What is seen above the limit needs no more values.
    assert judge_budget(budget("50ms", "p95"), few).status is Status.FAILED
    assert judge_budget(budget("1s", "p95"), sample(*TENTH)).status is Status.PASSED


def test_the_largest_value_is_a_fact() -> None:
    one = sample((0.1, 0.3))
    assert seen(judge_budget(budget("300ms", "max"), one)) == (Status.PASSED, "")
    assert seen(judge_budget(budget("299ms", "max"), one)) == (Status.FAILED, "")


@settings(max_examples=20)  # each one resamples 2000 times
@given(
    st.lists(
        st.lists(st.floats(1e-6, 10), min_size=1, max_size=5).map(tuple), min_size=1, max_size=6
    ),
    st.sampled_from(["median", "p95", "max"]),
    st.integers(1, 9_000),
)
def test_a_budget_is_kept_only_where_all_evidence_is_within(
    processes: list[tuple[float, ...]], statistic: str, limit: int
) -> None:
    result = judge_budget(budget(f"{limit}ms", statistic), sample(*processes))
    assert result.measured is not None
    match result.status:
        case Status.PASSED:
            assert result.measured.high <= result.limit
        case Status.FAILED:
            assert result.measured.low > result.limit
        case _:
            assert result.status is Status.INCONCLUSIVE
            assert result.reason


NAME = BenchmarkId("suite.x")


def peaks(rounds: int, size: float = 5.0) -> dict[BenchmarkId, Sample]:
    """Return memory by the benchmark that it was recorded beside."""
    one = sample(*(((size,),) * rounds), unit=Unit.BYTES)
    return {NAME: replace(one, benchmark=NAME.peak_memory)}


def test_budgets_read_the_newest_rounds_unless_they_were_cut_short() -> None:
    first, again = sample(*TENTH[:3]), sample(*TENTH)
    evidence = Evidence(base={}, head={NAME: first}, expected=frozenset({NAME}))
    assert judged_on(evidence, []) == {NAME: first}
    told = replace(evidence, base_again={}, head_again={NAME: again})
    assert judged_on(told, []) == {NAME: again}
    assert judged_on(replace(told, head_again={NAME: sample(*TENTH[:2])}), []) == {NAME: first}
    equal = sample(*(((0.2,),) * 3))
    assert judged_on(replace(told, head_again={NAME: equal}), []) == {NAME: equal}


def test_budgets_read_memory_without_base_and_however_small() -> None:
    new = Evidence(base={}, head={NAME: sample(*TENTH)}, expected=frozenset({NAME}))
    memory = NAME.peak_memory
    assert judged_on(new, [peaks(6)])[memory] == peaks(6)[NAME]
    # Of several sets of rounds the longest, and of those the last.
    assert judged_on(new, [peaks(3), peaks(6, 7), peaks(2)])[memory] == peaks(6, 7)[NAME]
    assert judged_on(new, [peaks(6), peaks(6, 7), {}])[memory] == peaks(6, 7)[NAME]
    # What stands in the evidence, such as memory judged on later rounds, is not another source.
    beside = replace(new, head={**new.head, memory: peaks(9)[NAME]})
    assert judged_on(beside, [peaks(6)])[memory] == peaks(6)[NAME]


def test_what_crashed_kept_no_memory_budget() -> None:
    crashed = Evidence(
        base={}, head={NAME: sample(*TENTH, failure="crashed")}, expected=frozenset({NAME})
    )
    found = judged_on(crashed, [peaks(6)])[NAME.peak_memory]
    assert found.failure == "crashed"
    assert judge_budget(budget("9B"), found).status is Status.ERROR
