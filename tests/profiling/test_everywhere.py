"""Threads and processes of real programs; what they used is known, since they spin for it."""

import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from perfkit.model import Reach
from perfkit.profiling.capture import Scope, capture
from perfkit.profiling.everywhere import merged, rooted
from perfkit.profiling.processes import ProcessSamples
from perfkit.profiling.reading import read
from perfkit.profiling.recording import CALLING, Recording
from perfkit.profiling.stem import is_stem, is_stem_of_thread
from perfkit.targets.spec import parse_target

PROGRAM = """
    import multiprocessing, os, subprocess, sys, threading, time

    def spin(seconds=0.15):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            sum(range(100))

    def threads():
        workers = [threading.Thread(target=spin, name=f"worker {number}") for number in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def python(*words):
        subprocess.run([sys.executable, *words, "-c", "import app; app.spin()"], check=True)

    def processes():
        for method in ("fork", "spawn"):
            process = multiprocessing.get_context(method).Process(target=spin)
            process.start()
            process.join()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.map(spin, [0.15])
        python()
        if not os.fork():
            threads()
            os._exit(0)
        os.wait()

    def hold(lock):
        with lock:
            print("never", flush=True)

    def grandchild(lock, spun):
        worker = multiprocessing.get_context("fork").Process(target=hold, args=(lock,))
        worker.start()
        time.sleep(0.1)
        worker.terminate()
        worker.join()
        print("grandchild", worker.exitcode, flush=True)
        spin()
        spun.set()
        hold(lock)

    def terminated():
        spun = multiprocessing.get_context("fork").Event()
        lock = multiprocessing.get_context("fork").Lock()
        lock.acquire()
        worker = multiprocessing.get_context("fork").Process(target=grandchild, args=(lock, spun))
        worker.start()
        spun.wait()
        worker.terminate()
        worker.join()
        print("child", worker.exitcode, flush=True)

    def out_of_reach():
        python("-E", "-c", "import sys; sys.path.insert(0, ''); import app; app.spin(0.3)")
"""


def recorded(folder: Path, text: str, scope: Scope, **options: Any) -> Recording:  # noqa: ANN401 - as capture takes them
    (folder / "app.py").write_text(textwrap.dedent(PROGRAM))
    target = parse_target(text, cwd=folder)
    return capture(target, cwd=folder, scope=scope, timeout=60, **options)


def seconds_of(name: str, recording: Recording) -> float:
    return sum(hot.self_seconds for hot in read(recording).hotspots if hot.function.name == name)


def roots(recording: Recording) -> set[str]:
    return {stack[0].partition("\x00")[0] for stack, _ in recording.session["frame_records"]}


def test_the_time_of_every_thread_is_in_the_profile(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "app:threads", Scope(threads=True))
    assert seconds_of("spin", recording) == pytest.approx(0.45, rel=0.05)
    assert {"worker 0", "worker 1", "worker 2"} <= roots(recording)
    assert recording.reach is not None
    assert recording.reach.processes == 1
    assert recording.reach.processor_seconds >= 0.45
    assert recording.other_processes_seconds == 0
    # The work of a thread is a root of the tree, not something below threading's own functions.
    assert "spin" in {node.function.name for node in read(recording).tree if node.depth == 0}


def test_the_time_of_every_process_is_in_the_profile(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.own_startup = True\n")
    recording = recorded(tmp_path, "app:processes", Scope(children=True))
    assert seconds_of("spin", recording) == pytest.approx(4 * 0.15, rel=0.05)
    assert recording.reach is not None
    assert recording.reach.processes >= 5
    # The threads of the process that was forked last were not asked for.
    assert recording.other_processes_seconds == pytest.approx(0.45, abs=0.25)
    assert "without --children, or started before it" in read(recording).warnings[-1]


def test_threads_of_processes(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "app:processes", Scope(threads=True, children=True))
    assert seconds_of("spin", recording) == pytest.approx(4 * 0.15 + 0.45, rel=0.05)


def test_a_process_that_waits_for_ever_is_terminated_as_before_and_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recording = recorded(tmp_path, "app:terminated", Scope(children=True))
    assert capfd.readouterr().err == "grandchild -15\nchild -15\n" * 2
    assert 0.1 < seconds_of("spin", recording) < 0.2
    assert recording.reach is not None
    assert recording.reach.processes >= 2  # the grandchild only waits, and may have no sample


def test_a_process_that_cannot_be_recorded_is_told(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "app:out_of_reach", Scope(children=True))
    assert recording.other_processes_seconds >= 0.3
    assert seconds_of("spin", recording) == 0


def test_repeat_auto_counts_the_samples_of_processes_too(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "app:threads", Scope(threads=True, children=True), repeat="auto")
    assert recording.samples >= 1000
    assert recording.calls > 1


MAIN, WORKER = "MainThread\x00<thread>\x001", "worker\x00<thread>\x002"


def frame(name: str, file: str) -> str:
    return f"{name}\x00{file}\x001"


OWN, WORK = frame("record", "/perfkit/profiling/everywhere.py"), frame("work", "/project/app.py")


def test_stacks_of_threads_start_at_their_work() -> None:
    bootstrap = frame("_bootstrap", threading.__file__)
    assert rooted(
        [
            [([MAIN, OWN, WORK], 1.0), ([MAIN, OWN], 2.0)],
            [([WORKER, bootstrap, WORK], 3.0), ([WORKER, bootstrap], 4.0)],
        ],
        [MAIN, OWN],
        " of process 7",
    ) == [
        (["MainThread of process 7\x00<thread>\x001", WORK], 1.0),
        (["MainThread of process 7\x00<thread>\x001", CALLING], 2.0),
        (["worker of process 7\x00<thread>\x002", WORK], 3.0),
        (["worker of process 7\x00<thread>\x002", bootstrap], 4.0),
    ]
    assert is_stem_of_thread(threading.__file__)
    assert not is_stem(threading.__file__)


def test_what_a_process_left_is_added() -> None:
    found = {
        "other_processes_seconds": 3.0,
        "reach": {"threads": 1, "processes": 1, "processor_seconds": 4.0},
        "session": {"frame_records": [([MAIN, WORK], 1.0)], "sample_count": 1},
    }
    process = ProcessSamples(
        pid=7, before_seconds=0.5, start_stack=[MAIN], threads=[[([MAIN, WORK], 2.0)]]
    )
    both = merged(found, [process])
    assert both["reach"] == Reach(threads=2, processes=2, processor_seconds=3.5)
    assert both["other_processes_seconds"] == 0.5
    assert both["session"]["sample_count"] == len(both["session"]["frame_records"]) == 2
    # A process that nobody waited for is in no sum of the system's.
    assert (
        merged({**found, "other_processes_seconds": 0.0}, [process])["other_processes_seconds"] == 0
    )
