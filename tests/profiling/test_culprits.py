"""The functions behind a regression, found on real builds."""

import json
from dataclasses import replace
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from profiling_sessions import frame, recording
from rich.console import Console
from tiny_project import Project

from perfkit.__main__ import run
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.sides import Sides as Built
from perfkit.benchmarking.sides import both_built
from perfkit.benchmarking.suite import find_suite
from perfkit.config.thresholds import CulpritSearch
from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.forge.git import Repository
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    Report,
    Shift,
    Summary,
    Unit,
    Verdict,
)
from perfkit.profiling import culprits
from perfkit.profiling.culprits import regressions, with_culprits
from perfkit.profiling.difference import Profiled, Sides, difference
from perfkit.profiling.flame import difference_tree
from perfkit.profiling.interleaved import Taken
from perfkit.profiling.sources import Sources
from perfkit.reporting.difference_text import difference_html, difference_text

pytestmark = pytest.mark.usefixtures("unmeasured")

LIBRARY = """
def plain(n):
    return sum(number % 7 for number in range(n))

def scanned(n):
    {body}

def work(n):
    return plain(n) + scanned(n)

def main():
    work(60_000)
"""
SUITE = """
from tiny import work

class Work:
    def time_work(self):
        work(20_000)
"""


@pytest.fixture
def slowed(project: Project) -> Project:
    """A project whose working tree scans in a renamed file, and whose base did not."""
    project.suite(SUITE)
    project.write("tiny.py", LIBRARY.format(body="return n"))
    project.commit("first")
    body = "return sum(number % 5 for number in range(9 * n))"
    project.write("tiny.py", LIBRARY.format(body=body))
    return project


def regressed(name: str, ratio: float = 2.0, **more: object) -> Comparison:
    side = Summary(median=0.005, low=0.005, high=0.005, n=6)
    shift = Shift(
        verdict=Verdict.REGRESSED,
        ratio=Interval(ratio * 0.9, ratio, ratio * 1.1, 0.99),
        p_value=0.001,
        floor=0.05,
        n_base=6,
        n_head=6,
        design="interleaved",
    )
    values: dict[str, object] = {"unit": Unit.SECONDS, "verdict": Verdict.REGRESSED} | more
    return Comparison(benchmark=BenchmarkId(name), base=side, head=side, shift=shift, **values)  # type: ignore[arg-type]


def report(*rows: Comparison) -> Report:
    return Report(command="compare", comparisons=rows)


def searched(
    found: Report, sides: Built, *, sessions: int = 2, benchmarks: int = 3
) -> tuple[Report, list[str]]:
    said: list[str] = []
    ticks = count()
    search = CulpritSearch(benchmarks=benchmarks, sessions=sessions, time_budget="1000s")
    done = with_culprits(
        found, sides, search, seed=0, clock=lambda: float(next(ticks)), progress=said.append
    )
    return done, said


def test_the_slowed_function_of_a_built_benchmark_comes_first(slowed: Project) -> None:
    repository = Repository(slowed.root)
    suite = find_suite(slowed.root)
    base, head = repository.resolve("HEAD"), repository.working_tree()
    with both_built(repository, base, head, suite) as sides:
        name = "bench.Work.time_work"
        done, said = searched(report(regressed(name), regressed("bench.absent", 1.5)), sides)
        absent, row = sorted(done.comparisons, key=lambda one: str(one.benchmark))[::-1]
        absent, row = (row, absent) if row.benchmark.name == "bench.absent" else (absent, row)
        assert row.culprits[0].function == "scanned"
        assert row.culprits[0].place == "tiny.py:5"
        assert row.culprits[0].explained == pytest.approx(1, abs=0.3)
        assert not row.culprits[0].significant  # two sessions cannot be
        assert row.culprit_note.startswith("not significant, seen in 2+2 profiles")
        assert absent.culprits == ()
        assert absent.culprit_note.startswith("culprits were not found: bench:bench.absent")
        assert said[0] == "profiling bench.Work.time_work: 2 sessions of each side, in turns"
        assert (done.warnings, done.interrupted) == ((), False)

        other = replace(
            sides, head=replace(sides.head, interpreter=Interpreter(python=Path("/other")))
        )
        done, _ = searched(report(regressed(name)), other)
        assert "interpreters of their own" in done.comparisons[0].culprit_note
        assert done.comparisons[0].culprits == ()
    assert slowed.leftovers() == []


def test_regressed_times_that_nobody_accepted_are_searched_the_worst_first() -> None:
    rows = (
        regressed("mild", 1.2),
        regressed("worst", 9.0),
        regressed("memory", unit=Unit.BYTES),
        regressed("accepted", waived="known"),
        regressed("flaky", 30.0, quarantined="flaps"),
        regressed("faster", verdict=Verdict.IMPROVED),
    )
    assert [str(row.benchmark) for row in regressions(report(*rows))] == ["worst", "mild"]


@pytest.fixture
def without_builds(monkeypatch: pytest.MonkeyPatch) -> Built:
    """Sides that are never run: where they would be, a test says what happens."""
    monkeypatch.setattr(culprits, "place", lambda *_: None)
    side = type("Side", (), {"interpreter": Interpreter()})()
    return Built(base=side, head=side)


def test_what_hinders_the_search_is_said_and_the_verdicts_stay(
    without_builds: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> Taken:
        raise MeasurementError("it ended itself")

    monkeypatch.setattr(culprits, "interleaved", failing)
    rows = regressed("a", 3.0), regressed("b", 2.0)
    done, _ = searched(report(*rows), without_builds, benchmarks=1)
    assert done.comparisons[0].culprit_note == "culprits were not found: it ended itself"
    assert done.comparisons[1] == rows[1]
    assert done.warnings == (
        "culprits were looked for in the 1 worst of 2 regressions (culprits.benchmarks)",
    )
    assert [row.verdict for row in done.comparisons] == [row.verdict for row in rows]
    assert searched(report(*rows), without_builds, benchmarks=0)[0] == report(*rows)
    stopped = replace(report(*rows), interrupted=True)
    assert searched(stopped, without_builds)[0] == stopped


def test_an_interrupt_keeps_the_report(
    without_builds: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Taken:
        raise InterruptedMeasurementError("stop")

    monkeypatch.setattr(culprits, "interleaved", interrupted)
    done, _ = searched(report(regressed("a")), without_builds)
    assert done.interrupted
    assert done.comparisons[0].verdict is Verdict.REGRESSED


MAIN = frame("main", "/project/app.py", 1)
SLOW = frame("<slow>", "/project/app.py", 9)
FAST = frame("fast", "/project/app.py", 20)


def both() -> Sides:
    def side(label: str, **costs: float) -> Profiled:
        stacks = {(MAIN, SLOW): costs["slow"], (MAIN, MAIN, FAST): costs["fast"], (MAIN,): 5.0}
        return Profiled(
            label=label,
            recordings=[recording(stacks)] * 5,
            sources=Sources(("/project",)),
            timed=True,
        )

    return Sides(base=side("main", slow=20, fast=75), head=side("</script>", slow=120, fast=25))


def test_the_tree_of_both_sides_has_every_path_once_and_recursion_folded() -> None:
    nodes = {(node.depth, node.function): node for node in difference_tree(both())}
    assert set(nodes) == {(0, "all calls"), (1, "main"), (2, "<slow>"), (2, "fast")}
    assert nodes[0, "all calls"].base == pytest.approx(1)
    assert nodes[0, "all calls"].head == pytest.approx(1.5)
    assert nodes[2, "<slow>"].head - nodes[2, "<slow>"].base == pytest.approx(1.0)
    assert nodes[2, "fast"].place == "app.py:20"


def test_the_page_is_whole_and_nothing_ends_its_data() -> None:
    found = difference(both())
    page = difference_html(found, difference_tree(both()))
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page
    data = page.partition('id="data">')[2].partition("</script>")[0]
    values = json.loads(data)
    assert values["base"] == "main"
    assert values["head"] == "</script>"
    assert [row["function"] for row in values["rows"]] == ["<slow>", "fast"]
    assert values["nodes"][0] == [0, "all calls", "", 1.0, 1.5]
    assert "repeating-linear-gradient" in page  # stripes, where there is no colour


def test_the_table_says_before_after_and_part() -> None:
    console = Console(file=StringIO(), width=120)
    console.print(difference_text(difference(both())))
    assert isinstance(console.file, StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "Time 10.00 ms -> 10.00 ms per call (+0.0 %), without the profiler" in lines
    assert "20 % 120 % 200 % 0.0079 + <slow> app.py:9" in lines
    assert any(line.endswith("- fast app.py:20") for line in lines)


def said(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(list(words))
    text = capfd.readouterr()
    return code, text.out, text.err


def test_a_callable_is_compared_with_a_commit_and_with_a_saved_set(
    slowed: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(slowed.root)
    page = slowed.root / "out.html"
    options = ("--compare", "HEAD", "--sessions", "2", "--html", str(page), "--memory")
    code, out, err = said(capfd, "profile", "tiny:main", *options, "--json")
    assert code == 0, err
    document = json.loads(out)
    # Neither side keeps a KiB that the other does not.
    assert document["allocations"] == []
    found = document["difference"]
    assert found["rows"][0]["function"] == "scanned"
    assert (found["base"], found["head"], found["sessions"]) == ("HEAD", "working tree", [2, 2])
    assert found["head_seconds"] > found["base_seconds"] > 0
    assert "2 sessions a side cannot show a difference" in found["warnings"][0]
    assert "scanned" in page.read_text("utf-8")
    page.unlink()
    assert slowed.leftovers() == []

    code, out, err = said(capfd, "profile", "tiny:main", "--save", "../set", "--sessions", "2")
    assert code == 0, err
    assert "kept 2 sessions in ../set" in err
    assert len(list((slowed.root.parent / "set").iterdir())) == 2
    slowed.write("tiny.py", LIBRARY.format(body="return n"))
    code, out, err = said(
        capfd, "profile", "tiny:main", "--compare", "../set", "--sessions", "2", "--json"
    )
    assert code == 0, err
    found = json.loads(out)["difference"]
    assert found["rows"][-1]["function"] == "scanned"
    assert found["rows"][-1]["head"] < found["rows"][-1]["base"]
    assert found["warnings"][0].startswith("base was recorded at another time")
    code, _, err = said(capfd, "profile", "tiny:main", "--compare", "../set", "--memory")
    assert (code, "keeps times and no allocations" in err) == (2, True)
    code, _, err = said(capfd, "profile", "tiny:plain", "--compare", "../set")
    assert (code, "the two cannot be compared" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sessions", "3"), "--sessions is for --compare and --save"),
        (("--compare", "HEAD", "--save", "x"), "give one of them"),
        (("--compare", "HEAD", "--sessions", "1"), "found 1, wanted 2 or more"),
        (("--compare", "HEAD", "-o", "x.html"), "--output: about one recording"),
        (("--save", "x", "--html", "y"), "--html: about one recording"),
        (("--compare", "no-such"), "'no-such' is not a commit"),
    ],
)
def test_what_does_not_go_together_is_refused(
    slowed: Project,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(slowed.root)
    code, out, err = said(capfd, "profile", "tiny:main", *words)
    assert (code, out) == (2, "")
    assert message in err
