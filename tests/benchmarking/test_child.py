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
    assert outcome(project, tmp_path, f"bench.Here.{kind}_nothing", kind) == f"count {heavy}"


CALLS = """
class Calls:
    warmup_time = 0.05
    number = repeat = 1
    calls = 0

    def time_call(self):
        self.calls += 1

    def outcome(self):
        return min(self.calls, 3)
"""


@pytest.mark.parametrize(("implementation", "calls"), [("cpython", 1), ("pypy", 3)])
def test_a_compiler_gets_the_warm_up_it_needs(
    project: Project, tmp_path: Path, implementation: str, calls: int
) -> None:
    project.suite(CALLS)
    project.write("sitecustomize.py", f"import sys\nsys.implementation.name = '{implementation}'\n")
    assert outcome(project, tmp_path, "bench.Calls.time_call", "time") == f"count {calls}"


def outcome(project: Project, folder: Path, name: str, kind: str) -> object:
    """Return what a process without warm-up says about its work."""
    answer = call_child(
        {
            "command": "run",
            "suite": str(project.root / "benchmarks" / "suite"),
            "benchmark": name,
            "kind": kind,
            "overrides": {"warmup_time": 0},
        },
        interpreter=Interpreter(site=project.root),
        folder=folder,
        timeout=60,
    )
    return answer["outcome"]
