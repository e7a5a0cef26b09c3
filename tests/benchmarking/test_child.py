"""What a measured process imports before the benchmark."""

from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.benchmarking.process import Interpreter, call_child

SUITE = """
import sys
from importlib import metadata

class Here:
    def time_nothing(self): pass
    time_nothing.number = time_nothing.repeat = 1

    def peakmem_nothing(self): pass

    def outcome(self):
        assert metadata.version("asv_runner")
        return len({"pympler", "numpy"} & set(sys.modules))
"""


@pytest.mark.parametrize(
    ("kind", "plugin", "heavy"), [("time", False, 0), ("time", True, 2), ("peakmem", False, 2)]
)
def test_what_a_process_imports(
    project: Project, tmp_path: Path, kind: str, plugin: bool, heavy: int
) -> None:
    project.suite(SUITE)
    if plugin:
        (project.root / "asv_bench_extra-1.dist-info").mkdir()
    answer = call_child(
        {
            "command": "run",
            "suite": str(project.root / "benchmarks" / "suite"),
            "benchmark": f"bench.Here.{kind}_nothing",
            "kind": kind,
            "overrides": {"warmup_time": 0},
        },
        interpreter=Interpreter(site=project.root),
        folder=tmp_path,
        timeout=60,
    )
    assert answer["outcome"] == f"count {heavy}"
