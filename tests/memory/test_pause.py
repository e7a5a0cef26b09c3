"""Waiting for a memory record: on a clock of its own, and what the kernel tells of threads."""

import itertools
import sys
import threading
import time

import pytest

from perfkit.memory.pause import FIXED_SECONDS, LAST_TURNS, TURNS, pause, sleeps_of, threads


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def slept(self) -> float:
        return self.now - 100


@pytest.mark.parametrize(("last", "turns"), [(False, TURNS), (True, LAST_TURNS)])
def test_a_mark_lasts_until_the_thread_slept_often_enough(*, last: bool, turns: int) -> None:
    clock, asked = Clock(), itertools.count(7)
    pause(lambda: next(asked), last=last, clock=clock.time, sleep=clock.sleep)
    assert next(asked) == 7 + turns + 1


@pytest.mark.parametrize(("last", "seconds"), [(False, 1), (True, 10)])
def test_a_thread_that_does_not_run_is_not_waited_for_without_end(
    *, last: bool, seconds: float
) -> None:
    clock = Clock()
    pause(lambda: 3, last=last, clock=clock.time, sleep=clock.sleep)
    assert clock.slept == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize(("last", "times"), [(False, 1), (True, 10)])
def test_where_the_kernel_does_not_tell_a_mark_has_its_time(*, last: bool, times: int) -> None:
    clock = Clock()
    pause(None, last=last, clock=clock.time, sleep=clock.sleep)
    assert clock.slept == pytest.approx(FIXED_SECONDS * times)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_kernel_counts_the_sleeps_of_this_thread() -> None:
    thread = str(threading.get_native_id())
    assert thread in threads()
    before = sleeps_of(thread)
    time.sleep(0.001)
    assert sleeps_of(thread) > before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_thread_that_there_is_not_is_no_zero() -> None:
    with pytest.raises(OSError, match="No such file"):
        sleeps_of("0")
