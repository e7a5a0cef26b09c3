"""Servers of known capacity in virtual time: the whole ramp takes no time and is exact."""

import asyncio
import math

import numpy as np
import pytest

from perfkit.config.load_plan import LoadPlan
from perfkit.model import Knee, KneeStep, Status
from perfkit.reliability.arrivals import Stage
from perfkit.reliability.climb import Clocks, climb, judge_capacity
from perfkit.reliability.drive import LoadProgress, RequestFailedError, Sender
from perfkit.reliability.knee import NEAR_ENOUGH, Search, judge_step
from perfkit.reliability.load import objectives_of
from perfkit.reliability.record import LoadRecord, Outcome, joined
from tests.reliability.virtual_time import Workers, run_in_virtual_time


def plan(**given: object) -> LoadPlan:
    values = {"target": "x:y", "rate": "10/s", **given}
    return LoadPlan.model_validate(values)


def climbed(
    sender: Sender, settled: LoadPlan, *, stop_at: float = math.inf, late: float = 0.0
) -> tuple[LoadRecord, Knee]:
    async def whole() -> tuple[LoadRecord, Knee]:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def progress(now: LoadProgress) -> None:
            if now.seconds >= stop_at:
                stop.set()

        async def sleep(seconds: float) -> None:
            # A wait shorter than the clock's last digit would never end.
            await asyncio.sleep(max(seconds, late, 1e-9 if seconds > 0 else 0))

        clocks = Clocks(wall=loop.time, cpu=lambda: 0.0, sleep=sleep)
        return await climb(settled, sender, clocks, stop=stop, on_progress=progress)

    return run_in_virtual_time(whole())


@pytest.mark.parametrize("seed", range(10))
def test_the_knee_lies_within_a_tenth_of_the_capacity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    server = Workers(int(rng.integers(1, 5)), rng.uniform(0.02, 0.06), seed, vary=bool(seed % 2))
    _, knee = climbed(server, plan(seed=seed, arrivals=("constant", "poisson")[seed // 5]))
    assert knee.held is not None
    assert knee.not_held is not None
    assert knee.held == pytest.approx(server.capacity, rel=0.1)
    assert knee.held < knee.not_held <= knee.held * NEAR_ENOUGH
    assert knee.reason == ""
    assert max(step.answered_rate for step in knee.steps) <= server.capacity * 1.1


def test_the_search_goes_down_where_the_first_rate_is_too_much() -> None:
    server = Workers(1, 0.1)
    record, knee = climbed(server, plan(rate="100/s", arrivals="constant", timeout="60s"))
    assert knee.held == pytest.approx(10, rel=0.1)
    assert [stage.name for stage in record.stages][:2] == ["warm", "not held"]


def test_slow_answers_make_longer_steps() -> None:
    # A second each, 50 at once: the queue of a step of three seconds would only begin to fill.
    server = Workers(50, 1.0)
    _, knee = climbed(server, plan(arrivals="constant"))
    assert knee.held == pytest.approx(50, rel=0.1)


class Refusing:
    """Fails what comes while ``most`` others are served."""

    def __init__(self, most: int) -> None:
        self.most, self.served = most, 0

    async def send(self, index: int) -> None:
        del index
        if self.served >= self.most:
            raise RequestFailedError("HTTP 503")
        self.served += 1
        await asyncio.sleep(0.05)
        self.served -= 1


def test_a_server_that_refuses_does_not_hold() -> None:
    _, knee = climbed(Refusing(5), plan(arrivals="constant"))
    assert knee.held == pytest.approx(100, rel=0.1)
    assert "requests failed" in next(one.reason for one in knee.steps if one.verdict == "not held")


def test_a_wanted_latency_may_be_what_does_not_hold() -> None:
    # One worker, independent users: the 0.95 quantile is 3 / (50 - rate) seconds.
    server, wanted = Workers(1, 0.02, vary=True), 0.15
    _, knee = climbed(server, plan(p95=f"{wanted}s"))
    assert knee.held is not None
    assert abs(knee.held - (50 - 3 / wanted)) < 15  # a tail of some hundred requests
    assert any(step.reason == "p95 above 150 ms" for step in knee.steps)


def test_a_late_generator_leaves_the_knee_open() -> None:
    server = Workers(100, 0.01)
    _, knee = climbed(server, plan(arrivals="constant"), late=0.01)
    # Each send takes it 10 ms: 100 requests a second at most.
    assert knee.held == pytest.approx(100, rel=0.1)
    assert knee.not_held is None
    assert "the generator was too late to tell" in knee.reason
    assert judge_capacity(knee, 500).status is Status.INCONCLUSIVE
    assert judge_capacity(knee, 50).status is Status.PASSED


def test_time_and_requests_are_bounded() -> None:
    server = Workers(4, 0.01)
    record, knee = climbed(server, plan(most_requests=1000, arrivals="constant"))
    assert len(record.due) <= 1000
    assert knee.reason == "the next step would take it beyond 1000 requests"
    record, knee = climbed(server, plan(longest="10s", arrivals="constant"))
    assert record.seconds < 11
    assert knee.reason == "the next step would take it beyond 10 s (--longest)"


def test_an_interrupted_ramp_tells_what_it_found() -> None:
    record, knee = climbed(Workers(4, 0.01), plan(arrivals="constant"), stop_at=8)
    assert record.interrupted
    assert knee.reason == "it was interrupted"
    assert knee.held


def test_a_server_that_always_fails_holds_nothing() -> None:
    _, knee = climbed(Refusing(0), plan(arrivals="constant", longest="1h"))
    assert (knee.held, knee.reason) == (None, "not even 10/s held")


def test_the_capacity_is_judged_by_both_ends() -> None:
    knee = Knee(held=100.0, not_held=105.0, steps=())
    assert judge_capacity(knee, 100).status is Status.PASSED
    assert judge_capacity(knee, 105).status is Status.FAILED
    open_one = judge_capacity(knee, 102)
    assert open_one.status is Status.INCONCLUSIVE
    assert open_one.reason == "it lies between a rate that held and one that did not"


def step(rate: float, verdict: str, growth: float = 0.03) -> KneeStep:
    assert verdict in {"held", "not held", "late"}
    return KneeStep(rate=rate, verdict=verdict, reason="", growth=growth, answered_rate=rate)  # type: ignore[arg-type]


def test_near_the_capacity_two_of_three_decide() -> None:
    search = Search(100)
    search.note(step(100, "not held"))
    assert search.next_rate() == 100
    search.note(step(100, "held"))
    assert search.next_rate() == 100
    search.note(step(100, "held"))
    assert (search.held, search.next_rate()) == (100, 200)
    search.note(step(200, "not held", growth=0.5))
    assert (search.above, search.late) == (200, False)
    for _ in range(3):
        search.note(step(search.next_rate() or 0, "late"))
    assert search.late


def test_a_rate_that_held_by_luck_on_the_way_up_is_asked_again() -> None:
    search = Search(100)
    search.note(step(100, "held", growth=0))
    search.note(step(200, "held", growth=0))
    search.note(step(400, "not held", growth=1))
    while (rate := search.next_rate()) != 200:
        assert rate is not None
        search.note(step(rate, "not held", growth=1))
    search.note(step(200, "not held", growth=1))
    assert (search.held, search.above) == (100, 200)
    while (rate := search.next_rate()) is not None:
        search.note(step(rate, "held", growth=0))
    assert search.held == pytest.approx(200, rel=0.05)


def test_late_beyond_a_tenth_of_the_step_is_no_load() -> None:
    due = np.arange(100) / 50
    record = LoadRecord(
        due=due,
        sent=due + 0.3,
        done=due + 0.31,
        ended=due + 0.31,
        outcome=np.full(100, Outcome.OK, dtype=np.int8),
        stage=np.zeros(100, dtype=np.int64),
        stages=(Stage("step", 2, 50, 50),),
        errors={},
        seconds=2.31,
        cpu_seconds=0.0,
    )
    judged = judge_step(record, 50, objectives_of(plan()))
    assert (judged.step.verdict, judged.step.reason) == (
        "late",
        "the generator was 300 ms late (p99)",
    )
    assert joined([record, record]).due[100] == pytest.approx(2.31)
