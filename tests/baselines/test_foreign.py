"""Files that the four other tools wrote are read, with their processes where they have them."""

import json
import math
from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.baselines.foreign import as_run, read_foreign
from perfkit.baselines.index import read_results
from perfkit.baselines.store import read_runs
from perfkit.errors import UsageError

FILES = Path(__file__).parent / "foreign"


@pytest.mark.parametrize(
    ("name", "tool", "benchmarks"),
    [
        (
            "pytest_benchmark.json",
            "pytest-benchmark",
            {"test_b.py::test_sum[10]": [5], "test_b.py::test_sum[100]": [5]},
        ),
        ("pyperf.json", "pyperf", {"timeit": [2, 2, 2]}),
        ("hyperfine.json", "hyperfine", {"true": [1, 1, 1], "false": []}),
        ("google_benchmark.json", "google-benchmark", {"summing": [3]}),
    ],
)
def test_real_files(name: str, tool: str, benchmarks: dict[str, list[int]]) -> None:
    found = read_foreign(FILES / name)
    assert found.tool == tool
    assert {
        str(one.benchmark): [len(process) for process in one.processes] for one in found.samples
    } == benchmarks
    flat = [value for one in found.samples for process in one.processes for value in process]
    assert all(math.isfinite(value) and 1e-9 < value < 1 for value in flat)  # seconds


def test_the_facts_of_the_machine_come_from_the_file_or_not_at_all() -> None:
    pytest_benchmark = read_foreign(FILES / "pytest_benchmark.json")
    assert (pytest_benchmark.cpu, pytest_benchmark.cores) == ("AMD EPYC", 2)
    assert (pytest_benchmark.system, pytest_benchmark.python) == ("Linux", "3.11.7")
    pyperf = read_foreign(FILES / "pyperf.json")
    assert (pyperf.cpu, pyperf.cores, pyperf.system) == ("AMD EPYC", 2, "Linux")
    assert pyperf.python == "3.11.7"
    hyperfine = as_run(
        read_foreign(FILES / "hyperfine.json"), commit="c" * 40, date=1, started=1234
    )
    assert hyperfine.environment.cpu == "unknown hyperfine"
    assert hyperfine.identity == "0000000001234"
    google = as_run(
        read_foreign(FILES / "google_benchmark.json"), commit="c" * 40, date=1, started=2
    )
    assert google.started == 1_795_451_091_000  # the file says when


def test_commands_that_failed_are_failures() -> None:
    samples = {str(one.benchmark): one for one in read_foreign(FILES / "hyperfine.json").samples}
    assert samples["false"].failure == "3 of 3 runs failed, the first with 1"
    assert samples["true"].failure is None


def test_google_benchmarks_errors_and_units(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    rows = [
        {"name": "a", "run_type": "iteration", "real_time": 2.5, "time_unit": "ms"},
        {"name": "a_mean", "run_type": "aggregate", "real_time": 9.0, "time_unit": "ms"},
        {"name": "b", "error_occurred": True, "error_message": "no disk"},
    ]
    path.write_text(json.dumps({"context": {}, "benchmarks": rows}))
    found = read_foreign(path)
    assert [(str(one.benchmark), one.processes, one.failure) for one in found.samples] == [
        ("a", ((0.0025,),), None),
        ("b", (), "no disk"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "not readable as JSON"),
        ("[]", "is of no known format; wanted the JSON of pytest-benchmark"),
        ('{"context": {}, "benchmarks": []}', "holds no measured value"),
        (
            '{"context": {}, "benchmarks": [{"name": "a"}]}',
            "looks like google_benchmark and is shaped differently: KeyError: 'real_time'",
        ),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "it.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"^.*it\.json: ") as caught:
        read_foreign(path)
    assert sentence in str(caught.value)
    with pytest.raises(UsageError, match=r"absent\.json: cannot be read"):
        read_foreign(tmp_path / "absent.json")


def test_imported_runs_are_histories_like_any_other(project: Project) -> None:
    project.suite()
    commit = project.commit("Begin")
    files = [str(path) for path in sorted(FILES.glob("*.json"))]
    done = project.perfkit("baselines", "import", *files, "--json")
    assert done.returncode == 0, done.stderr
    assert [run["benchmarks"] for run in json.loads(done.stdout)["runs"]] == [1, 2, 1, 2]
    runs = list(read_runs(project.root / "results"))
    assert {run.commit for run in runs} == {commit}
    assert len(runs) == 4
    found, unreadable = read_results(project.root / "results")
    assert (found.files, unreadable) == (4, ())
    refused = project.perfkit("baselines", "import", *files, str(project.root / "tiny.py"))
    assert refused.returncode == 2
    assert len(list(read_runs(project.root / "results"))) == 4  # all are read before one is stored
