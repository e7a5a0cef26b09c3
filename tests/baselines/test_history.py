"""Stored results become series in the order of a branch, and the history of a folder."""

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_results import asv_file, store
from tiny_project import Project

from perfkit.baselines import analyses
from perfkit.baselines.analyses import kept_history
from perfkit.baselines.descriptions import unit_of_name, unit_of_results
from perfkit.baselines.history import Selection, stored_history
from perfkit.baselines.index import FOLDER, read_results
from perfkit.baselines.series import commits_by_date, machine_labels, series_of
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.model import Series, Unit
from perfkit.stats.history import history_of


def series(folder: Path, order: list[str]) -> dict[str, tuple[float, ...]]:
    found = series_of(read_results(folder)[0], order, unit_of=unit_of_results(folder))
    return {one.name: one.values for one in found}


COMMITS = [letter * 40 for letter in "abcd"]


def test_points_come_in_the_order_of_the_branch(tmp_path: Path) -> None:
    for value, commit in zip((1.0, 2.0, 3.0), ("c" * 40, "a" * 40, "d" * 40), strict=True):
        store(tmp_path, {"x.time_one": [[value]]}, commit=commit)
    store(tmp_path, {"x.time_two": [[9.0]]}, commit="d" * 40, identity="2")
    store(tmp_path, {"x.time_one": [[7.0]]}, commit="e" * 40, identity="3")  # of another branch
    store(tmp_path, {"x.time_one": [[8.0]]}, commit="a" * 40, identity="4", dirty=True)
    found = series_of(read_results(tmp_path)[0], COMMITS, unit_of=unit_of_name)
    assert [one.labels for one in found] == [("a" * 40, "c" * 40, "d" * 40)] * 2
    assert found[0].values == (2.0, 1.0, 3.0)
    assert repr(found[1].values) == repr((math.nan, math.nan, 9.0))


def test_a_commit_measured_several_times_is_one_point(tmp_path: Path) -> None:
    for number, value in enumerate((1.0, 5.0, 2.0)):
        store(tmp_path, {"x.time_one": [[value]]}, identity=str(number))
    assert series(tmp_path, ["c" * 40]) == {"x.time_one": (2.0,)}


def test_results_of_another_version_of_the_benchmark_are_left_out(tmp_path: Path) -> None:
    for number, (commit, version) in enumerate(
        zip(COMMITS, ("old", "old", None, "new"), strict=True)
    ):
        asv_file(tmp_path, {"x.time_one": [[float(number)], [], version]}, commit=commit)
    (found,) = series_of(read_results(tmp_path)[0], COMMITS, unit_of=unit_of_name)
    assert repr(found.values) == repr((math.nan, math.nan, 2.0, 3.0))
    assert found.notes == ("left out: 2 results of other versions of the benchmark",)


def test_a_name_is_not_an_identity(tmp_path: Path) -> None:
    for number, (commit, cpu) in enumerate(zip(COMMITS, ("A", "A", "B", "A"), strict=True)):
        asv_file(
            tmp_path,
            {"x.time_one": [[1.0 + number], [], "v"]},
            commit=commit,
            # Hosted runners: a new name at every job, a kernel and memory that vary.
            machine={"machine": f"runner-{number}", "cpu": cpu, "os": f"Linux 6.{number}",
                     "ram": str(number)},
        )  # fmt: skip
    collection, _ = read_results(tmp_path)
    found = series_of(collection, COMMITS, unit_of=unit_of_name)
    assert [len([v for v in one.values if math.isfinite(v)]) for one in found] == [3, 1]
    assert [len(labels) for labels in machine_labels(collection).values()] == [3, 1]


def test_a_machine_without_facts_keeps_its_name(tmp_path: Path) -> None:
    for machine in ("one", "two"):
        asv_file(
            tmp_path,
            {"x.time_one": [[1.0], [], "v"]},
            machine={"machine": machine, "cpu": "", "num_cpu": ""},
        )
    assert set(machine_labels(read_results(tmp_path)[0])) == {"one", "two"}


def test_units_come_from_the_run_the_descriptions_or_the_name(tmp_path: Path) -> None:
    asv_file(tmp_path, {"x.track_it": [[1.0], [], "v"], "x.peakmem_it": [[2.0], [], "v"]})
    (tmp_path / "benchmarks.json").write_text('{"x.track_it": {"unit": "seconds"}, "version": 2}')
    found = series_of(read_results(tmp_path)[0], ["a" * 40], unit_of=unit_of_results(tmp_path))
    assert [(one.name, one.unit) for one in found] == [
        ("x.peakmem_it", Unit.BYTES),
        ("x.track_it", Unit.SECONDS),
    ]
    (tmp_path / "benchmarks.json").write_text("<<<<<<<")
    assert unit_of_results(tmp_path)("x.track_it") is Unit.COUNT


@settings(max_examples=30)
@given(st.data())
def test_the_matrix_is_what_the_files_say(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("results")
    wanted: dict[tuple[str, str], list[float]] = {}
    number = st.sampled_from([math.nan, 1.0, 2.0, 4.0])
    files = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(COMMITS),
                st.dictionaries(st.sampled_from(["x.time_a", "x.time_b"]), number, min_size=1),
            ),
            max_size=6,
        )
    )
    for index, (commit, values) in enumerate(files):
        path = asv_file(
            folder, {name: [[value], [], "v"] for name, value in values.items()}, commit=commit
        )
        path.rename(path.with_name(f"{index}-{path.name}"))
        for name, value in values.items():
            wanted.setdefault((name, commit), []).append(value)
    # Two files of one content are one file, so the same values twice weigh once.
    found = series_of(read_results(folder)[0], COMMITS, unit_of=unit_of_name)
    for one in found:
        for label, value in zip(one.labels, one.values, strict=True):
            known = {v for v in wanted.get((one.name, label), []) if math.isfinite(v)}
            assert (
                (value in known or min(known) <= value <= max(known))
                if known
                else (math.isnan(value))
            )


def test_commits_by_date(tmp_path: Path) -> None:
    for commit, date in zip(COMMITS, (4, 2, 3, 1), strict=True):
        asv_file(tmp_path, {"x.time_one": [[1.0], [], "v"]}, commit=commit, date=date)
    assert commits_by_date(read_results(tmp_path)[0]) == ["d" * 40, "b" * 40, "c" * 40, "a" * 40]


def noisy(count: int, *, step: float = 1.0) -> list[float]:
    rng = random.Random(1)
    values = [rng.gauss(1.0, 0.01) for _ in range(count)]
    half = count // 2
    return values[:half] + [value * step for value in values[half:]]


def test_a_kept_analysis_is_the_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = tuple(f"{index:040x}" for index in range(60))
    many = [
        Series(name=name, group="m", unit=Unit.SECONDS, labels=labels, values=tuple(values))
        for name, values in {
            "step": noisy(60, step=1.3),
            "still": noisy(60),
            "gaps": [
                math.nan if index % 9 == 0 else v for index, v in enumerate(noisy(60, step=2))
            ],
            "zero": [0.0] * 30 + [1.0] * 30,
            "few": [1.0, math.nan] * 30,
        }.items()
    ]
    read_results(tmp_path)
    first = kept_history(tmp_path, many, alpha=0.01, min_effect=0.01)
    assert repr(first) == repr(history_of(many, alpha=0.01, min_effect=0.01))
    with monkeypatch.context() as patched:
        patched.setattr(analyses, "history_of", lambda *_, **__: pytest.fail("analysed again"))
        assert repr(kept_history(tmp_path, many, alpha=0.01, min_effect=0.01)) == repr(first)
    changed = [replace(many[0], values=(*many[0].values[:-1], 9.0)), *many[1:]]
    for other, options in ((many, {"alpha": 0.05}), (changed, {"alpha": 0.01})):
        anew = kept_history(tmp_path, other, min_effect=0.01, **options)
        assert repr(anew) == repr(history_of(other, min_effect=0.01, **options))
    assert len(list((tmp_path / FOLDER).glob("*.history"))) == 3
    for path in (tmp_path / FOLDER).glob("*.history"):
        path.write_text('{"trends": 3}')
    assert repr(kept_history(tmp_path, many, alpha=0.01, min_effect=0.01)) == repr(first)


def measured(project: Project, values: list[float]) -> list[str]:
    commits = []
    for index, value in enumerate(values):
        project.write("tiny.py", f"# {index}\n")
        commits.append(project.commit(f"Change {index}"))
        store(
            project.root / "results",
            {"x.time_one": [[value]], "x.time_still": [[1.0 + 0.01 * (index % 3)]]},
            commit=commits[-1],
            identity=f"{index:03d}",
        )
    return commits


def test_the_history_of_a_project(project: Project) -> None:
    project.suite()
    commits = measured(project, noisy(24, step=1.5))
    done = project.perfkit("history", "--html", "page.html", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (event,) = document["events"]
    assert (event["label"], event["subject"]) == (commits[12], "Change 12")
    assert event["outlook"] == "regression"
    assert [one["label"] for one in document["commits"]] == commits
    page = (project.root / "page.html").read_text()
    assert "Change 12" in page
    text = project.perfkit("history", "--bench", "one").stdout
    assert "Regressions that stand" in text
    assert "Change 12" in text
    assert "time_still" not in text
    done = project.perfkit("history", "--csv", "points.csv", "--json")
    assert json.loads(done.stdout) == document | {"perfkit": document["perfkit"]}
    rows = (project.root / "points.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 24
    assert rows[0] == "group,series,unit,commit,date,value"
    for since, events in ((commits[11], 1), (commits[12], 0), ("2001-01-01", 1), ("2990-01-01", 0)):
        found = json.loads(project.perfkit("history", "--since", since, "--json").stdout)
        assert len(found["events"]) == events, since
    for words, sentence in (
        (("--since", "nowhere"), "'nowhere' is not a commit"),
        (("--machine", "("), "--machine: '(' is no regular expression"),
    ):
        refused = project.perfkit("history", *words)
        assert refused.returncode == 2
        assert sentence in refused.stderr
    assert project.perfkit("history", "--machine", "other").returncode == 4
    # Results there are, but a branch that shares no commit with them has none of its own.
    project.git("checkout", "--quiet", "--orphan", "apart")
    project.git("commit", "--quiet", "--allow-empty", "-m", "Begin anew")
    apart = project.perfkit("history")
    assert apart.returncode == 4
    assert (
        "holds results of 24 commits, none of them on the line of first parents of HEAD; the newest"
        " is "
    ) in apart.stderr
    assert "--branch" in apart.stderr


def test_a_folder_of_elsewhere_is_read_in_the_order_of_its_dates(
    tmp_path: Path, project: Project
) -> None:
    folder = tmp_path / "elsewhere"
    for index, value in enumerate(noisy(20, step=1.5)):
        asv_file(folder, {"x.time_one": [[value], [], "v"]}, commit=f"{index:08x}".ljust(40, "0"),
                 date=index)  # fmt: skip
    (folder / "runner-1" / "broken.json").write_text("{")
    options = {"since": None, "alpha": 0.01, "min_effect": 0.01}
    project.suite()
    project.commit("Begin")
    for repository in (None, Repository(project.root)):
        found = stored_history(folder, repository, "HEAD", Selection(), **options)
        assert len(found.events) == 1
        assert found.notes[0].startswith("the commits are not known here")
    short = stored_history(folder, None, "", Selection(), **{**options, "since": "0000000a"})
    assert short.events == ()
    with pytest.raises(UsageError, match="neither a date"):
        stored_history(folder, None, "", Selection(), **{**options, "since": "0000"})
    with pytest.raises(MeasurementError, match="--bench and --machine match"):
        stored_history(folder, None, "", Selection.of(["no"], []), **options)
