import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit.profiling import durations as module
from perfkit.profiling.durations import durations, timed_calls
from perfkit.targets.spec import Target, TargetKind

TARGET = Target(TargetKind.CALLABLE, "app:main")


def every(step: float) -> Iterator[float]:
    return itertools.count(0.0, step)


def test_a_number_of_calls_is_a_number_of_times() -> None:
    clock = every(0.5)
    assert timed_calls(lambda: None, 3, lambda: next(clock)) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(("step", "calls"), [(0.1, 3), (1.0, 1), (1e-9, module.AUTO_CALLS)])
def test_auto_is_bounded_by_time_and_by_calls(step: float, calls: int) -> None:
    clock = every(step)
    assert len(timed_calls(lambda: None, None, lambda: next(clock))) == calls


@pytest.mark.parametrize(
    ("per_process", "least", "pace", "processes"),
    [(1, 1, 0.0, 10), (1, 20, 0.0, 20), (5, 20, 0.0, 10), (1, 20, 100.0, 3), (1, 1, 30.0, 4)],
)
def test_the_processes_are_enough_and_bounded(
    monkeypatch: pytest.MonkeyPatch, per_process: int, least: int, pace: float, processes: int
) -> None:
    def answer(*_: object, **__: object) -> dict[str, list[float]]:
        return {"seconds": [1.0] * per_process}

    monkeypatch.setattr(module, "run_child", answer)
    clock = every(pace)
    found = durations(
        TARGET,
        cwd=Path(),
        repeat=1,
        warmup=0,
        timeout=None,
        least=least,
        clock=lambda: next(clock),
    )
    assert found == ((1.0,) * per_process,) * processes


def test_a_real_target_is_timed_in_fresh_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "PROCESSES", 2)
    (tmp_path / "app.py").write_text(
        "import os\ndef main():\n    open('pids', 'a').write(f'{os.getpid()}\\n')\n"
    )
    found = durations(
        TARGET, cwd=tmp_path, repeat=3, warmup=1, timeout=60, clock=iter(range(9)).__next__
    )
    assert [len(one) for one in found] == [3, 3]
    assert all(0 < seconds < 60 for one in found for seconds in one)
    pids = (tmp_path / "pids").read_text().splitlines()
    assert len(pids) == 8
    assert len(set(pids)) == 2
