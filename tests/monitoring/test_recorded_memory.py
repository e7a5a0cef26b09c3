"""What an application records is what the alerts about memory read."""

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from perfkit.monitoring.conditions import Growth, evaluate
from perfkit.monitoring.metric_names import MEMORY_GAUGE
from perfkit.monitoring.store_telemetry import StoreTelemetry
from perfkit.runtime.batch import Batch
from perfkit.runtime.process import ProcessName
from perfkit.runtime.recorder import Recorder
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Key, Values

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="resident memory is read from /proc"
)


def test_the_memory_of_a_process_is_found_under_its_component(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "t.sqlite", component="shop")
    recorder.stop()
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        found = list(store.values("shop", MEMORY_GAUGE, since=time.time() - 60))
    assert found
    assert all(one.max > 2**20 for one in found)


def names_of_children(store: Path, children: int) -> list[str]:
    """Fork so many, all alive at the same time; return the name of each."""
    ready, go = os.pipe(), os.pipe()
    pids = []
    for _ in range(children):
        pid = os.fork()
        if pid == 0:
            os.write(ready[1], f"{ProcessName(store)()}\n".encode())
            os.close(go[1])
            os.read(go[0], 1)  # until the parent has heard of all
            os._exit(0)
        pids.append(pid)
    text = b""
    while text.count(b"\n") < children:
        text += os.read(ready[0], 1024)
    for end in (*ready, *go):
        os.close(end)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * children
    return sorted(text.decode().split())


def test_processes_that_live_at_once_have_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "new" / "t.sqlite"
    mine = ProcessName(store)
    assert mine() == "0"
    assert names_of_children(store, 2) == ["1", "2"]
    assert names_of_children(store, 1) == ["1"], "what ended gave its name back"
    pid = os.fork()
    if pid == 0:
        os._exit(0 if mine() == "1" else 1)
    assert os.waitpid(pid, 0)[1] == 0, "a fork has a name of its own"
    assert mine() == "0"
    mine.end()
    assert names_of_children(store, 1) == ["0"]
    monkeypatch.setattr("perfkit.runtime.process.MOST_PROCESSES", 1)
    assert names_of_children(store, 2) == ["0", "more"]


def test_a_leak_of_the_smaller_process_is_seen(tmp_path: Path) -> None:
    begin, seconds = 1_700_000_000, 300

    def noted(process: str, size: float) -> tuple[Key, Values]:
        key = Key("shop", MEMORY_GAUGE, labels_text({"process": process}))
        return key, Values(1, size, size, size, size)

    with Store(tmp_path / "t.sqlite") as store:
        for second in range(seconds):
            values = dict((noted("0", 5e8), noted("1", 1e8 + second * 5e5)))
            store.add(Batch(begin + second, values=values))
        found = StoreTelemetry(store).memory("shop", 600, begin + seconds)
        leak = Growth("shop", above=1e8, window=300)
        assert evaluate(leak, StoreTelemetry(store), begin + seconds)
    grown = sorted(points[-1][1] - points[0][1] for points in found)
    assert grown == [0, (seconds - 1) * 5e5]


def test_a_folder_that_takes_no_file_is_told_by_the_store_and_never_raises(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder()
    recorder.start(tmp_path / "file" / "t.sqlite")
    recorder.event("tick")
    recorder.tick()
    recorder.stop()
    assert "the telemetry store cannot be used" in caplog.text
    assert recorder.collected.drain("app") == ({}, {}, {})


def test_processes_without_locks_share_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    assert ProcessName(tmp_path / "t.sqlite")() == "more"
