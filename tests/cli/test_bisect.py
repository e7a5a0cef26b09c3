"""A bisection over real commits, of a count, which no noise touches."""

import json

import pytest
from tiny_project import Project

from perfkit.benchmarking.bisect import Probe
from perfkit.benchmarking.culprit import answer
from perfkit.model import Verdict

EXACT = """\
from tiny import work

def track_count():
    return work(4)

track_count.exact = True
"""
LEVELS = (6, 6, None, 6, 12, 12)
"""What ``work`` counts at each commit; None does not import."""


@pytest.fixture
def history(project: Project) -> list[str]:
    project.suite(EXACT)
    commits = []
    for number, level in enumerate(LEVELS):
        body = "def work(n:" if level is None else f"def work(n):\n    return {level}"
        project.write("tiny.py", f"# {number}\n{body}\n")
        commits.append(project.commit(f"number {number}"))
    return commits


def test_the_commit_is_found_and_confirmed(project: Project, history: list[str]) -> None:
    done = project.perfkit("bisect", "track_count", history[0], "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["confirmed"] is True
    assert [one["commit"] for one in document["suspects"]] == [history[4]]
    assert document["total"]["verdict"] == document["step"]["verdict"] == "regressed"
    answers = {one["commit"]: one["answer"] for one in document["probed"]}
    assert answers.get(history[2], "does not build") == "does not build"
    assert project.leftovers() == []


def test_a_range_that_cannot_be_narrowed_further_names_nobody(project: Project) -> None:
    project.suite(EXACT)
    project.write("tiny.py", "def work(n): return 6\n")
    good = project.commit("good")
    project.write("tiny.py", "def work(n:\n")
    project.commit("broken")
    project.write("tiny.py", "def work(n): return 12\n")
    project.commit("slower and mended")
    done = project.perfkit("bisect", "track_count", good)
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("One of 2 commits slowed bench.track_count: x2")
    assert "broken: does not build" in done.stdout


def test_ends_that_do_not_differ_have_no_culprit(project: Project, history: list[str]) -> None:
    done = project.perfkit("bisect", "track_count", history[0], history[1])
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("GOOD and BAD do not differ in bench.track_count: unchanged")
    same = project.perfkit("bisect", "track_count", history[1], history[1])
    assert same.returncode == 2
    assert "are the same commit" in same.stderr


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Verdict.REGRESSED, Probe.BAD),
        (Verdict.IMPROVED, Probe.GOOD),
        (Verdict.UNCHANGED, Probe.GOOD),
        (Verdict.INCONCLUSIVE, Probe.UNDECIDED),
        (Verdict.FAILED, Probe.UNBUILDABLE),
        (Verdict.MISSING, Probe.UNBUILDABLE),
        (Verdict.NEW, Probe.UNBUILDABLE),
        (Verdict.DIFFERENT_WORK, Probe.UNBUILDABLE),
    ],
)
def test_what_a_verdict_says_of_a_commit(found: Verdict, said: Probe) -> None:
    assert answer(found, Verdict.REGRESSED) is said
