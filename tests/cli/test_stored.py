"""``perfkit compare --stored``: what ``perfkit bench`` stored, judged without measuring."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from tiny_project import Project

pytestmark = pytest.mark.xdist_group("stored")

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report.schema.json"

COUNTS = """
import tiny

class Work:
    def track_exact(self):
        return tiny.work(4)
    track_exact.exact = True

    def track_same(self):
        return 5
    track_same.exact = True
"""
"""Deterministic benchmarks: what stored values say is the same every time."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with stored results of two commits, the second of which does more."""
    project = Project(tmp_path_factory.mktemp("stored") / "project")
    project.suite(COUNTS)
    project.commit("first")
    project.write("tiny.py", "def work(n):\n    return 2 * sum(range(n))\n")
    project.commit("double it")
    for revision in ("HEAD~1", "HEAD"):
        done = project.perfkit("bench", revision, "--rounds", "1")
        assert done.returncode == 0, done.stderr
    return project.root


@pytest.fixture
def benched(stored: Path, tmp_path: Path) -> Project:
    """A copy of it: whatever a test does there is its own."""
    shutil.copytree(stored, tmp_path / "project")
    return Project.at(tmp_path / "project")


def test_stored_results_of_different_runs_are_shown_and_do_not_fail(benched: Project) -> None:
    done = benched.perfkit("compare", "HEAD~1", "--stored", "--json", "--output", "out.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nothing is built
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert (document["status"], document["rounds"]) == ("inconclusive", 0)
    moved, same = document["comparisons"]
    assert (moved["base"]["median"], moved["head"]["median"]) == (6.0, 12.0)
    assert moved["verdict"] == "inconclusive"
    assert moved["reason"] == (
        "looks regressed, but was measured in different runs;"
        " measure both now with perfkit compare HEAD~1 HEAD"
    )
    assert same["verdict"] == "unchanged"
    assert document["head"]["commit"] == benched.git("rev-parse", "HEAD")
    strict = benched.perfkit("compare", "HEAD~1", "HEAD", "--stored", "--strict")
    assert strict.returncode == 3
    assert "nothing was measured now" in strict.stdout
    assert "Measure both sides now, without `--stored`" in strict.stdout
    chosen = benched.perfkit("compare", "HEAD~1", "--stored", "--strict", "--bench", "same")
    assert chosen.returncode == 0
    assert benched.perfkit("comment").returncode == 0


def test_one_run_of_both_commits_may_fail(benched: Project) -> None:
    runs = list(benched.root.glob("results/*/*-py*.json"))
    identities = [json.loads(path.read_text())["perfkit"]["identity"] for path in runs]
    for path, identity in zip(runs, identities, strict=True):
        path.write_text(path.read_text().replace(f'"{identity}"', '"both"'))
    done = benched.perfkit("compare", "HEAD~1", "HEAD", "--stored")
    assert done.returncode == 1, done.stdout
    assert "1 of 2 benchmarks regressed" in done.stdout


def test_uncommitted_changes_are_said_to_be_missing(benched: Project) -> None:
    benched.write("tiny.py", "def work(n):\n    return 1\n")
    done = benched.perfkit("compare", "HEAD~1", "--stored")
    assert done.returncode == 0
    assert "uncommitted changes are not part of stored results" in done.stdout


def test_a_commit_without_stored_results(benched: Project) -> None:
    commit = benched.commit("more results")
    done = benched.perfkit("compare", "HEAD~1", "HEAD", "--stored")
    assert done.returncode == 4
    assert done.stdout == ""
    assert f"no stored result of HEAD ({commit[:10]}); store one with" in done.stderr


def test_base_is_the_nearest_measured_commit_before_the_merge_base(benched: Project) -> None:
    measured = benched.git("rev-parse", "HEAD")
    skipped = benched.commit("not measured")
    benched.git("checkout", "--quiet", "-b", "change")
    benched.write("tiny.py", "def work(n):\n    return 3 * sum(range(n))\n")
    benched.commit("triple it")
    assert benched.perfkit("bench", "HEAD", "--rounds", "1").returncode == 0
    done = benched.perfkit("compare", "--stored", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["base"]["commit"] == measured
    assert document["base"]["label"] == "1 before merge base with main"
    assert document["base"]["between"] == [skipped]
    (said,) = document["warnings"]
    assert said == (
        f"merge base with main ({skipped[:10]}) has no stored result; base is its nearest ancestor"
        f" with one, and the difference holds what lies between: {skipped[:10]}"
    )
    assert [row["head"]["median"] for row in document["comparisons"]] == [18.0, 5.0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "5min"), "--stored measures nothing"),
        (("--max-rounds", "30"), "--stored measures nothing"),
        (("--seed", "3"), "--stored measures nothing"),
        (("--bench", "absent"), "of 2 benchmarks none matches 'absent'"),
    ],
)
def test_what_cannot_be_used_with_stored_results(
    benched: Project, words: tuple[str, ...], said: str
) -> None:
    done = benched.perfkit("compare", "HEAD~1", "--stored", *words)
    assert done.returncode == 2
    assert said in done.stderr
