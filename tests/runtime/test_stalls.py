"""No call of the application waits for a store that another process holds, or for a slow gauge."""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from perfkit.runtime.bounds import Bounds
from perfkit.runtime.recorder import Recorder, open_bounded
from perfkit.runtime.store import ALL_TIME, Store
from perfkit.runtime.windows import Key

FAR = 30.0
"""Seconds after which a test fails rather than hangs."""


class Signal(threading.Event):
    """Tells that somebody waits for it; as long as nobody sets it, waiting takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)


class Holder:
    """Another process, as far as SQLite knows, in the middle of a write."""

    def __init__(self, path: Path) -> None:
        self._other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def __enter__(self) -> Self:
        self._other.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, *_: object) -> None:
        self._other.execute("ROLLBACK")
        self._other.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.sqlite"


@pytest.fixture
def recorder(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setattr("perfkit.runtime.writing.AGAIN_SECONDS", 0.001)
    made = Recorder()
    made._run = lambda: None  # type: ignore[method-assign]  # the test is the thread
    made.start(path, "shop")
    made.event("tick")
    made.tick()
    yield made
    made.stop()


def ticks(path: Path) -> int:
    with Store(path, read_only=True) as store:
        return sum(e.count for e in store.events("shop", "tick", resolution=ALL_TIME))


def in_a_thread(recorder: Recorder, signal: Signal) -> threading.Thread:
    """Let the recorder's thread be one of the test's, that ticks once."""
    thread = threading.Thread(target=recorder.tick, args=(signal,))
    recorder._thread, recorder._wake = thread, signal
    thread.start()
    return thread


def test_a_fork_does_not_wait_for_a_store_that_another_process_holds(
    recorder: Recorder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfkit.runtime.writing.AGAIN_SECONDS", FAR)
    monkeypatch.setattr("perfkit.runtime.recorder.PATIENCE_SECONDS", FAR)
    recorder.event("tick")
    signal = Signal()
    with Holder(path):
        thread = in_a_thread(recorder, signal)
        assert signal.waited_for.wait(FAR)
        recorder.before_fork()
        assert not thread.is_alive(), "it ended although the store is still held"
        child = os.fork()
        if child == 0:
            recorder.after_fork_in_child()
            os._exit(0 if recorder.recording and not recorder.writing.waiting else 1)
        recorder.after_fork_in_parent()
        assert os.waitpid(child, 0)[1] == 0
    recorder.tick()
    assert ticks(path) == 2


def test_a_store_that_is_held_for_a_moment_is_waited_for(
    recorder: Recorder, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.event("tick")
    signal = Signal()
    with Holder(path):
        thread = in_a_thread(recorder, signal)
        assert signal.waited_for.wait(FAR)
    thread.join(FAR)
    assert ticks(path) == 2
    assert not caplog.records


def test_a_stop_gives_up_a_store_that_stays_held(
    recorder: Recorder, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.event("tick")
    with Holder(path):
        recorder.stop()
    assert "database is locked" in caplog.text
    assert "telemetry that could not be stored is lost at the end" in caplog.text
    assert ticks(path) == 1


def test_a_stop_waits_for_no_gauge_and_writes_what_was_seen(
    recorder: Recorder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfkit.runtime.recorder.PATIENCE_SECONDS", 0.01)
    inside, leave = threading.Event(), threading.Event()

    def slow() -> float:
        inside.set()
        leave.wait(FAR)
        return 1.0

    recorder.sample(Key("shop", "slow"), slow)
    thread = in_a_thread(recorder, Signal())
    assert inside.wait(FAR)
    recorder.event("tick")
    recorder.stop()
    assert thread.is_alive(), "the gauge is still being read"
    assert ticks(path) == 2
    leave.set()
    thread.join(FAR)
    assert ticks(path) == 2


def test_a_write_that_lasts_is_left_alone_by_fork_and_stop(
    recorder: Recorder,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("perfkit.runtime.recorder.PATIENCE_SECONDS", 0.01)
    caplog.set_level(logging.WARNING)
    with recorder._lock:  # as the thread holds it while a disk does not answer
        recorder.before_fork()
        child = os.fork()
        if child == 0:
            recorder.after_fork_in_child()
            told = "forked while a write lasted" in caplog.text
            os._exit(0 if told and not recorder.recording else 1)
        recorder.after_fork_in_parent()
        assert os.waitpid(child, 0)[1] == 0
        assert recorder.recording
        recorder.stop()
    assert "telemetry is lost at the end: the store does not answer" in caplog.text
    other = path.with_name("other.sqlite")
    recorder.start(other, "shop")
    recorder.event("tick")
    recorder.tick()
    assert (ticks(path), ticks(other)) == (1, 1)


def test_a_late_thread_ends_although_another_has_begun(recorder: Recorder) -> None:
    signal = Signal()
    late = threading.Thread(target=recorder._loop, args=(signal,))
    recorder._thread, recorder._wake = late, signal
    late.start()
    recorder._pause()
    Recorder._run(recorder)
    late.join(FAR)
    assert not late.is_alive()
    assert recorder._thread is not None
    assert recorder._thread.is_alive()


def test_a_recorder_waits_for_others_by_itself(path: Path) -> None:
    with open_bounded(path, Bounds()) as store:
        assert store._connection.execute("PRAGMA busy_timeout").fetchone() == (20,)
