import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.machine.load import CpuTime, read_cpu_time, used_by_others

STAT = """\
cpu  999 999 999 999 999 999 999 999 999 999
cpu0 100 10 20 7000 500 1 2 3 40 5
cpu1 200 0 0 7000 0
cpu12 4000 0 0 7000 0 0 0 0 0 0
intr 12345 0
ctxt 99
"""


def test_busy_time_leaves_out_idle_waiting_and_guests(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "stat").write_text(STAT)
    ticks = os.sysconf("SC_CLK_TCK")
    found = read_cpu_time({0, 1}, tmp_path)
    assert found is not None
    assert found.busy * ticks == pytest.approx(136 + 200)
    assert found.processors == 2
    every = read_cpu_time(None, tmp_path)
    assert every is not None
    assert (every.busy * ticks, every.processors) == (pytest.approx(4336), 3)
    assert read_cpu_time({7}, tmp_path) is None
    assert read_cpu_time(None, tmp_path / "absent") is None


def at(seconds: float, busy: float, own: float) -> CpuTime:
    return CpuTime(busy=busy, own=own, at=seconds, processors=2)


def test_own_time_is_not_load() -> None:
    start = at(10, busy=100, own=5)
    assert used_by_others(start, at(14, busy=108, own=13)) == 0  # both processors, all our own
    assert used_by_others(start, at(14, busy=106, own=7)) == 0.5
    assert used_by_others(start, at(14, busy=108, own=5)) == 1
    with pytest.raises(ValueError, match="no time"):
        used_by_others(start, start)


@given(st.floats(0.1, 100), st.floats(-10, 300), st.floats(-10, 300))
def test_the_share_is_a_share(seconds: float, busy: float, own: float) -> None:
    # Counters of finished children and of processors are not read at the same instant.
    share = used_by_others(at(0, 0, 0), at(seconds, busy, own))
    assert 0 <= share <= 1


def test_our_own_work_is_told_apart_from_that_of_others_on_this_machine() -> None:
    before = read_cpu_time()
    assert before is not None
    stop = time.process_time() + 0.3
    while time.process_time() < stop:
        pass
    after = read_cpu_time()
    assert after is not None
    assert after.own - before.own >= 0.28
    # Ticks of 10 ms per processor: what we burnt is in the processors' time too.
    assert after.busy - before.busy >= 0.3 - 0.01 * (after.processors + 1)
