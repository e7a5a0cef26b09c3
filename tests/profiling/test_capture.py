"""Captures of real programs in real processes."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit.errors import MeasurementError, OutOfTimeError
from perfkit.model import Timing
from perfkit.profiling.capture import (
    INTERVAL_SECONDS,
    Scope,
    Where,
    batch_size,
    capture,
    recorded,
)
from perfkit.profiling.child import AUTO_TIMING_CALLS, time_calls
from perfkit.profiling.reading import read
from perfkit.profiling.recording import Recording
from perfkit.targets.spec import parse_target

# Correcting words against a lexicon: the lexicon is a list, and is scanned for every word.
SCAN = """
    LEXICON = [f"word{number}" for number in range(4000)]

    def is_known(word):
        for known in LEXICON:
            if known == word:
                return True
        return False

    def correct(text):
        return [word for word in text.split() if is_known(word)]

    def render(words):
        return " ".join(word.upper() for word in words)

    def main():
        for _ in range(4):
            render(correct(" ".join(LEXICON[::10])))

    if __name__ == "__main__":
        print("to stdout")
        main()
"""
LOST = 0.05
"""Seconds that a busy machine may take between the profiler's start or stop and a sample."""

Capture = Callable[..., Recording]


@pytest.fixture
def captured(tmp_path: Path) -> Capture:
    def run(source: str, text: str = "app.py", **options: Any) -> Recording:  # noqa: ANN401 - as capture takes them
        (tmp_path / "app.py").write_text(textwrap.dedent(source))
        return capture(parse_target(text, cwd=tmp_path), cwd=tmp_path, timeout=60, **options)

    return run


def test_the_scanning_function_comes_first(
    captured: Capture, capfd: pytest.CaptureFixture[str]
) -> None:
    steps: list[str] = []
    recording = captured(SCAN, progress=steps.append)
    profile = read(recording)
    first = profile.hotspots[0]
    assert (first.function.name, first.place) == ("is_known", "app.py:4")
    assert first.self_share > 0.5
    assert profile.tree[0].function.name == "<module>"
    assert profile.tree[0].depth == 0
    assert (profile.target, profile.calls, profile.timing.calls) == ("app.py", 1, 1)
    assert sum(hot.self_seconds for hot in profile.hotspots) == pytest.approx(
        profile.seconds, rel=0.01, abs=LOST
    )
    assert len(steps) == 2
    assert capfd.readouterr() == ("", "to stdout\n" * 2)


def test_repeat_auto_goes_on_until_there_are_enough_samples(captured: Capture) -> None:
    recording = captured(
        SCAN + "\n    def brief():\n        correct('word3000')\n", "app:brief", repeat="auto"
    )
    profile = read(recording)
    assert profile.samples >= 1000
    assert profile.calls > 1000
    assert profile.timing.calls > 100
    assert profile.hotspots[0].function.name == "is_known"
    assert sum(hot.self_seconds for hot in profile.hotspots) == pytest.approx(
        profile.seconds, rel=0.01, abs=LOST
    )
    # How much the profiler slows such short calls is the machine's affair.
    assert all("the profiler slowed the target" in warning for warning in profile.warnings)


def test_what_perfkit_does_between_calls_is_no_function_of_the_target(captured: Capture) -> None:
    for scope in (Scope(), Scope(threads=True)):
        found = captured("def main(): sum(range(3000))", "app:main", repeat=20_000, scope=scope)
        names = {hot.function.name for hot in read(found).hotspots}
        assert names <= {"main", "[calling the target]"}


def test_warm_up_calls_are_made_before_and_not_counted(captured: Capture, tmp_path: Path) -> None:
    source = f"""
        import time
        def main():
            with open({str(tmp_path / "calls")!r}, "a") as file:
                file.write(".")
            time.sleep(0.02)
    """
    recording = captured(source, "app:main", repeat=3, warmup=2)
    assert (recording.calls, recording.warmup, recording.timing.calls) == (3, 2, 3)
    assert (tmp_path / "calls").read_text() == "." * 10
    assert recording.timing.total >= 0.06
    assert recording.seconds >= 0.06


def test_a_coroutine_and_what_it_waits_for(captured: Capture) -> None:
    source = """
        import asyncio
        def compute():
            return [number * number for number in map(abs, range(300_000))]
        async def work():
            compute()
            await asyncio.sleep(0.05)
        async def main():
            await asyncio.gather(work(), work())
    """
    profile = read(captured(source, "app:main"))
    names = {hot.function.name for hot in profile.hotspots}
    assert {"work", "compute"} <= names
    waiting = next(hot for hot in profile.hotspots if hot.function.name.endswith("select"))
    assert waiting.self_seconds > 0.02


@pytest.mark.parametrize("repeat", [1, 2])
def test_no_sample_is_an_error_that_says_what_to_do(captured: Capture, repeat: int) -> None:
    with pytest.raises(
        MeasurementError, match=r"too short for one sample every 500 ms.*--repeat auto"
    ):
        captured("def main(): ...", "app:main", repeat=repeat, interval=0.5)


def test_a_target_with_its_own_profiler_is_told(captured: Capture) -> None:
    source = """
        import sys, time
        def main():
            sys.setprofile(None)
            time.sleep(0.05)
    """
    with pytest.raises(MeasurementError, match=r"gave no sample.*sys\.setprofile"):
        captured(source, "app:main")


def test_a_target_that_replaces_the_profiler_half_way_is_told(captured: Capture) -> None:
    source = """
        import cProfile, sys, time
        def main():
            end = time.thread_time() + 0.02
            while time.thread_time() < end: ...
            sys.setprofile(None)
            cProfile.Profile().enable()
            end = time.thread_time() + 0.3
            while time.thread_time() < end: ...
    """
    for scope in (Scope(), Scope(threads=True)):
        found = captured(source, "app:main", scope=scope)
        assert found.samples < 100
        (warning,) = read(found).warnings
        assert "most of the profiled time has no sample" in warning
        assert "replaced the profiler" in warning


def test_a_target_may_trace_itself_move_away_and_rearrange_the_import_path(
    captured: Capture,
) -> None:
    source = """
        import os, pathlib, sys, time
        def spin():
            end = time.perf_counter() + 0.05
            while time.perf_counter() < end: ...
        def main():
            os.chdir("/")
            sys.path[:] = [pathlib.Path("/nowhere")]
            sys.settrace(lambda *_: None)
            spin()
    """
    for scope in (Scope(), Scope(threads=True)):
        first = read(captured(source, "app:main", scope=scope)).hotspots[0]
        assert (first.function.name, first.place) == ("spin", "app.py:3")


def test_compiled_code_without_a_frame_stands_under_the_call_of_the_target(
    captured: Capture,
) -> None:
    source = "import functools\nmain = functools.partial(sum, range(3_000_000))"
    profile = read(captured(source, "app:main"))
    assert [hot.function.name for hot in profile.hotspots] == ["[calling the target]"]
    assert "sample only" in profile.warnings[0]


def test_a_target_may_use_pyinstrument_itself(captured: Capture) -> None:
    source = """
        import time
        from pyinstrument import Profiler
        def main():
            with Profiler(async_mode="disabled"):
                end = time.perf_counter() + 0.05
                while time.perf_counter() < end: ...
            time.sleep(0.02)
    """
    assert captured(source, "app:main").samples > 10


def test_a_target_that_fails_only_under_the_profiler_is_still_a_failure(captured: Capture) -> None:
    with pytest.raises(MeasurementError, match="raised RuntimeError: seen"):
        captured(
            "import sys\ndef main():\n    if sys.getprofile(): raise RuntimeError('seen')",
            "app:main",
        )


def clock(*steps: float) -> Callable[[], float]:
    times: Iterator[float] = iter([0.0, *(sum(steps[: end + 1]) for end in range(len(steps)))])
    return lambda: next(times)


def test_calls_are_timed_one_by_one() -> None:
    timing = time_calls(lambda: None, 3, clock(5.0, 0.5, 1.0, 0.5, 2.0))
    assert timing == Timing(calls=3, first=5.0, median=2.0, total=8.0)


def test_timing_by_itself_ends_after_a_second_or_many_calls() -> None:
    assert time_calls(lambda: None, None, clock(0.4, 0.0, 0.4, 0.0, 0.4, 0.0, 0.4)).calls == 3
    assert time_calls(lambda: None, None, lambda: 0.0).calls == AUTO_TIMING_CALLS


@pytest.mark.parametrize(
    ("median", "interval", "calls"),
    [
        (10.0, 0.001, 1),
        (0.25, 0.001, 1),
        (0.1, 0.001, 3),
        (1e-6, 0.001, 250_000),
        (0.001, 0.1, 5000),
    ],
)
def test_a_batch_lasts_a_quarter_of_a_second_or_fifty_intervals(
    median: float, interval: float, calls: int
) -> None:
    timing = Timing(calls=1, first=median, median=median, total=median)
    assert batch_size(timing, interval) == calls


def test_work_outside_the_main_thread_is_said_to_be_missing(captured: Capture) -> None:
    source = """
        import subprocess, sys, threading, time
        def spin():
            end = time.thread_time() + 0.2
            while time.thread_time() < end: ...
        def threads():
            worker = threading.Thread(target=spin)
            worker.start()
            worker.join()
        def processes():
            code = "import time\\nwhile time.process_time() < 0.2: ..."
            subprocess.run([sys.executable, "-c", code], check=True)
        if __name__ == "__main__":
            spin()
    """
    warning = read(captured(source, "app:threads")).warnings[-1]
    assert warning.startswith("other threads used")
    assert warning.endswith("record them with --threads")
    warning = read(captured(source, "app:processes")).warnings[-1]
    assert warning.startswith("processes that the target started used")
    assert warning.endswith("record them with --children")
    alone = captured(source, "app:spin")
    assert alone.other_threads_seconds < 0.01
    assert alone.other_processes_seconds == 0


FOREVER = """
    import os, time

    def spin():
        while True:
            abs(-1)

    def twice():
        if os.path.exists("once"):
            spin()
        open("once", "w").close()

    async def forever():
        spin()
"""


@pytest.mark.parametrize(("text", "calls"), [("app:spin", 0), ("app:forever", 0), ("app:twice", 1)])
def test_a_recording_that_takes_too_long_is_cut_off(tmp_path: Path, text: str, calls: int) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(FOREVER))
    found = recorded(
        parse_target(text, cwd=tmp_path),
        Where(cwd=tmp_path),
        timing=None,
        interval=INTERVAL_SECONDS,
        repeat=5,
        warmup=0,
        timeout=1.5,
        grace=20.0,
    )
    assert (found.cut_off, found.timing, found.calls) == (True, None, calls)
    assert {hot.function.name for hot in read(found).hotspots[:1]} == {"spin"}


def test_a_task_that_swallows_the_end_is_neither_accused_nor_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent("""
        import asyncio

        async def forever():
            while True:
                await asyncio.sleep(0)

        async def main():
            task = asyncio.create_task(forever())
            await asyncio.wait([task])
            await asyncio.sleep(1)
        """)
    )
    found = recorded(
        parse_target("app:main", cwd=tmp_path),
        Where(cwd=tmp_path),
        timing=None,
        interval=INTERVAL_SECONDS,
        repeat=1,
        warmup=0,
        timeout=1.5,
        grace=20.0,
    )
    assert found.cut_off
    assert "replaced the profiler" not in " ".join(read(found).warnings)
    assert "OutOfTime" not in capfd.readouterr().err


def test_without_grace_a_recording_that_takes_too_long_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(FOREVER))
    with pytest.raises(OutOfTimeError, match=r"did not end within 0\.8 s"):
        recorded(
            parse_target("app:spin", cwd=tmp_path),
            Where(cwd=tmp_path),
            timing=None,
            interval=INTERVAL_SECONDS,
            repeat=1,
            warmup=0,
            timeout=0.8,
        )


def test_a_process_that_the_target_forks_ends_by_sigterm_as_ever(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent("""
        import os, signal, time

        def main():
            pid = os.fork()
            if not pid:
                time.sleep(600)
            os.kill(pid, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
            time.sleep(0.01)
        """)
    )
    found = capture(parse_target("app:main", cwd=tmp_path), cwd=tmp_path, timeout=60)
    assert not found.cut_off


def test_the_time_of_warming_up_is_told_apart(captured: Capture) -> None:
    source = """
        import time
        calls = []

        def main():
            calls.append(1)
            time.sleep(0.05 if len(calls) < 3 else 0.003)
    """
    recording = captured(source, "app:main", warmup=2)
    assert recording.timing is not None
    assert recording.timing.warmup_seconds >= 0.1
    assert recording.timing.first < 0.1 <= recording.timing.warmup_seconds
