"""On the reference workload: nothing accused while healthy, the keeping line once planted."""

import shutil
import subprocess
from pathlib import Path

import pytest

from perfkit.memory.find import find_leaks
from perfkit.model import LeakResult, LeakState
from perfkit.targets.spec import parse_target

WORKLOAD = Path(__file__).resolve().parents[2] / "benchmarks" / "workload"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copied = tmp_path / "benchmarks" / "workload"
    shutil.copytree(WORKLOAD, copied, ignore=shutil.ignore_patterns("__pycache__", "planted"))
    return copied


def look(tree: Path) -> LeakResult:
    target = parse_target("workload.pipeline:run_lecture", cwd=tree)
    return find_leaks(target, cwd=tree, iterations=24, timeout=150)


def test_the_healthy_workload_keeps_nothing(tree: Path) -> None:
    result = look(tree)
    assert (result.state, result.sites, result.holders) == (LeakState.CLEAN, (), ())


def test_the_line_that_keeps_every_cue_is_named_and_nothing_else(tree: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    patch = WORKLOAD / "planted" / "cue_kept.patch"
    subprocess.run(["git", "apply", "-p3", patch], cwd=tree, check=True)
    result = look(tree)
    assert result.state is LeakState.LEAK
    (site,) = result.sites
    place, _, function = site.place.partition(" ")
    file, _, line = place.partition(":")
    assert (file, function) == ("workload/pipeline.py", "process_transcript")
    assert "_SEEN.append" in (tree / file).read_text("utf-8").splitlines()[int(line) - 1]
    assert site.blocks_per_iteration == pytest.approx(400, abs=1)
    assert result.holders == (
        "workload.pipeline._SEEN (list, module global) grows by 400 objects per call",
    )
