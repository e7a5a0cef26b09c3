"""compare, check, bench and comment on a small real project."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tiny_project import EXACT, ONE_ROUND, Project, without_coverage

from perfkit import __version__
from perfkit.baselines.store import read_runs
from perfkit.benchmarking import sides
from perfkit.forge.git import Repository
from perfkit.machine.interpreter import packages_digest, read_interpreter
from perfkit.model import Revision

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report.schema.json"


def envelope(text: str) -> dict[str, object]:
    """Return the one JSON document of a stdout, checked against the published schema."""
    document = json.loads(text)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    return dict(document)


@pytest.fixture
def grown(project: Project) -> Project:
    """A project whose second commit does more of what the benchmark counts."""
    project.suite(EXACT)
    project.commit("first")
    project.write("tiny.py", "def work(n):\n    return 2 * sum(range(n))\n")
    project.commit("double it")
    return project


def test_a_regression_fails_and_its_comment_too(grown: Project) -> None:
    words = ("compare", "HEAD~1", "HEAD", "--output", "out/report.json", "--json")
    done = grown.perfkit_process(*words)
    assert done.returncode == 1, done.stderr
    document = envelope(done.stdout)
    assert document["perfkit"]["command"] == "compare"
    assert (document["status"], document["exit_code"]) == ("failed", 1)
    (row,) = document["comparisons"]
    assert (row["verdict"], row["status"]) == ("regressed", "failed")
    assert (row["base"]["median"], row["head"]["median"]) == (6.0, 12.0)
    assert document["base"]["subject"] == "first"
    assert document["head"] == {
        "label": "HEAD",
        "commit": grown.git("rev-parse", "HEAD"),
        "dirty": False,
        "subject": "double it",
        "between": [],
    }
    assert done.stderr.splitlines()[0] == "building HEAD~1 and HEAD"
    assert json.loads((grown.root / "out" / "report.json").read_text()) == document
    said = grown.perfkit("comment")
    assert said.returncode == 1
    assert said.stdout.startswith("**perfkit** Failed: 1 of 1 benchmarks regressed")
    assert said.stderr == ""
    again = grown.perfkit("comment", "out/report.json", "--json")
    assert again.returncode == 1
    assert json.loads(again.stdout)["markdown"] == said.stdout
    assert grown.leftovers() == ["?? out/"]


def test_the_report_for_people(grown: Project) -> None:
    chosen = max(os.sched_getaffinity(0))
    done = grown.perfkit("compare", "HEAD~1", "--cpu-affinity", str(chosen))
    assert done.returncode == 1
    assert f"measured on processor {chosen}" in " ".join(done.stdout.split())
    assert "Failed: 1 of 1 benchmarks regressed, most bench.Work.track_count x2." in done.stdout
    assert "x2 [x2, x2]" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    same = grown.perfkit("compare", "HEAD", "HEAD", "--strict")
    assert same.returncode == 0
    assert "Passed: the benchmark unchanged." in same.stdout
    assert "base and head are the same commit" in same.stdout


def test_uncommitted_changes_are_what_is_measured_and_are_said(grown: Project) -> None:
    grown.write("tiny.py", "def work(n):\n    return 18\n")
    done = grown.perfkit("compare", "HEAD", "--json")
    assert done.returncode == 1
    document = envelope(done.stdout)
    assert document["head"]["dirty"] is True
    assert document["head"]["label"] == "working tree"
    assert document["comparisons"][0]["head"]["median"] == 18.0
    assert grown.leftovers() == []


def test_check_judges_budgets_and_leaks_beside_the_comparison(grown: Project) -> None:
    grown.git("checkout", "--quiet", "-b", "change")
    grown.write(
        "benchmarks/held.py",
        "kept = []\ndef keeps():\n    kept.append(bytes(5000))\ndef gives(): return 1\n",
    )
    grown.write(
        "config/performance_thresholds.yaml",
        """\
        budgets:
          - {name: small, benchmark: bench.Work.track_count, statistic: max, limit: 12count}
          - {name: smaller, benchmark: bench.Work.track_count, statistic: max, limit: 11count}
          - {name: gone, benchmark: bench.Work.track_gone, limit: 1count}
        leaks:
          - {target: "held:keeps", iterations: 200}
          - {target: "held:gives", iterations: 200}
          - {target: "held:absent", iterations: 200}
        leak_waivers:
          - {target: "held:*", ceiling: 1KiB, expires: 2999-12-31, issue: "#1", reason: known}
        """,
    )
    grown.commit("the same work")
    done = grown.perfkit("check", "--json")
    assert done.returncode == 1, done.stderr
    document = envelope(done.stdout)
    assert document["base"]["label"] == "merge base with main"
    assert document["base"]["subject"] == "double it"
    assert [row["verdict"] for row in document["comparisons"]] == ["unchanged"]
    assert [(row["name"], row["status"]) for row in document["budgets"]] == [
        ("small", "passed"),
        ("smaller", "failed"),
        ("gone", "error"),
    ]
    assert [(row["target"], row["status"]) for row in document["leaks"]] == [
        ("held:keeps", "failed"),
        ("held:gives", "passed"),
        ("held:absent", "error"),
    ]
    assert document["leaks"][0]["sites"][0]["place"] == "held.py:3 keeps"
    assert "beyond its waiver's ceiling of 1024 B (#1)" in document["leaks"][0]["reason"]
    assert [(row["kind"], row["state"]) for row in document["waivers"]] == [
        ("leak waiver", "exceeded")
    ]
    text = grown.perfkit("comment").stdout
    assert "held.py:3 keeps" in text.replace("&#58;", ":").replace("<code>", "")
    chosen = grown.perfkit("check", "--bench", "absent")
    assert chosen.returncode == 2
    assert "of 1 benchmark none matches 'absent'" in chosen.stderr


SERVED = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tiny import work

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(work(4)).encode())

    def log_message(self, *words):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def test_check_loads_both_sides_in_turns(project: Project) -> None:
    project.suite(EXACT)
    project.write("benchmarks/server.py", SERVED)
    project.write(
        "config/performance_thresholds.yaml",
        f"{ONE_ROUND}load: {{p50: 30s, p99: 1ms, availability: 50%, why: shops close at ten}}\n",
    )
    project.write(
        "config/monitoring_config.yaml",
        """\
        load:
          target: "http://127.0.0.1:{port}/"
          serve: "{python} server.py {port}"
          rate: 40/s
          arrivals: constant
          warm: 0s
          check_hold: 300ms
        """,
    )
    project.commit("first")
    project.git("checkout", "--quiet", "-b", "change")
    project.write(
        "tiny.py", "import time\ndef work(n):\n    time.sleep(0.2)\n    return sum(range(n))\n"
    )
    project.commit("rest")
    words = ("check", "--load", "--no-leaks", "--no-culprits", "--budget", "1s")
    done = project.perfkit(*words, "--json")
    document = envelope(done.stdout)
    assert done.returncode == 1, done.stderr
    rows = {row["benchmark"]["name"]: row for row in document["comparisons"]}
    assert list(rows) == [
        "bench.Work.track_count",
        *("load p50", "load p95", "load p99", "load throughput"),
    ]
    for name in ("load p50", "load p95", "load p99"):
        # Head sleeps for 0.2 s in each answer, base does not.
        assert rows[name]["base"]["median"] < 0.2 <= rows[name]["head"]["median"]
        assert rows[name]["base"]["n"] == rows[name]["head"]["n"] >= 2
    budgets = {one["name"]: one for one in document["budgets"]}
    assert list(budgets) == ["load p50", "load p99", "load availability"]
    assert budgets["load p99"]["status"] == "failed"
    for name in ("load p50", "load availability"):
        # On a machine that is busy the generator may be late, and nothing is called kept.
        assert budgets[name]["status"] in {"passed", "inconclusive"}
    assert budgets["load availability"]["measured"]["estimate"] == 1
    assert budgets["load p99"]["why"] == "shops close at ten"
    assert budgets["load p99"]["measured"]["estimate"] >= 0.2
    text = project.perfkit("comment").stdout
    assert "load p50" in text
    assert "1 of 3 budgets exceeded" in text


def test_bench_stores_commits_and_nothing_else(project: Project) -> None:
    project.suite()
    commit = project.commit("first")
    chosen = max(os.sched_getaffinity(0))
    options = ("--cpu-affinity", str(chosen))
    done = project.perfkit("bench", "--rounds", "2", "--json", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {
        "perfkit", "status", "exit_code", "commit", "dirty", "stored", "warnings", "environment",
        "asv_runner", "packages", "loads", "skipped", "benchmarks", "shard",
    }  # fmt: skip
    # What the measurement carries is stored, and readable again.
    (run,) = read_runs(project.root / "results")
    assert run.environment.affinity == (chosen,)
    assert (run.perfkit, run.asv_runner) == (__version__, version("asv_runner"))
    assert ("numpy", version("numpy")) in run.packages
    assert run.environment.packages_digest == packages_digest(run.packages)
    assert len(run.loads) == 2
    assert all(share is not None and 0 <= share <= 1 for share in run.loads)
    assert [(one.loops, one.warmup) for one in run.samples] == [((1, 1), 0.0), ((1, 1), None)]
    assert all(one.source_hash for one in run.samples)
    assert (document["commit"], document["dirty"]) == (commit, False)
    stored = Path(document["stored"])
    assert stored.is_relative_to(project.root / "results")
    assert [len(row["processes"]) for row in document["benchmarks"]] == [2, 2]
    assert json.loads(stored.read_text())["commit_hash"] == commit
    # What was stored is not committed yet, and is no change of what is measured.
    again = project.perfkit("bench", "--rounds", "1", "--bench", "count")
    assert again.returncode == 0
    assert "stored in " in again.stdout
    assert len(list((project.root / "results").glob("*/*-py*.json"))) == 2
    project.write("tiny.py", "def work(n): return 1\n")
    dirty = project.perfkit("bench", "--rounds", "1", "--bench", "count")
    assert dirty.returncode == 0
    assert f"uncommitted changes on {commit[:10]}: 1 round of" in dirty.stdout
    assert "not stored: history is made of commits" in dirty.stdout
    assert len(list((project.root / "results").glob("*/*-py*.json"))) == 2
    assert project.leftovers() == []


def test_bench_without_a_place_to_store_says_so_before_measuring(project: Project) -> None:
    project.suite("def track_one(): raise AssertionError('was measured')\n")
    project.write("results", "a file, so that no user at all can write into it")
    project.commit("first")
    done = project.perfkit("bench")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "results cannot be stored there" in done.stderr
    assert done.stderr.count("\n") == 1
    assert project.perfkit("bench", "--no-store", "--rounds", "1").returncode == 4
    assert (project.root / "results").read_text().startswith("a file")


@pytest.mark.parametrize(
    ("suite", "code", "said"),
    [
        ("", 4, "the suite has no benchmark"),
        ("import absent\n", 4, "the suite does not import"),
        ("def track_one(): return 'text'\n", 4, ""),
        ("def setup(): raise NotImplementedError\ndef track_one(): return 1\n", 4, "nothing was"),
    ],
)
def test_nothing_measured_is_never_a_pass(
    project: Project, suite: str, code: int, said: str
) -> None:
    project.suite(suite)
    project.commit("first")
    for words in (["bench", "--rounds", "1"], ["compare", "HEAD", "HEAD"]):
        done = project.perfkit(*words)
        assert done.returncode == code, done.stdout
        assert "Traceback" not in done.stderr.partition("does not import")[0]
        if words[0] == "bench":
            assert said in done.stderr
    assert project.leftovers() == []


def test_benchmarks_that_came_and_went(grown: Project) -> None:
    grown.suite(EXACT.replace("track_count", "track_other"))
    grown.commit("rename the benchmark")
    done = grown.perfkit("compare", "HEAD~1", "HEAD", "--json")
    assert done.returncode == 4
    rows = {row["benchmark"]["name"]: row for row in envelope(done.stdout)["comparisons"]}
    gone = rows["bench.Work.track_count"]
    assert (gone["verdict"], gone["reason"]) == ("missing", "not in the suite of head")
    assert rows["bench.Work.track_other"]["verdict"] == "unchanged"
    # Also when only the missing one was asked for.
    done = grown.perfkit("compare", "HEAD~1", "HEAD", "--bench", "track_count")
    assert done.returncode == 4
    assert "missing" in done.stdout


def test_a_pattern_that_matches_nothing_costs_one_build_at_most(
    grown: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    really = sides.built

    def counted(repository: Repository, revision: Revision, *rest: Any, **named: Any) -> Any:  # noqa: ANN401  # of built
        built.append(revision.label)
        return really(repository, revision, *rest, **named)

    monkeypatch.setattr(sides, "built", counted)
    assert grown.perfkit("compare", "HEAD~1", "HEAD", "--bench", "(").returncode == 2
    assert built == []
    for words in (("compare", "HEAD~1", "HEAD"), ("check", "HEAD~1", "--head", "HEAD")):
        done = grown.perfkit(*words, "--bench", "nothing", "--bench", "nobody")
        assert done.returncode == 2
        assert (
            "of 1 benchmark none matches 'nothing' or 'nobody'; the first ones are"
            " bench.Work.track_count"
        ) in done.stderr
    assert built == ["HEAD", "HEAD"]
    # The suite of the working tree is another one, which may have lost what is asked for.
    grown.suite(EXACT + "\n")
    assert grown.perfkit("compare", "HEAD", "--bench", "nothing").returncode == 2
    assert built[2:] == ["working tree", "HEAD"]
    assert grown.leftovers() == []


def test_base_that_fails_is_no_pass(grown: Project) -> None:
    grown.write("tiny.py", "def work(n):\n    raise OSError('no')\n")
    grown.commit("break it")
    grown.write("tiny.py", "def work(n):\n    return 6\n")
    grown.commit("repair it")
    done = grown.perfkit("compare", "HEAD~1", "HEAD", "--json")
    assert done.returncode == 4
    (row,) = envelope(done.stdout)["comparisons"]
    assert (row["verdict"], row["reason"]) == ("failed", "base cannot run it: OSError: no")
    # What base cannot know may fail there.
    grown.suite(EXACT.replace("tiny.work(4)", "tiny.rest(4)"))
    grown.write("tiny.py", "def rest(n):\n    return 6\n")
    grown.commit("another function")
    done = grown.perfkit("compare", "HEAD~1", "HEAD", "--json")
    assert done.returncode == 0
    (row,) = envelope(done.stdout)["comparisons"]
    assert row["verdict"] == "new"


def test_the_wrong_code_on_base_is_seen(grown: Project) -> None:
    """A suite that puts its own checkout in front measures head on both sides."""
    grown.suite(
        "import sys; from pathlib import Path\n"
        "sys.path.insert(0, str(Path(__file__).parents[2]))\n" + EXACT
    )
    grown.commit("path tricks")
    grown.write("tiny.py", "def work(n):\n    return 24\n")
    grown.commit("slower")
    done = grown.perfkit("compare", "HEAD~1", "HEAD", "--json")
    assert done.returncode == 4
    (row,) = envelope(done.stdout)["comparisons"]
    assert row["verdict"] == "failed"
    found = f"measured the wrong code: found tiny from {grown.root}/"
    assert row["reason"].startswith(f"base cannot run it: {found}")


def test_without_a_base_the_merge_base_with_the_main_branch_is_measured(grown: Project) -> None:
    fork = grown.git("rev-parse", "HEAD")
    grown.git("switch", "--quiet", "--create", "topic")
    grown.write("tiny.py", "def work(n):\n    return 3 * sum(range(n))\n")
    grown.commit("more on the topic")
    grown.git("switch", "--quiet", "main")
    grown.write("tiny.py", "def work(n):\n    return 24\n")
    grown.commit("main went on")
    grown.git("switch", "--quiet", "topic")
    done = grown.perfkit("compare", "--json")
    document = envelope(done.stdout)
    assert document["base"]["commit"] == fork
    assert document["base"]["label"] == "merge base with main"
    assert document["base"]["subject"] == "double it"
    assert document["head"]["subject"] == "more on the topic"
    assert [row["verdict"] for row in document["comparisons"]] == ["regressed"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "--python-base", sys.executable), "give either commits to compare, or both"),
        (("compare", "absent"), "'absent' is not a commit of"),
        (("compare", "HEAD", "absent"), "'absent' is not a commit of"),
        (("check", "--onto", "absent"), "'absent' is not a commit of"),
        (("compare", "HEAD", "--budget", "5"), "--budget: "),
        (("compare", "HEAD", "--min-rounds", "9", "--max-rounds", "3"), "min_rounds 9"),
        (("compare", "HEAD", "--bench", "("), "is no regular expression"),
        (("bench", "absent"), "'absent' is not a commit of"),
        (("bench", "--cpu-affinity", "9998"), "found 9998, which perfkit may not use here"),
        (("comment",), "no such report"),
        (("comment", "absent.json"), "no such report"),
        (("comment", "."), "not readable as a report"),
        (("comment", "tiny.py"), "not JSON"),
        (("--config", "nowhere", "compare", "HEAD"), "nowhere"),
    ],
)
def test_what_cannot_be_used_as_given(grown: Project, words: tuple[str, ...], said: str) -> None:
    done = grown.perfkit(*words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("perfkit: ")
    assert said in last
    assert "Traceback" not in done.stderr
    assert grown.leftovers() == []


SLOW = """
import os, time
from pathlib import Path

RUNS = Path(os.environ["RUNS"])

def track_fast():
    (RUNS / str(os.getpid())).touch()
    return 1

def track_slow():
    (RUNS / str(os.getpid())).touch()
    if len(list(RUNS.iterdir())) > 3:
        (RUNS / "slow").write_text(str(os.getpid()))
        time.sleep(600)
    return 1
"""


def started(project: Project, runs: Path, *words: str) -> subprocess.Popen[str]:
    """Start perfkit and return once a benchmark hangs."""
    runs.mkdir()
    process = subprocess.Popen(
        [*project.command, *words],
        cwd=project.root,
        env={**without_coverage(os.environ), "RUNS": str(runs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 100
    while not (runs / "slow").exists() or not (runs / "slow").read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_ctrl_c_keeps_what_was_measured_and_leaves_nothing(
    project: Project, tmp_path: Path
) -> None:
    project.suite(SLOW)
    commit = project.commit("first")
    process = started(project, tmp_path / "runs", "compare", "HEAD", "HEAD", "--json")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    document = envelope(out)
    assert (document["exit_code"], document["interrupted"]) == (130, True)
    assert {row["benchmark"]["name"] for row in document["comparisons"]} == {
        "bench.track_fast",
        "bench.track_slow",
    }
    assert any(row["head"] and row["head"]["n"] for row in document["comparisons"])
    assert not alive(tmp_path / "runs")
    assert project.leftovers() == []
    # The report was kept for `perfkit comment`, which says that it is not whole.
    said = project.perfkit("comment")
    assert said.returncode == 130
    assert "interrupted before everything was measured" in said.stdout

    # A cancelled CI job gets this one.
    process = started(project, tmp_path / "more", "bench", "--rounds", "9")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"{commit[:10]}: " in out
    (stored,) = (project.root / "results").glob("*/*-py*.json")
    assert json.loads(stored.read_text())["results"]["bench.track_fast"]
    assert not alive(tmp_path / "more")
    assert project.leftovers() == []


def alive(runs: Path) -> bool:
    return Path("/proc", (runs / "slow").read_text()).exists()


def test_what_kill_9_left_is_swept_by_the_next_run(project: Project, tmp_path: Path) -> None:
    project.suite(SLOW)
    project.commit("first")
    process = started(project, tmp_path / "runs", "compare", "HEAD", "HEAD")
    process.kill()
    process.communicate(timeout=60)
    assert len(project.leftovers()) == 4  # two folders, and git knows of both
    os.kill(int((tmp_path / "runs" / "slow").read_text()), signal.SIGKILL)
    (tmp_path / "fresh").mkdir()
    done = project.perfkit(
        "bench", "--rounds", "1", "--bench", "fast", RUNS=str(tmp_path / "fresh")
    )
    assert done.returncode == 0, done.stderr
    assert project.leftovers() == []


def test_progress_for_someone_who_watches(project: Project) -> None:
    """A bar on a terminal, which names of benchmarks cannot break."""
    project.suite("def track_n(n): return 1\ntrack_n.params = ['[/red]', '[bold]']\n")
    project.commit("first")
    watched, terminal = pty.openpty()
    process = subprocess.Popen(
        [*project.command, "compare", "HEAD", "HEAD", "--json"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        env={**without_coverage(os.environ), "TERM": "xterm"},
    )
    os.close(terminal)
    seen = b""
    # Linux ends a terminal that nobody holds any more with EIO.
    with contextlib.suppress(OSError):
        while chunk := os.read(watched, 4096):
            seen += chunk
    os.close(watched)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(envelope(out)["comparisons"]) == 2
    assert b"building HEAD and HEAD" in seen
    assert b"round 2/2" in seen
    assert b"[/red]" in seen
    assert b"Traceback" not in seen


def test_two_interpreters_are_compared_as_they_are(grown: Project) -> None:
    strict = grown.root.parent / "strict-python"
    strict.write_text(f'#!/bin/sh\nexec "{sys.executable}" -X dev "$@"\n')
    strict.chmod(0o755)
    words = ("compare", "--python-base", sys.executable, "--python-head", str(strict))
    done = grown.perfkit(*words, "--json", PYTHONPATH=str(grown.root))
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["base"]["label"] == sys.executable
    assert [row["verdict"] for row in document["comparisons"]] == ["unchanged"]
    own = str(read_interpreter())
    measured = f"{own} -> {own.removesuffix(')')}, dev mode)"
    assert document["environment"]["python"] == measured
    half = grown.perfkit(*words[:3])
    assert half.returncode == 2
    assert "both --python-base and --python-head" in half.stderr
    assert grown.leftovers() == []
