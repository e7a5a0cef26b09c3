import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_telemetry import Recorded

from perfkit.runtime.batch import Batch
from perfkit.runtime.recorder import RECORDER, Recorder
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import StoreError
from perfkit.runtime.tracking import track
from perfkit.runtime.windows import Key
from perfkit.runtime.writing import MOST_BATCHES


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_049_600.5

    def __call__(self) -> float:
        return self.now


class Failing(Store):
    """A store that cannot be written while ``broken`` is set."""

    broken = False

    def add(self, batch: Batch) -> None:
        if self.broken:
            raise StoreError(f"{self.path}: no room")
        super().add(batch)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    clock = Clock()
    made = Recorder(lambda path, _: Failing(path, clock=clock), clock)
    made._run = lambda: None  # type: ignore[method-assign]  # the test is the thread
    made.start(tmp_path / "t.sqlite", "shop")
    yield made
    Failing.broken = False
    made.stop()


def counts(path: Path) -> dict[int, int]:
    with Store(path, read_only=True) as store:
        return {w.start - 1_700_049_600: w.count for w in store.events(resolution=1)}


def test_each_second_is_a_row_and_a_jumping_clock_loses_none(
    recorder: Recorder, tmp_path: Path
) -> None:
    for jump in (1, 1, -3600, 7200):
        recorder.event("tick")
        recorder._clock.now += jump
        recorder.tick()
    assert counts(tmp_path / "t.sqlite") == {0: 1, 1: 1, 2: 1, -3598: 1}


def test_what_cannot_be_written_waits_and_is_told_once(
    recorder: Recorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Failing.broken = True
    for _ in range(3):
        recorder.event("tick")
        recorder._clock.now += 1
        recorder.tick()
    assert [r.message for r in caplog.records] == [
        f"telemetry is not stored: {tmp_path / 't.sqlite'}: no room"
    ]
    assert recorder.trouble == f"{tmp_path / 't.sqlite'}: no room"
    Failing.broken = False
    recorder.tick()
    assert recorder.trouble is None
    assert counts(tmp_path / "t.sqlite") == {0: 1, 1: 1, 2: 1}


def test_a_store_that_is_away_for_long_costs_no_more_memory(recorder: Recorder) -> None:
    Failing.broken = True
    for _ in range(MOST_BATCHES + 10):
        recorder.event("tick")
        recorder._clock.now += 1
        recorder.tick()
    assert len(recorder.writing.waiting) == MOST_BATCHES
    Failing.broken = False
    recorder.tick()
    with Store(recorder.writing.path, read_only=True) as store:
        found = {e.name: 0 for e in store.events(resolution=3600)}
        for e in store.events(resolution=3600):
            found[e.name] += e.count
    assert found["runtime.lost"] >= 10
    assert found["tick"] == MOST_BATCHES - 1  # the second that tells of the loss takes one's place


@pytest.mark.parametrize("path", ["/proc/nowhere/t.sqlite", "/dev/null/t.sqlite"])
def test_a_place_that_takes_no_file_never_raises_into_the_application(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    recorder.start(path)
    recorder.event("tick")
    recorder.stop()
    told, lost = (record.getMessage() for record in caplog.records)
    assert path in told
    assert lost == "telemetry that could not be stored is lost at the end"


def test_a_disk_that_became_read_only_never_raises(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.event("tick")
    recorder.tick()
    recorder.writing.store._connection.execute("PRAGMA query_only = 1")
    recorder.event("tick")
    recorder.tick()
    assert "attempt to write a readonly database" in caplog.text
    recorder.writing.store._connection.execute("PRAGMA query_only = 0")


def test_a_bug_in_folding_never_raises(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder.collected, "drain", lambda _: 1 / 0)
    recorder.tick()
    assert "ZeroDivisionError" in caplog.text


def test_gauges_are_read_once_a_tick_and_may_fail(recorder: Recorder, tmp_path: Path) -> None:
    lengths = iter([3, 5])
    recorder.sample(Key("shop", "queue"), lambda: next(lengths))
    recorder.sample(Key("shop", "broken"), lambda: 1 / 0)
    recorder.tick()
    recorder.tick()
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        found = {v.name: v for v in store.values(resolution=3600)}
        (invalid,) = store.events(resolution=3600)
    assert (found["queue"].count, found["queue"].last) == (2, 5)
    assert "broken" not in found
    assert (invalid.name, invalid.count) == ("runtime.invalid_value", 2)
    assert found["process.rss_bytes"].component == "shop"
    assert 2**20 < found["process.rss_bytes"].last < 2**36


def test_a_fork_counts_its_own_calls_once(recorded: Recorded) -> None:
    call = track("call")(lambda: None)
    call()
    child = os.fork()
    if child == 0:
        call()
        call()
        RECORDER.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    call()
    assert recorded.outcomes() == {"call": (4, 0, 0)}


def _in_a_worker() -> None:
    with track("worker"):
        pass


def test_a_worker_of_multiprocessing_writes_before_it_ends(recorded: Recorded) -> None:
    worker = multiprocessing.get_context("fork").Process(target=_in_a_worker)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert recorded.outcomes() == {"worker": (1, 0, 0)}


def test_the_end_of_the_interpreter_writes_what_waits(tmp_path: Path) -> None:
    program = (
        "import sys, threading; from perfkit import runtime\n"
        "runtime.start(sys.argv[1])\n"
        "with runtime.track('last'): pass\n"
    )
    path = tmp_path / "t.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    with Store(path, read_only=True) as store:
        assert [w.name for w in store.windows(resolution=3600)] == ["last"]


def test_a_process_without_threads_left_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    recorder = Recorder()
    monkeypatch.setattr("threading.Thread.start", refuse)
    with caplog.at_level(logging.WARNING):
        recorder.start(tmp_path / "t.sqlite")
    recorder.event("tick")
    recorder.stop()
    assert "can't start new thread" in caplog.text
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        assert sum(e.count for e in store.events(resolution=3600)) == 1
