import pytest
from tiny_project import Project

from perfkit.benchmarking.discovery import discover, select
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import find_suite
from perfkit.errors import ConfigError, MeasurementError, UsageError
from perfkit.model import BenchmarkId, Unit

MANY_KINDS = """
better = "higher"

def time_one(): ...
time_one.timeout = 5

def track_rate(): return 3.0
track_rate.unit = "1/s"

class Sized:
    better = "lower"
    params = [[1, "two"], [True]]
    def setup_cache(self): return 1
    setup_cache.timeout = 7
    def time_sized(self, cache, size, flag): ...
    def peakmem_sized(self, cache, size, flag): ...
    def track_exact(self, cache, size, flag): return 1
    track_exact.exact = True
    warmup_time = 0.1
"""


def test_what_a_suite_has(project: Project) -> None:
    project.suite(MANY_KINDS)
    found = {
        benchmark.name: benchmark
        for benchmark in discover(find_suite(project.root), Interpreter(site=project.root))
    }
    assert sorted(found) == [
        "bench.Sized.peakmem_sized",
        "bench.Sized.time_sized",
        "bench.Sized.track_exact",
        "bench.time_one",
        "bench.track_rate",
    ]
    one, rate = found["bench.time_one"], found["bench.track_rate"]
    sized, exact = found["bench.Sized.time_sized"], found["bench.Sized.track_exact"]
    assert (one.unit, one.timeout, one.better, one.automatic_repeat) == (
        Unit.SECONDS,
        5.0,
        "lower",
        True,
    )
    assert (rate.unit, rate.timeout, rate.automatic_repeat) == (Unit.COUNT, 20.0, False)
    assert (one.automatic_warmup, rate.automatic_warmup) == (True, False)
    assert not sized.automatic_warmup
    assert found["bench.Sized.peakmem_sized"].unit is Unit.BYTES
    assert (sized.better, sized.exact, exact.exact) == ("lower", False, True)
    assert sized.setup_cache is not None
    assert sized.setup_cache_timeout == 7.0
    assert sized.ids == (
        BenchmarkId("bench.Sized.time_sized", ("1", "True")),
        BenchmarkId("bench.Sized.time_sized", ("'two'", "True")),
    )
    assert [sized.runner_name(identity)[-2:] for identity in sized.ids] == ["-0", "-1"]
    assert one.runner_name(one.ids[0]) == "bench.time_one"
    assert "perfkit" not in one.description


def test_a_suite_that_does_not_import_shows_its_own_words(project: Project) -> None:
    project.suite("import absent_library\ndef time_one(): ...\n")
    with pytest.raises(MeasurementError, match="absent_library") as caught:
        discover(find_suite(project.root), Interpreter(site=project.root))
    assert "does not import" in str(caught.value)


def test_a_suite_that_ends_the_process(project: Project) -> None:
    project.suite("import os\nos._exit(0)\n")
    with pytest.raises(MeasurementError, match=r"os\._exit"):
        discover(find_suite(project.root), Interpreter(site=project.root))


def test_parameters_need_not_be_json(project: Project) -> None:
    project.suite(
        "class Odd:\n"
        "    params = [[object(), {3}, b'x', float('nan'), None, len]]\n"
        "    param_names = [{1}]\n"
        "    def track_x(self, p): return 1\n"
    )
    (found,) = discover(find_suite(project.root), Interpreter(site=project.root))
    assert found.parameters[0][:5] == ("<object object>", "{3}", "b'x'", "nan", "None")
    assert len(found.ids) == 6


def test_two_of_one_name_are_refused(project: Project) -> None:
    project.suite(
        "def track_a(): return 1\n"
        "def track_b(): return 2\n"
        "track_a.benchmark_name = track_b.benchmark_name = 'bench.track_same'\n"
    )
    suite = find_suite(project.root)
    with pytest.raises(ConfigError, match=r"two benchmarks are called bench\.track_same"):
        discover(suite, Interpreter(site=project.root))
    project.write("benchmarks/suite/bench/__init__.py", "def track_hides(): return 1\n")
    with pytest.raises(ConfigError, match=r"bench\.py and .*__init__\.py have one name"):
        discover(suite, Interpreter(site=project.root))


def test_conflict_markers_are_a_suite_that_does_not_import(project: Project) -> None:
    project.suite("<<<<<<< HEAD\ndef time_one(): ...\n")
    with pytest.raises(MeasurementError, match="does not import: SyntaxError"):
        discover(find_suite(project.root), Interpreter(site=project.root))


IDS = [BenchmarkId("a.time_x"), BenchmarkId("a.time_y", ("1", "'b'"))]


def test_selecting() -> None:
    assert select(IDS, []) == IDS
    assert select(IDS, ["time"]) == IDS
    assert select(IDS, [r"\(1, 'b'\)$"]) == IDS[1:]
    assert select(IDS, ["x$", "nothing"]) == IDS[:1]
    with pytest.raises(UsageError, match="of 2 benchmarks none matches 'q' or 'r'; the first ones"):
        select(IDS, ["q", "r"])
    with pytest.raises(UsageError, match="is no regular expression"):
        select(IDS, ["("])
