from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.model import LoadObjective, LoadStatistic, Status
from perfkit.reliability.arrivals import Floats, Stage
from perfkit.reliability.judge import judge_load, order_interval, status_of
from perfkit.reliability.record import LoadRecord, Outcome, quantile_with_failures
from perfkit.reliability.summary import summarize


def record(
    latency: Floats, *, lag: float = 0.0, failed: int = 0, seconds: float = 60.0
) -> LoadRecord:
    count = len(latency)
    due = np.arange(count) * seconds / count
    outcome = np.full(count, Outcome.OK, dtype=np.int8)
    # Spread over the load, as failures of their own would be.
    outcome[np.linspace(0, count - 1, failed, dtype=int)] = Outcome.ERROR
    done = np.where(outcome == Outcome.OK, due + latency, np.nan)
    return LoadRecord(
        due=due,
        sent=due + lag,
        done=done,
        ended=due + latency,
        outcome=outcome,
        stage=np.zeros(count, dtype=np.int64),
        stages=(Stage("hold", seconds, count / seconds, count / seconds),),
        errors={"HTTP 500": failed} if failed else {},
        seconds=seconds,
        cpu_seconds=1.0,
    )


def status(found: LoadRecord, statistic: LoadStatistic, limit: float) -> Status:
    return judge_load(found, [LoadObjective(statistic, limit)])[0].status


def noise(count: int = 6000) -> Floats:
    return np.random.default_rng(1).exponential(0.1, count)


def test_a_limit_far_above_is_kept_and_one_far_below_exceeded() -> None:
    assert status(record(noise()), "p99", 1.0) is Status.PASSED
    assert status(record(noise()), "p99", 0.1) is Status.FAILED
    # The 0.99 quantile of this distribution is 0.1 * ln 100 = 0.46 s.
    assert status(record(noise()), "p99", 0.4605) is Status.INCONCLUSIVE


def test_few_requests_cannot_show_a_tail() -> None:
    found = judge_load(record(noise(50)), [LoadObjective("p99", 5.0)])[0]
    assert found.status is Status.INCONCLUSIVE
    assert found.reason == "50 requests are too few to tell: the limit lies within the interval"


def test_a_stall_in_one_second_of_many_is_in_the_interval() -> None:
    latency = np.full(6000, 0.01)
    latency[3000:3040] = 3.0
    found = judge_load(record(latency), [LoadObjective("p99", 1.0)])[0]
    assert found.measured is not None
    assert found.measured.estimate == pytest.approx(0.01)
    assert found.measured.high == pytest.approx(3.0)
    assert found.status is Status.INCONCLUSIVE


def test_failures_are_slower_than_any_answer() -> None:
    found = record(np.full(1000, 0.01), failed=20)
    assert status(found, "p99", 100.0) is Status.FAILED
    assert status(found, "p95", 1.0) is Status.PASSED


def test_what_the_generator_itself_was_late_by_is_not_the_servers() -> None:
    latency = np.full(6000, 2.0)
    assert status(record(latency, lag=1.9), "p99", 1.0) is Status.INCONCLUSIVE
    assert status(record(latency, lag=0.5), "p99", 1.0) is Status.FAILED


def test_a_late_generator_cannot_show_that_a_limit_is_kept() -> None:
    found = judge_load(record(np.full(6000, 0.02), lag=0.01), [LoadObjective("p99", 1.0)])[0]
    assert found.status is Status.INCONCLUSIVE
    assert found.reason == "the generator was 10 ms late (p99), so the rate was not the planned"


def stalled(*, answered_in: float = 0.02, errors: int = 0, told: bool = True) -> LoadRecord:
    """A generator that stands still for 2 of 12 s, at 500 requests a second.

    Of the burst that was due meanwhile 100 are sent late, and the rest is missed, as so many may
    not wait at once. ``told`` is whether it is known when they were missed.
    """
    whole = record(np.full(6000, answered_in), seconds=12.0)
    burst = (whole.due >= 5.0) & (whole.due < 7.0)
    sent = np.where(burst, 7.0, whole.due)
    outcome = whole.outcome.copy()
    outcome[np.flatnonzero(burst)[100:]] = Outcome.MISSED
    outcome[np.linspace(0, 2000, errors, dtype=int)] = Outcome.ERROR
    missed, answered = outcome == Outcome.MISSED, outcome == Outcome.OK
    ended = np.where(missed & (not told), whole.due, sent + answered_in * ~missed)
    return replace(
        whole,
        sent=np.where(missed, np.nan, sent),
        done=np.where(answered, sent + answered_in, np.nan),
        ended=ended,
        outcome=outcome,
    )


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("statistic", "limit"), [("availability", 0.9), ("p95", 1.0), ("p99", 1.0), ("max", 3.0)]
)
def test_what_a_standing_generator_did_not_send_is_not_the_servers(
    statistic: LoadStatistic, limit: float, *, told: bool
) -> None:
    found = judge_load(stalled(told=told), [LoadObjective(statistic, limit)])[0]
    assert found.status is Status.INCONCLUSIVE
    assert "and 900 requests were not sent meanwhile, which explains it" in found.reason


@pytest.mark.parametrize("told", [True, False])
def test_what_the_server_did_itself_is_not_excused_by_the_generator(*, told: bool) -> None:
    # Without the 900 that were missed, 10 % failed; every answer took 2 s by itself.
    assert status(stalled(errors=600, told=told), "availability", 0.95) is Status.FAILED
    assert status(stalled(errors=600, told=told), "p95", 1.0) is Status.FAILED
    assert status(stalled(answered_in=2.0, told=told), "p50", 1.0) is Status.FAILED


def test_what_a_punctual_generator_could_not_send_is_the_servers() -> None:
    whole = record(np.full(6000, 0.02))
    outcome = whole.outcome.copy()
    outcome[5000:] = Outcome.MISSED
    nothing = np.where(outcome == Outcome.MISSED, np.nan, whole.sent)
    ended = np.where(outcome == Outcome.MISSED, whole.due, whole.ended)
    full = replace(whole, outcome=outcome, sent=nothing, done=nothing + 0.02, ended=ended)
    assert status(full, "availability", 0.9) is Status.FAILED
    assert status(full, "p95", 1.0) is Status.FAILED


@pytest.mark.parametrize(
    ("count", "failed", "expected"),
    [
        (2994, 0, Status.INCONCLUSIVE),
        (2995, 0, Status.PASSED),
        (10_000, 30, Status.FAILED),
        (10_000, 10, Status.INCONCLUSIVE),
    ],
)
def test_three_nines_take_2995_requests(count: int, failed: int, expected: Status) -> None:
    assert status(record(np.full(count, 0.01), failed=failed), "availability", 0.999) is expected


def test_how_many_requests_would_tell_is_said() -> None:
    found = judge_load(record(np.full(100, 0.01)), [LoadObjective("availability", 0.999)])[0]
    assert found.reason == "100 requests are too few to tell: 2995 with as many failures would"
    found = judge_load(record(np.full(100, 0.01)), [LoadObjective("availability", 1.0)])[0]
    assert found.reason == "no number of requests shows that none ever fails"


@given(st.integers(1, 400), st.sampled_from([0.5, 0.95, 0.99, 1.0]), st.integers(0, 50))
def test_an_interval_holds_its_quantile(count: int, q: float, seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).lognormal(size=count))
    found = order_interval(values, q)
    assert found.low <= found.estimate <= found.high


def test_the_interval_of_a_quantile_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    true = -np.log(0.05)
    found = [order_interval(np.sort(rng.exponential(size=500)), 0.95) for _ in range(400)]
    assert np.mean([one.low <= true <= one.high for one in found]) == pytest.approx(0.95, abs=0.03)


def test_a_quantile_of_nothing_is_no_number() -> None:
    assert np.isnan(quantile_with_failures(np.empty(0), np.empty(0, dtype=bool), 0.5))


def test_without_objectives_nothing_fails_and_without_answers_nothing_passes() -> None:
    assert status_of([]) is Status.PASSED
    dead = record(np.full(10, 0.01), failed=10)
    assert summarize(dead, [], target="x", arrivals="constant").status is Status.ERROR
    late = judge_load(dead, [LoadObjective("p99", 1.0)])
    assert summarize(dead, late, target="x", arrivals="constant").status is Status.FAILED


def test_a_summary_counts_every_request_once() -> None:
    found = summarize(record(noise(), failed=6), [], target="x", arrivals="constant")
    assert sum(one.due for one in found.timeline) == sum(one.due for one in found.stages) == 6000
    assert sum(one.failed for one in found.timeline) == found.stages[0].failed == 6
    assert [q for q, _ in found.curve][-1] == 1.0
    assert [value for _, value in found.curve] == sorted(value for _, value in found.curve)
