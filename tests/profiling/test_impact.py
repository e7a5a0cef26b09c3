"""A change laid over profiles made by hand, and over real ones in a real repository."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from profiling_sessions import frame, recording
from tiny_project import Project

from perfkit.__main__ import run
from perfkit.model import Impact
from perfkit.profiling.impact import KnownPath, impact
from perfkit.profiling.saved import Origin, session_text
from perfkit.profiling.sources import Sources
from perfkit.profiling.stored import profile_file
from perfkit.profiling.touched import ChangedFunction
from perfkit.reporting.impact_text import MAP, impact_line

MAIN = frame("main", "/project/app.py", 1)
RUN = frame("run", "/project/app.py", 10, cls="Child")
LIB = frame("loads", "/lib/json.py", 5)


def touched(
    name: str, *, old: str | None = "app.py", new: str | None = "app.py"
) -> ChangedFunction:
    return ChangedFunction(old=old, new=new, name=name, line=10, lines=2)


def laid(*changed: ChangedFunction, stacks: Sequence[dict[tuple[str, ...], float]]) -> Impact:
    paths = [
        KnownPath(
            recording=recording(stack, target=f"bench:{number}"),
            sources=Sources(("/project",)),
            commit="abc",
            behind=number,
        )
        for number, stack in enumerate(stacks)
    ]
    return impact("main", changed, paths)


def test_shares_of_the_path_of_each_function_and_of_the_whole_change() -> None:
    one = {(MAIN,): 10.0, (MAIN, RUN): 30.0, (MAIN, RUN, LIB): 20.0, (LIB,): 40.0}
    other = {(MAIN, LIB): 50.0, (LIB,): 50.0}
    found = laid(touched("Base.run"), touched("main"), touched("cold"), stacks=[one, other])
    by_name = {row.function: row for row in found.touched}
    assert [row.function for row in found.hot] == ["main", "Base.run"]
    run_row = by_name["Base.run"]
    [hit] = run_row.targets
    assert (hit.target, hit.share, hit.own_share) == ("bench:0", *[pytest.approx(0.5)] * 2)
    assert by_name["main"].share == pytest.approx(0.6)
    assert by_name["main"].targets[1].target == "bench:1"
    assert by_name["cold"].targets == ()
    assert [(path.target, round(path.share, 3)) for path in found.paths] == [
        ("bench:0", 0.6),
        ("bench:1", 0.5),
    ]
    assert impact_line(found) == (
        "2 touched functions on stored paths since main, most: 60 % of bench:0 goes through what"
        " was touched (a map, not a measurement)."
    )


def test_a_profile_may_have_the_old_name_of_a_file_or_the_new_one() -> None:
    moved = touched("main", old="app.py", new="new.py")
    assert laid(moved, stacks=[{(MAIN,): 5.0}]).hot[0].place == "new.py:10"
    moved = touched("main", old="old.py", new="app.py")
    assert laid(moved, stacks=[{(MAIN,): 5.0}]).hot
    assert not laid(touched("main", old="x.py", new="y.py"), stacks=[{(MAIN,): 5.0}]).hot


def test_a_qualified_name_wins_over_a_bare_one() -> None:
    other = frame("run", "/project/app.py", 30, cls="Other")
    found = laid(touched("Child.run"), stacks=[{(RUN,): 30.0, (other,): 70.0}])
    assert found.hot[0].share == pytest.approx(0.3)


def test_what_no_profile_can_place_is_told_apart() -> None:
    stack = {(MAIN,): 5.0}
    assert laid(touched("main"), stacks=[stack]).unmapped == ()
    outside = [touched("<module>"), touched("<module>", old="b.py", new=None), touched("main")]
    assert laid(*outside, stacks=[stack]).unmapped == (
        "app.py: lines outside of functions changed",
        "b.py: lines outside of functions changed",
    )
    assert impact("main", [], [], ["a note"], ["no Python: x"]).unmapped == ("no Python: x",)


def test_what_meets_no_profile_is_said_in_one_line() -> None:
    assert impact_line(laid(touched("cold"), stacks=[{(MAIN,): 5.0}])) == (
        "1 touched function since main is on no path of 1 stored profile."
    )
    assert impact_line(laid(stacks=[{(MAIN,): 5.0}])) == (
        "Since main no Python function was touched (1 stored profile)."
    )


@pytest.fixture
def mapped(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a stored profile of its first commit, and a change after it."""
    project.suite()
    project.write("tiny.py", "def helper(n):\n    return n\n\n\ndef work(n):\n    return n\n")
    project.write("gone.py", "def old():\n    return 1\n")
    first = project.commit("first")
    store(project, "bench:bench.Work.time_work", first, "work")
    project.write("other.txt", "later")
    project.commit("second")
    project.write("tiny.py", "def helper(n):\n    return n\n\n\ndef work(n):\n    return n + 1\n")
    (project.root / "gone.py").unlink()
    (project.root / "logo.png").write_bytes(b"\0")
    monkeypatch.chdir(project.root)
    return project


def store(project: Project, target: str, commit: str, function: str) -> None:
    stack = (frame(function, str(project.root / "tiny.py"), 5),)
    text = session_text(
        recording({stack: 20.0}, target=target), Origin(roots=(str(project.root),), commit=commit)
    )
    folder = project.root / ".perfkit" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n")
    profile_file(folder, target).write_text(text)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(list(words))
    said = capsys.readouterr()
    return code, " ".join(said.out.split()), said.err


@pytest.mark.usefixtures("mapped")
def test_the_change_of_the_working_tree_is_laid_over_what_is_stored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = told(capsys, "impact", "HEAD")
    assert code == 0
    assert "work tiny.py:5 bench:bench.Work.time_work 100 %" in out
    assert "is 1 commit older than the base" in out
    assert "one file is no Python, which profiles cannot place: logo.png" in out
    assert MAP in out
    code, out, _ = told(capsys, "impact", "HEAD", "--json")
    document = json.loads(out)
    assert document["impact"]["note"] == MAP
    rows = {row["function"]: row for row in document["impact"]["touched"]}
    assert rows["work"]["targets"][0]["target"] == "bench:bench.Work.time_work"
    assert (rows["old"]["deleted"], rows["old"]["targets"]) == (True, [])
    assert document["impact"]["paths"][0]["behind"] == 1
    assert document["impact"]["unmapped"] == [
        "one file is no Python, which profiles cannot place: logo.png"
    ]


def test_without_profiles_it_says_how_to_get_some(
    mapped: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = told(capsys, "impact", "HEAD", "--profile", "absent")
    assert code == 2
    assert "perfkit impact --record" in err
    empty = mapped.root / "empty"
    empty.mkdir()
    assert told(capsys, "impact", "HEAD", "--profile", "empty")[0] == 2
    code, _, err = told(capsys, "impact", "HEAD", "--bench", "x")
    assert (code, "--record" in err) == (2, True)
    code, _, err = told(capsys, "impact", "--record", "--profile", "tiny.py")
    assert (code, "needs a folder" in err) == (2, True)


def test_the_compare_takes_what_the_map_reaches_and_says_so(
    mapped: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mapped.suite(
        "import tiny\n"
        "class Work:\n"
        "    rounds = repeat = number = 1\n"
        "    warmup_time = 0\n"
        "    def time_work(self):\n        tiny.work(9)\n"
        "    def time_cold(self):\n        tiny.helper(9)\n"
        "    def track_count(self):\n        return 3\n"
    )
    first = mapped.git("rev-list", "--max-parents=0", "HEAD")
    store(mapped, "bench:bench.Work.time_cold", first, "elsewhere")
    code, out, err = told(capsys, "compare", "HEAD", "--only-touched", "--no-culprits", "--json")
    document = json.loads(out)
    rows = {row["benchmark"]["name"]: row for row in document["comparisons"]}
    assert set(rows) == {f"bench.Work.{one}" for one in ("time_cold", "time_work", "track_count")}
    assert "left out 1 benchmark" in document["warnings"][-1]
    # An old profile shows nothing of what it does not meet.
    assert (rows["bench.Work.time_cold"]["verdict"], rows["bench.Work.time_cold"]["reason"]) == (
        "inconclusive",
        "left out by --only-touched, but its stored profile is 1 commit older than the base",
    ), err
    assert rows["bench.Work.time_cold"]["unit"] == "s"
    assert (code, document["status"]) == (0, "inconclusive")
    assert "a map, not a measurement" in document["impact"]
    code, _, err = told(capsys, "compare", "HEAD", "--only-touched", "--bench", "x")
    assert (code, "leave out --bench" in err) == (2, True)
    code, _, err = told(capsys, "compare", "HEAD", "--only-touched", "--stored")
    assert (code, "leave it out" in err) == (2, True)


def test_prose_is_in_no_profile_and_needs_none(
    mapped: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mapped.git("checkout", "--quiet", "--", "tiny.py")
    (mapped.root / "logo.png").unlink()
    for name in ("NEWS.md", "plans/more.md"):
        (mapped.root / name).parent.mkdir(exist_ok=True)
        (mapped.root / name).write_text("words\n", "utf-8")
    found = json.loads(told(capsys, "impact", "HEAD", "--json")[1])["impact"]
    assert found["unmapped"] == []
    (mapped.root / "plans" / "code.py").write_text("x = 1\n", "utf-8")
    found = json.loads(told(capsys, "impact", "HEAD", "--json")[1])["impact"]
    assert found["unmapped"][0].endswith("profiles cannot place: plans/more.md")


def test_a_map_that_is_not_there_measures_nothing(
    mapped: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (mapped.root / ".perfkit" / "profiles").iterdir():
        path.unlink()
    code, _, err = told(capsys, "compare", "HEAD", "--only-touched")
    assert (code, "needs stored profiles" in err) == (2, True)


def test_recording_stores_one_profile_of_each_time_benchmark(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project.suite(
        "import tiny\n"
        "class Work:\n"
        "    def time_work(self):\n        tiny.work(200000)\n"
        "    def time_bad(self):\n        raise RuntimeError('no')\n"
        "    def track_count(self):\n        return 1\n"
    )
    project.commit("first")
    monkeypatch.chdir(project.root)
    assert run(["impact", "HEAD", "--record"]) == 0
    said = capfd.readouterr()
    assert "not stored: bench:bench.Work.time_bad raised RuntimeError" in said.err
    [path] = (project.root / ".perfkit" / "profiles").iterdir()
    document = json.loads(path.read_text("utf-8"))
    assert document["perfkit"]["recording"]["target"] == "bench:bench.Work.time_work"
    assert document["perfkit"]["origin"]["commit"] == project.git("rev-parse", "HEAD")
    assert project.leftovers() == []
    assert not Path(document["perfkit"]["origin"]["roots"][0]).exists()
