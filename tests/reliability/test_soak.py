"""Soaks of known slope: what rises, what stays, what cannot be told."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.model import LoadJudgement, Soak, Status
from perfkit.reliability.arrivals import Floats, Stage
from perfkit.reliability.record import LoadRecord, Outcome
from perfkit.reliability.resident import children_bytes, reading, resident_bytes
from perfkit.reliability.soak import Watched, judge_soak
from perfkit.stats.slope import slope_interval
from tests.reliability.virtual_time import run_in_virtual_time

MIB = 2.0**20
SECONDS = 600.0
WARM = 10.0


def record(latency: Floats, *, lag: Floats | float = 0.0, failed: int = 0) -> LoadRecord:
    count = len(latency)
    due = WARM + np.arange(count) * SECONDS / count
    outcome = np.full(count, Outcome.OK, dtype=np.int8)
    outcome[:failed] = Outcome.ERROR
    sent = due + lag
    done = np.where(outcome == Outcome.OK, sent + latency, np.nan)
    return LoadRecord(
        due=due,
        sent=sent,
        done=done,
        ended=sent + latency,
        outcome=outcome,
        stage=np.ones(count, dtype=np.int64),
        stages=(Stage("warm", WARM, 10, 10, judged=False), Stage("hold", SECONDS, 10, 10)),
        errors={},
        seconds=WARM + SECONDS,
        cpu_seconds=1.0,
    )


def noise(count: int = 6000, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).gamma(20, 0.1 / 20, count)


def memory(size: Callable[[float], float], seed: int = 0) -> Watched:
    rng = np.random.default_rng(seed)
    times = np.arange(0, WARM + SECONDS, 1.0)
    return Watched(
        "process 7",
        [(float(at), 50 * MIB + size(float(at)) + rng.integers(0, 3) * 4096) for at in times],
    )


STILL = memory(lambda _: 0.0)


def soaked(
    latency: Floats, watched: Watched = STILL, *, lag: Floats | float = 0.0, failed: int = 0
) -> tuple[Soak, LoadJudgement, LoadJudgement]:
    found, (in_time, in_memory) = judge_soak(
        record(latency, lag=lag, failed=failed), watched, p99_rise=0.2, memory_rise=8 * MIB
    )
    return found, in_time, in_memory


def test_what_stays_where_it_is_is_kept() -> None:
    soak, in_time, in_memory = soaked(noise())
    assert (in_time.status, in_memory.status) == (Status.PASSED, Status.PASSED)
    assert soak.p99_slope is not None
    assert soak.p99_slope.low < 0 < soak.p99_slope.high


def test_answers_that_get_slower_exceed_the_limit() -> None:
    _, in_time, _ = soaked(noise() * np.linspace(1, 1.6, 6000))
    assert in_time.status is Status.FAILED
    assert in_time.measured is not None
    # 60 % of the first p99 are 46 % of that in the middle.
    assert in_time.measured.low < 0.46 < in_time.measured.high


def test_a_generator_that_gets_later_is_not_the_servers() -> None:
    _, in_time, _ = soaked(noise(), lag=np.linspace(0, 0.1, 6000))
    assert in_time.status is Status.INCONCLUSIVE
    assert in_time.reason == "the generator got later and later, which explains it"


def test_few_requests_and_failed_ones_cannot_tell() -> None:
    _, few, _ = soaked(noise(200))
    assert few.reason == "200 requests are too few to tell: 240 may be enough"
    _, failing, _ = soaked(noise(), failed=20)
    assert failing.status is Status.INCONCLUSIVE
    assert "so many requests failed" in failing.reason


def test_a_leak_is_told_with_its_slope() -> None:
    soak, _, leaking = soaked(noise(), memory(lambda at: at * 100_000))
    assert leaking.status is Status.FAILED
    assert soak.memory_slope is not None
    assert soak.memory_slope.low <= 100_000 <= soak.memory_slope.high
    assert soak.memory_slope.estimate == pytest.approx(100_000, rel=0.02)


def test_a_leak_below_the_limit_is_kept() -> None:
    _, _, slow = soaked(noise(), memory(lambda at: at * 5_000))
    assert slow.status is Status.PASSED


def test_a_cache_that_fills_is_no_leak_yet() -> None:
    _, _, filling = soaked(noise(), memory(lambda at: 100 * MIB * (1 - np.exp(-at / 150))))
    assert filling.status is Status.INCONCLUSIVE
    assert filling.reason == "it rose at a falling slope, as a cache that fills does: soak longer"


def test_what_comes_in_one_jump_is_not_called_a_leak() -> None:
    _, _, jump = soaked(noise(), memory(lambda at: 20 * MIB if at > 400 else 0.0))
    assert jump.status is Status.INCONCLUSIVE


def test_memory_that_was_not_seen_is_no_pass() -> None:
    _, _, unseen = soaked(noise(), Watched("", (), "whose memory to watch is not known: --pid"))
    assert (unseen.status, unseen.reason) == (
        Status.INCONCLUSIVE,
        "whose memory to watch is not known: --pid",
    )
    kept = [one for one in STILL.memory if one[0] < 400]
    _, _, ended = soaked(noise(), Watched("process 7", kept, "process 7: it ended"))
    assert (ended.status, ended.reason) == (Status.INCONCLUSIVE, "process 7: it ended")


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30),
    st.floats(-100, 100),
    st.floats(0.1, 10),
)
@settings(max_examples=50)
def test_a_slope_lies_in_its_interval_and_follows_a_line_that_is_added(
    values: list[float], slope: float, step: float
) -> None:
    times = [index * step for index in range(len(values))]
    found = slope_interval(times, values)
    assert found.low <= found.estimate <= found.high
    tilted = [value + slope * at for value, at in zip(values, times, strict=True)]
    close = pytest.approx(found.estimate + slope, abs=1e-3)
    assert slope_interval(times, tilted).estimate == close


def test_memory_of_a_process_counts_what_it_started(tmp_path: Path) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    for number, pages, children in ((1, 10, "2 3 "), (2, 5, ""), (3, 7, "9")):
        task = tmp_path / str(number) / "task" / str(number)
        task.mkdir(parents=True)
        (tmp_path / str(number) / "statm").write_text(f"99 {pages} 1 1 0 1 0\n")
        (task / "children").write_text(children)
    # 9 has ended between two readings.
    assert resident_bytes(1, tmp_path) == 22 * page
    assert children_bytes(1, tmp_path) == 12 * page
    with pytest.raises(ProcessLookupError):
        children_bytes(2, tmp_path)
    with pytest.raises(FileNotFoundError):
        resident_bytes(4, tmp_path)
    assert resident_bytes(os.getpid()) > 2**20


def test_memory_is_read_on_a_schedule_until_it_cannot_be() -> None:
    left = [3.0, 2.0, 1.0]

    def read() -> float:
        if not left:
            raise ProcessLookupError(3, "No such process")
        return left.pop()

    async def whole() -> Watched:
        clock = asyncio.get_running_loop().time
        async with reading("process 7", read, seconds=600, clock=clock) as seen:
            await asyncio.sleep(10)
            return seen()

    assert run_in_virtual_time(whole()) == Watched(
        "process 7",
        ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0)),
        "process 7: memory could not be read: No such process",
    )
