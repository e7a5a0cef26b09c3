"""Runs survive storing, the real asv reads them, and nothing stored is ever damaged."""

import gzip
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asv.benchmarks import Benchmarks
from asv.machine import Machine
from asv.results import Results
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_project import Project

from perfkit.baselines import store
from perfkit.baselines.descriptions import ASV_BENCHMARKS_VERSION
from perfkit.baselines.machine import machine_name
from perfkit.baselines.result_file import ASV_RESULT_VERSION
from perfkit.baselines.store import check_storable, read_runs, save_run
from perfkit.errors import MeasurementError
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

ENVIRONMENT = Environment(
    label="kitchen",
    cpu="Some CPU @ 2.00GHz",
    cores=2,
    memory_bytes=8 * 2**30,
    system="Linux",
    kernel="6.1",
    libc="glibc 2.36",
    python="3.12.4 (CPython)",
    governor=None,
    quota_cores=None,
    packages_digest="abc",
    load=0.5,
)


def description(name: str, axes: list[list[str]], unit: str = "seconds") -> dict[str, object]:
    return {
        "name": name,
        "params": axes,
        "param_names": [f"p{index}" for index in range(len(axes))],
        "type": "time" if unit == "seconds" else "track",
        "unit": unit,
        "version": "v1",
        "code": "def x(): ...",
    }


def run_of(*samples: Sample, commit: str = "c" * 40, identity: str = "1") -> Run:
    return Run(
        identity=identity,
        commit=commit,
        dirty=False,
        date=1_700_000_000_000,
        started=1_700_000_100_000,
        environment=ENVIRONMENT,
        samples=samples,
        perfkit="0.1.0",
        asv_runner="0.3.2",
        packages=(("numpy", "2.1.0"), ("scipy", "1.15.0")),
        loads=(0.25, None),
    )


def read(folder: Path) -> list[Run]:
    return list(read_runs(folder))


AXES = [["1", "'two'"], ["None"]]
GRID = [("1", "None"), ("'two'", "None")]

values = st.floats(1e-9, 1e9).map(lambda value: float(f"{value:.3e}"))
counts = st.floats(0, 1e15)


@st.composite
def samples(draw: st.DrawFn, identity: BenchmarkId) -> Sample:
    unit = draw(st.sampled_from(Unit))
    failure = draw(st.sampled_from([None, None, "crashed"]))
    one = counts if unit is Unit.COUNT else values
    processes = draw(
        st.lists(
            st.lists(one, min_size=1, max_size=4).map(tuple), min_size=failure is None, max_size=4
        )
    )
    rounds = draw(st.sets(st.integers(0, 99), min_size=len(processes), max_size=len(processes)))
    loops = draw(
        st.just([])
        | st.lists(st.integers(1, 10**9), min_size=len(processes), max_size=len(processes))
    )
    return Sample(
        benchmark=identity,
        unit=unit,
        processes=tuple(processes) if failure is None else (),
        rounds=tuple(sorted(rounds)) if failure is None else (),
        outcome=draw(st.none() | st.text()),
        failure=failure,
        better=draw(st.sampled_from(["lower", "higher"])),
        exact=draw(st.booleans()),
        source_hash="v1",
        loops=tuple(loops) if failure is None else (),
        warmup=draw(st.none() | st.just(0.1)),
        loaded=tuple(sorted(draw(st.sets(st.integers(0, 99), max_size=3)))),
    )


@settings(max_examples=40)
@given(st.data())
def test_what_is_stored_is_read_again(tmp_path_factory: object, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("results")  # type: ignore[attr-defined]
    plain = BenchmarkId("suite.time_x\"'{}é")
    wanted = [data.draw(samples(plain))]
    wanted += [
        data.draw(samples(BenchmarkId("suite.track_y", params)))
        for params in data.draw(st.lists(st.sampled_from(GRID), unique=True))
    ]
    run = run_of(*sorted(wanted, key=lambda one: one.benchmark))
    path = save_run(
        folder,
        run,
        {
            plain.name: description(plain.name, []),
            "suite.track_y": description("suite.track_y", AXES, "count"),
        },
    )
    assert path.parent.name == machine_name(ENVIRONMENT)
    (found,) = read(folder)
    assert set(found.samples) == set(run.samples)
    assert found.environment.label == machine_name(ENVIRONMENT)  # a host name is not stored
    assert "kitchen" not in path.read_text()
    assert replace(found, samples=(), environment=ENVIRONMENT) == replace(run, samples=())


def test_what_an_earlier_version_stored_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path)
    document = json.loads(path.read_text())
    own = document["perfkit"]
    for added in ("perfkit", "asv_runner", "packages", "loads", "loops"):
        del own[added]
    for added in ("cpu_flags", "image", "affinity"):
        del own["environment"][added]
    path.write_text(json.dumps(document))
    (found,) = read(tmp_path)
    assert (found.packages, found.loads, found.environment.affinity) == ((), (), None)
    assert [one.loops for one in found.samples] == [()]
    # A fact that only a later version knows is passed over.
    own["environment"]["colour"] = "red"
    own["environment"]["affinity"] = [0, 2]
    path.write_text(json.dumps(document))
    (found,) = read(tmp_path)
    assert found.environment.affinity == (0, 2)


def sample(name: str, *processes: tuple[float, ...], unit: Unit = Unit.SECONDS) -> Sample:
    return Sample(
        benchmark=BenchmarkId(name),
        unit=unit,
        processes=processes,
        rounds=tuple(range(len(processes))),
        source_hash="v1",
    )


def saved(folder: Path, *, identity: str = "1") -> Path:
    run = run_of(sample("suite.time_x", (0.5, 0.51), (0.52,)), identity=identity)
    return save_run(folder, run, {"suite.time_x": description("suite.time_x", [])})


def test_samples_are_rounded_and_counts_are_not(tmp_path: Path) -> None:
    run = run_of(
        sample("a.time_x", (0.123456789,)),
        sample("a.track_n", (123456789.0,), unit=Unit.COUNT),
    )
    save_run(tmp_path, run, {})
    (found,) = read(tmp_path)
    assert [one.processes for one in found.samples] == [((0.1235,),), ((123456789.0,),)]


def test_runs_come_in_order_and_others_are_left_alone(tmp_path: Path) -> None:
    saved(tmp_path, identity="2")
    saved(tmp_path, identity="1")
    written_by_asv = {"commit_hash": "d" * 40, "results": {}, "result_columns": [], "version": 2}
    machine = tmp_path / machine_name(ENVIRONMENT)
    (machine / "dddddddd-py3.12.json").write_text(json.dumps(written_by_asv))
    assert [run.identity for run in read(tmp_path)] == ["1", "2"]
    assert read(tmp_path / "absent") == []


def test_only_the_files_of_wanted_commits_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted, namesake = "c" * 40, "c" * 8 + "d" * 32
    for identity, commit in (("1", wanted), ("2", namesake), ("3", "e" * 40)):
        run = run_of(sample("suite.time_x", (1.0,)), commit=commit, identity=identity)
        save_run(tmp_path, run, {"suite.time_x": description("suite.time_x", [])})
    (tmp_path / machine_name(ENVIRONMENT) / "eeeeeeee-broken.json").write_text("{")
    assert [run.identity for run in read_runs(tmp_path, {wanted})] == ["1"]
    assert list(read_runs(tmp_path, ())) == []
    assert caplog.records == []


def test_descriptions_are_merged(tmp_path: Path) -> None:
    saved(tmp_path)
    other = run_of(sample("suite.time_y", (1.0,)), identity="2")
    save_run(tmp_path, other, {"suite.time_y": description("suite.time_y", [])})
    known = json.loads((tmp_path / "benchmarks.json").read_text())
    assert set(known) == {"suite.time_x", "suite.time_y", "version"}


@settings(max_examples=40)
@given(st.data())
def test_no_file_whatever_its_shape_stops_the_reading_of_the_others(
    tmp_path_factory: object, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("results")  # type: ignore[attr-defined]
    saved(folder, identity="good")
    path = saved(folder, identity="bad")
    document = json.loads(path.read_text())
    holder, key = data.draw(st.sampled_from(list(places(document))))
    other = st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({})
    if data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(other)
    path.write_text(json.dumps(document))
    assert "good" in [run.identity for run in read(folder)]


def places(value: object) -> list[tuple[object, object]]:
    """Return every (container, key) of a JSON value."""
    found: list[tuple[object, object]] = []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in items:
        found.append((value, key))
        found += places(one)
    return found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        gzip.compress(b"{}", mtime=0),
        b'{"perfkit": {"schema": 99}}',
    ],
)
def test_unreadable_files_are_named_on_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    saved(tmp_path)
    broken = tmp_path / machine_name(ENVIRONMENT) / "broken.json"
    broken.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert len(read(tmp_path)) == 1
    (record,) = caplog.records
    assert f"{broken}: left out" in record.getMessage()


def fail_to_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: Path, target: object) -> None:
        del self, target
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", replace)


def fail_to_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        del descriptor
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("fail", [fail_to_rename, fail_to_sync])
def test_a_failure_while_writing_damages_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: Callable[[pytest.MonkeyPatch], None]
) -> None:
    saved(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with monkeypatch.context() as patched:
        fail(patched)
        with pytest.raises(MeasurementError, match="cannot be written") as caught:
            saved(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_where_nothing_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MeasurementError, match=r"cannot be stored there .*--no-store"):
            check_storable(folder)
        with pytest.raises(MeasurementError, match="cannot be written"):
            saved(folder)
    check_storable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "new" / "benchmarks.json").write_text("{")
    with pytest.raises(MeasurementError, match=r"benchmarks\.json: not readable as JSON"):
        check_storable(tmp_path / "new")


def test_machines_are_told_apart_by_what_changes_timings() -> None:
    name = machine_name(ENVIRONMENT)
    assert name.startswith("some-cpu-2-00ghz-2c-")
    for change in ({"cores": 4}, {"governor": "powersave"}, {"quota_cores": 1.5}):
        assert machine_name(replace(ENVIRONMENT, **change)) != name  # type: ignore[arg-type]
    for change in ({"label": "attic"}, {"load": 3.0}, {"kernel": "6.2"}):
        assert machine_name(replace(ENVIRONMENT, **change)) == name  # type: ignore[arg-type]
    assert machine_name(replace(ENVIRONMENT, cpu="龍")).startswith("cpu-2c-")


def asv(project: Project, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "asv", *words, "--config", "benchmarks/asv.conf.json"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_asv_itself_reads_the_results(project: Project) -> None:
    project.suite()
    project.write(
        "benchmarks/asv.conf.json",
        """{"version": 1, "project": "tiny", "repo": "..", "branches": ["main"],
        "benchmark_dir": "suite", "results_dir": "../results", "html_dir": "../html"}""",
    )
    commits = []
    for index, seconds in enumerate((0.100, 0.250)):
        project.write("tiny.py", f"# {index}\n")
        commits.append(project.commit(f"number {index}"))
        run = run_of(
            sample("bench.Work.time_work", (seconds, seconds), (seconds * 1.01,)),
            sample("bench.Work.track_count", (6.0,), unit=Unit.COUNT),
            Sample(benchmark=BenchmarkId("bench.time_gone"), unit=Unit.SECONDS, failure="crashed"),
            sample_with_parameters(seconds),
            commit=commits[-1],
            identity=str(index),
        )
        save_run(
            project.root / "results",
            run,
            {
                "bench.Work.time_work": description("bench.Work.time_work", []),
                "bench.Work.track_count": description("bench.Work.track_count", [], "count"),
                "bench.time_gone": description("bench.time_gone", []),
                "bench.time_sized": description("bench.time_sized", [["10", "20"]]),
            },
        )
    base, head = commits
    shown = asv(project, "show", base)
    assert "bench.Work.time_work" in shown
    assert "100" in shown
    assert "failed" in shown
    compared = asv(project, "compare", base, head)
    assert "2.5" in next(line for line in compared.splitlines() if "Work.time_work" in line)
    asv(project, "publish", "--no-pull")
    graph = next((project.root / "html" / "graphs").rglob("bench.Work.time_work.json"))
    assert [point[1] for point in json.loads(graph.read_text())] == [0.1, 0.25]


def sample_with_parameters(seconds: float) -> Sample:
    return Sample(
        benchmark=BenchmarkId("bench.time_sized", ("20",)),
        unit=Unit.SECONDS,
        processes=((seconds,),),
        rounds=(0,),
        source_hash="v1",
    )


def test_the_columns_are_those_of_the_installed_asv() -> None:
    assert Results.api_version == ASV_RESULT_VERSION
    assert Benchmarks.api_version == ASV_BENCHMARKS_VERSION
    assert Machine.api_version == store.ASV_MACHINE_VERSION
