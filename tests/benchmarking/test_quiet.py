"""Waiting for a quiet machine, with counters, sleep and patience all given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.benchmarking.quiet import STEP, Quiet, loaded, unwatched
from perfkit.machine.load import CpuTime


class Machine:
    """Two processors of which others use the next share whenever time passes."""

    def __init__(self, *shares: float) -> None:
        self.shares = list(shares)
        self.now, self.busy, self.own = 0.0, 0.0, 0.0
        self.said: list[str] = []
        self.slept: list[float] = []

    def read(self) -> CpuTime:
        return CpuTime(busy=self.busy, own=self.own, at=self.now, processors=2)

    def pass_(self, seconds: float) -> None:
        """Let time pass, in which we use one processor ourselves."""
        share = self.shares.pop(0) if len(self.shares) > 1 else self.shares[0]
        self.now += seconds
        self.own += seconds
        self.busy += seconds * (2 * share + 1)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_(seconds)

    def quiet(self, patience: float = 30.0) -> Quiet:
        return Quiet(read=self.read, sleep=self.sleep, patience=patience, say=self.said.append)


def test_a_quiet_machine_waits_for_nothing() -> None:
    machine = Machine(0.3)
    quiet = machine.quiet()
    quiet.wait()  # nothing is known yet
    machine.pass_(2)
    assert quiet.lap() == pytest.approx(0.3)
    quiet.wait()
    assert (machine.slept, machine.said) == ([], [])


def test_a_loaded_machine_is_waited_for_and_said() -> None:
    machine = Machine(0.9, 0.8, 0.7, 0.1)
    quiet = machine.quiet()
    machine.pass_(2)
    assert quiet.lap() == pytest.approx(0.9)
    quiet.wait()
    assert machine.slept == [STEP] * 3
    assert quiet.waited_seconds == 3
    assert machine.said == [
        "other programs use 90% of the processors; waiting up to 30 s, then measuring all the same",
        "measuring again after 3 s",
    ]
    quiet.wait()
    assert machine.slept == [STEP] * 3


@given(st.floats(0, 20), st.integers(1, 30))
def test_it_never_waits_longer_than_its_patience_all_in_all(patience: float, laps: int) -> None:
    machine = Machine(0.9)
    quiet = machine.quiet(patience)
    for _ in range(laps):
        machine.pass_(1)
        quiet.lap()
        quiet.wait()
    assert sum(machine.slept) == pytest.approx(patience)
    assert quiet.waited_seconds == pytest.approx(patience)
    assert len(machine.said) == (1 if patience else 0)  # and says so once


def test_the_last_share_holds_where_no_time_has_passed() -> None:
    machine = Machine(0.6)
    quiet = machine.quiet()
    assert quiet.lap() is None
    machine.pass_(2)
    assert quiet.lap() == quiet.lap() == pytest.approx(0.6)


def test_a_system_without_counters_is_not_waited_for() -> None:
    quiet = unwatched()
    assert quiet.lap() is None
    quiet.wait()
    assert not loaded(None)
    assert loaded(0.5)
    assert not loaded(0.49)
