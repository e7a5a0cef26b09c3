"""asv's own runner finds the suite and runs each of its benchmarks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from asv import benchmark as asv_benchmark
from asv.config import Config
from tiny_project import without_coverage

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

NAMES = [
    "served.ChattyStdio.time_lecture",
    "served.FreshStdio.time_lecture-0",
    "served.FreshStdio.time_lecture-1",
    "served.InMemory.time_transcript",
    "served.Stdio.time_transcript",
    "spelling.ColdCorrector.time_lecture",
    "spelling.Corrections.track_corrections",
    "spelling.WarmCorrector.time_lecture",
    "transcript.InProcess.peakmem_transcript",
    "transcript.InProcess.time_transcript",
]
"""Every benchmark; a number after a dash picks a parameter, as asv writes it."""


def asv_runner(*arguments: str, cwd: Path) -> None:
    subprocess.run(
        [sys.executable, asv_benchmark.__file__, *arguments],
        cwd=cwd,
        env={**without_coverage(os.environ), "ASV_PYTHONPATH": str(BENCHMARKS / "workload")},
        check=True,
        timeout=60,
    )


def test_the_suite_is_discovered_whole(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    asv_runner("discover", str(BENCHMARKS / "suite"), str(found), cwd=tmp_path)
    names = {entry["name"] for entry in json.loads(found.read_text())}
    assert names == {name.partition("-")[0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_gives_a_value(name: str, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    quick = json.dumps({"number": 1, "repeat": 1, "warmup_time": 0, "min_run_count": 1})
    asv_runner("run", str(BENCHMARKS / "suite"), name, quick, "None", str(result), cwd=tmp_path)
    value = json.loads(result.read_text())
    if ".time_" in name:
        assert len(value["samples"]) == 1
        assert value["samples"][0] > 0
    elif ".track_" in name:
        assert value == 336
    else:
        assert value > 2**20


def test_asv_reads_the_configuration_and_finds_what_it_names() -> None:
    conf = Config.load(str(BENCHMARKS / "asv.conf.json"))
    assert (BENCHMARKS / conf.benchmark_dir).is_dir()
    assert (BENCHMARKS / conf.repo / conf.repo_subdir / "pyproject.toml").is_file()
    assert conf.project == "workload"
