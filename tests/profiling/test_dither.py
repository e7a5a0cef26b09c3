"""Samples of a call that is repeated within the interval meet all of its parts."""

import time
from collections import Counter

import pytest
from pyinstrument.stack_sampler import get_stack_sampler

from perfkit.profiling.child import record
from perfkit.profiling.dither import LONGEST, SHORTEST, Dither
from perfkit.profiling.limits import Limits
from perfkit.profiling.packing import unpacked

INTERVAL = 0.001


def test_waits_are_within_their_bounds_and_of_the_mean_asked_for() -> None:
    dither = Dither(INTERVAL)
    waits = []
    for _ in range(400):
        with dither:
            waits.append(get_stack_sampler().current_sampling_interval)
    found = [wait for wait in waits if wait is not None]
    assert SHORTEST * INTERVAL <= min(found) < 0.3 * INTERVAL
    assert 1.7 * INTERVAL < max(found) <= LONGEST * INTERVAL
    # The standard deviation of the mean of 400 is 0.018 intervals.
    assert sum(found) / len(found) == pytest.approx(INTERVAL, rel=0.1)
    assert get_stack_sampler().current_sampling_interval is None


class Clock:
    """A clock that moves in the parts of the target only."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def first(self) -> None:
        self.now += 60e-6

    def second(self) -> None:
        self.now += 60e-6

    def third(self) -> None:
        self.now += 60e-6

    def target(self) -> None:
        self.first()
        self.second()
        self.third()


def shares(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    clock = Clock()
    monkeypatch.setattr(get_stack_sampler(), "timer_func", clock)
    session = unpacked(record(clock.target, limits, interval=INTERVAL)["session"])
    seconds: Counter[str] = Counter()
    for stack, length in session["frame_records"]:
        for frame in stack:
            seconds[frame.partition("\x00")[0]] += length
    whole = sum(length for _, length in session["frame_records"])
    return {name: seconds[name] / whole for name in ("first", "second", "third")}


def test_equal_parts_of_a_short_call_have_equal_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shares(Limits(calls=12_000, batch=1, seconds=30.0), monkeypatch)
    # 2 000 samples give a share of a third a standard error of 0.011.
    assert found == pytest.approx({"first": 1 / 3, "second": 1 / 3, "third": 1 / 3}, abs=0.05)


def test_without_other_waits_the_sampler_falls_into_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dither, "again", lambda _self: None)
    found = shares(Limits(calls=12_000, batch=1, seconds=30.0), monkeypatch)
    assert min(found.values()) < 0.1


def test_one_call_is_sampled_at_the_interval_itself() -> None:
    limits = Limits(calls=1, batch=1, seconds=30.0)
    session = unpacked(record(lambda: time.sleep(0.01), limits, interval=INTERVAL)["session"])
    assert session["min_interval"] == session["max_interval"] == INTERVAL
