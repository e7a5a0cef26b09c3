"""check, bench and compare by shards as processes, and their reports merged."""

import json
from pathlib import Path

import jsonschema
import pytest
from tiny_project import Project

from perfkit.__main__ import run

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report.schema.json"

COUNTS = """
import tiny

class Work:
    def track_count(self, n):
        return tiny.work(n)
    track_count.params = [3, 4, 5]
    track_count.exact = True

    def track_same(self):
        return 5
    track_same.exact = True
"""

LIMITS = """\
regression:
  min_rounds: 2
  max_rounds: 2
budgets:
- {name: same, statistic: max, benchmark: bench.Work.track_same, limit: 5count}
- {name: nobody's, benchmark: bench.Work.absent, limit: 1count}
"""


@pytest.fixture
def counted(project: Project) -> Project:
    """A project of four benchmarks, three of which count more in its second commit."""
    project.suite(COUNTS)
    project.write("config/performance_thresholds.yaml", LIMITS)
    project.commit("first")
    project.write("tiny.py", "def work(n):\n    return 2 * sum(range(n))\n")
    project.commit("double it")
    return project


def document(path: Path) -> dict[str, object]:
    values = json.loads(path.read_text("utf-8"))
    jsonschema.validate(values, json.loads(SCHEMA.read_text("utf-8")))
    return dict(values)


def test_two_shards_are_merged_and_a_lost_one_is_noticed(
    counted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    files = [tmp_path / "1.json", tmp_path / "2.json"]
    for index, file in enumerate(files, 1):
        done = counted.perfkit(
            *("check", "HEAD~1", "--head", "HEAD", "--output", str(file)),
            *("--shard", f"{index}/2"),
        )
        assert f"shard {index}/2: 2 of the suite's 4 benchmarks" in done.stdout, done.stderr
    documents = [document(file) for file in files]
    names = [
        [f"{row['benchmark']['name']}{row['benchmark']['params']}" for row in values["comparisons"]]
        for values in documents
    ]
    assert [len(one) for one in names] == [2, 2]
    assert len({*names[0], *names[1]}) == 4
    expected = [values["shard"]["expected"] for values in documents]
    assert expected[0] == expected[1]
    # Each budget is judged once: where its benchmark is measured, or else in the first shard.
    budgets = sorted(row["name"] for values in documents for row in values["budgets"])
    assert budgets == ["nobody's", "same"]
    assert "nobody's" in [row["name"] for row in documents[0]["budgets"]]

    monkeypatch.chdir(tmp_path)  # no repository is needed
    assert run(["merge", *map(str, files), "--json", "--output", "whole.json"]) == 1
    whole = json.loads(capsys.readouterr().out)
    assert whole == document(tmp_path / "whole.json")
    assert whole["perfkit"]["command"] == "merge"
    assert [row["verdict"] for row in whole["comparisons"]] == [*["regressed"] * 3, "unchanged"]
    assert {row["name"]: row["status"] for row in whole["budgets"]} == {
        "same": "passed",
        "nobody's": "error",
    }
    assert whole["shard"] is None
    assert run(["comment", "whole.json"]) == 1
    assert "3 of 4 benchmarks regressed" in capsys.readouterr().out

    lost = 1 + next(index for index in (0, 1) if "bench.Work.track_same[]" in names[index])
    other = files[2 - lost]
    assert run(["merge", str(other)]) == 1  # what regressed stays a regression
    said = capsys.readouterr().out
    assert f"not measured: no report of shard {lost}/2 was given" in " ".join(said.split())
    assert "bench.Work.track_same" in said
    assert f"1 of 2 shards lost: {lost}/2" in said

    assert run(["merge", str(files[0]), str(files[0])]) == 2
    assert "shard 1/2 again" in capsys.readouterr().err
    files[1].write_text(files[1].read_text("utf-8")[:-100])
    assert run(["merge", *map(str, files)]) == 2
    assert f"{files[1]}: not JSON" in capsys.readouterr().err
    assert run(["merge", "absent.json"]) == 2
    assert "absent.json: no such report" in capsys.readouterr().err
    assert run(["merge"]) == 2


def test_more_shards_than_benchmarks(project: Project) -> None:
    project.suite(COUNTS.replace("[3, 4, 5]", "[3]"))
    project.commit("first")
    found = [
        project.perfkit("compare", "HEAD", "HEAD", "--shard", f"{index}/3", "-o", f"out/{index}")
        for index in (1, 2, 3)
    ]
    done = sorted(found, key=lambda one: one.returncode)
    assert [one.returncode for one in done] == [0, 0, 4]
    assert "holds none of the suite's 2 benchmarks: use fewer shards" in done[2].stdout
    whole = project.perfkit("merge", "out/1", "out/2", "out/3")
    assert whole.returncode == 0, whole.stdout
    assert project.perfkit("comment").stdout.startswith("**perfkit** Passed: all 2 benchmarks")


def test_bench_stores_a_shard(project: Project) -> None:
    project.suite(COUNTS)
    project.commit("first")
    runs = []
    for index in (1, 2):
        runs.append(
            project.perfkit("bench", "HEAD", "--rounds", "1", "--shard", f"{index}/2", "--json")
        )
        kept = project.perfkit("baselines", "check", "--json")
        assert kept.returncode == (4 if index == 1 else 0)
        lost = [one["lost"] for one in json.loads(kept.stdout)["lost_shards"]]
        assert lost == ([[2]] if index == 1 else [])
    manifests = [json.loads(done.stdout)["shard"] for done in runs]
    assert [(one["index"], one["count"], one["due"]) for one in manifests] == [
        (1, 2, [1, 2]),
        (2, 2, [1, 2]),
    ]
    assert manifests[0]["suite"] == manifests[1]["suite"]
    names = [[row["name"] for row in json.loads(done.stdout)["benchmarks"]] for done in runs]
    assert [len(one) for one in names] == [2, 2]
    assert len({*names[0], *names[1]}) == 4
    history = json.loads(project.perfkit("history", "--json").stdout)
    assert len(history["series"]) == 4
    none = project.perfkit("bench", "HEAD", "--rounds", "1", "--bench", "same", "--shard", "2/2")
    other = project.perfkit("bench", "HEAD", "--rounds", "1", "--bench", "same", "--shard", "1/2")
    assert sorted([none.returncode, other.returncode]) == [0, 4]
    assert "holds none of the suite's 1 benchmark" in none.stderr + other.stderr
    assert project.perfkit("baselines", "check").returncode == 0  # an empty shard is not lost


@pytest.mark.parametrize("verb", ["bench", "compare", "check"])
def test_what_is_no_shard(project: Project, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    project.suite(COUNTS)
    project.commit("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        assert run([verb, "HEAD", "--shard", "5/4"]) == 2
    assert capsys.readouterr().err == (
        "perfkit: --shard: found '5/4', wanted K/N with 1 <= K <= N <= 1000, such as 2/4.\n"
    )
