"""``perfkit profile`` as a user runs it: real processes, real ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from profiling_sessions import frame, recording

from perfkit.__main__ import run
from perfkit.profiling.saved import Origin, load, session_text

REPOSITORY = Path(__file__).resolve().parents[2]
BUSY = """
import sys, time

def spin():
    end = time.perf_counter() + 0.15
    while time.perf_counter() < end:
        sum(range(50))

def main():
    spin()

if __name__ == "__main__":
    print("printed", *sys.argv[1:])
    main()
"""

Profile = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    def run(*words: str, source: str = BUSY) -> subprocess.CompletedProcess[str]:
        (tmp_path / "app.py").write_text(textwrap.dedent(source))
        return perfkit(tmp_path, "profile", *words)

    return run


def perfkit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_report_is_on_stdout_and_everything_else_on_stderr(profile: Profile) -> None:
    done = profile("app.py", "--", "-n", "3")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["Target", "app.py", "-n", "3"]
    assert "without the profiler" in lines[1]
    assert "with the profiler running" in lines[2]
    assert "spin" in done.stdout
    assert "printed" not in done.stdout
    assert done.stderr.splitlines() == [
        "timing app.py -n 3 without a profiler",
        "printed -n 3",
        "profiling app.py -n 3",
        "printed -n 3",
    ]


def test_json_is_one_document(profile: Profile) -> None:
    done = profile("-m", "app", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 0
    assert document["perfkit"]["command"] == "profile"
    assert document["status"] == "passed"
    found = document["profile"]
    assert found["target"] == "-m app"
    assert set(found) == {
        "target", "timing", "seconds", "calls", "warmup", "interval", "samples", "hotspots",
        "tree", "own_share", "calling_share", "cut_off", "reach", "warnings",
    }  # fmt: skip
    assert set(found["timing"]) == {"calls", "first", "median", "total", "warmup_seconds"}
    assert set(found["hotspots"][0]) == {
        "function", "place", "self_seconds", "total_seconds", "self_share", "total_share",
        "samples", "self_band", "total_band", "own",
    }  # fmt: skip
    assert found["hotspots"][0]["function"]["name"] == "spin"
    assert found["hotspots"][0]["place"] == "app.py:4"


def test_files_for_other_programs(profile: Profile, tmp_path: Path) -> None:
    options = ("--html", "a.html", "--speedscope", "b.json", "-o", "c.pyisession", "--top", "1")
    done = profile("app:main", "--repeat", "2", "--warmup", "1", "--interval", "2ms", *options)
    assert done.returncode == 0, done.stderr
    assert "2 calls after 1 warm-up call" in done.stdout
    assert "every 2 ms" in done.stdout
    assert "Hotspots: 1 of " in done.stdout
    assert "<!doctype html>" in (tmp_path / "a.html").read_text()
    assert json.loads((tmp_path / "b.json").read_text())["exporter"] == "pyinstrument"
    assert json.loads((tmp_path / "c.pyisession").read_text())["target_description"] == "app:main"
    assert [line for line in done.stderr.splitlines() if line.startswith("wrote")] == [
        "wrote a.html",
        "wrote b.json",
        "wrote c.pyisession",
    ]


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    main, hot = frame("main", "/project/app.py", 1), frame("hot", "/project/app.py", 9)
    decode = frame("decode", "/usr/lib/python3.11/json/decoder.py", 30)
    found = recording({(main, hot): 300, (main, decode): 100, (main, hot, decode): 600})
    path = tmp_path / "kept.pyisession"
    path.write_text(session_text(found, Origin(roots=("/project",), commit="abc")))
    return path


def said(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["profile", *words])
    text = capfd.readouterr()
    return code, text.out, text.err


def test_a_saved_profile_is_shown_and_written_again(
    saved: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capfd, "--open", str(saved), "-o", "a.folded", "-o", "b.pyisession")
    assert (code, err) == (0, "wrote a.folded\nwrote b.pyisession\n")
    assert "1,000 samples" in out
    assert "70.0% decode" not in out
    assert "60.0% decode /usr/lib" in out
    assert len((tmp_path / "a.folded").read_text().splitlines()) == 3
    # Where it came from stays what it was.
    assert load(tmp_path / "b.pyisession").origin == load(saved).origin
    code, again, _ = said(capfd, "--open", "b.pyisession")
    assert (code, again) == (0, out)


def test_the_same_file_in_other_views(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def rows(*words: str) -> dict[str, float]:
        code, out, _ = said(capfd, "--open", str(saved), "--json", *words)
        assert code == 0
        return {
            one["function"]["name"]: round(one["self_share"], 3)
            for one in json.loads(out)["profile"]["hotspots"]
        }

    assert rows() == {"decode": 0.7, "hot": 0.3, "main": 0}
    assert rows("--only-mine") == {"hot": 0.9, "main": 0.1}
    assert rows("--hide", "hot") == {"decode": 0.7, "main": 0.3}
    assert rows("--only-mine", "--show", "*/json/*") == rows()
    _, out, _ = said(capfd, "--open", str(saved), "--paths", "decode", "--json")
    paths = json.loads(out)["paths"]
    assert [([one["name"] for one in path["callers"]], path["samples"]) for path in paths] == [
        (["main", "hot"], 600),
        (["main"], 100),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("app.py", "--open", "kept.pyisession"), "leave out app.py"),
        ((), "found no TARGET, wanted a program to run, or --open FILE"),
        (("--open", "absent.pyisession"), "not readable as a saved profile"),
        (("--open", "kept.pyisession", "-o", "a.svg"), "found the suffix '.svg'"),
        (("--open", "kept.pyisession", "--format", "folded"), "about one --output FILE"),
        (("--open", "kept.pyisession", "--paths", "hto"), "there is hot"),
        (("--open", "kept.pyisession", "--html", "."), "is a folder"),
        (("--open", "kept.pyisession", "--compare", "main"), "leave out --compare"),
    ],
)
def test_what_cannot_be_opened_so_is_refused(
    saved: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    code, out, err = said(capfd, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert [one.name for one in saved.parent.iterdir()] == [saved.name]


def test_the_form_may_be_said(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, _ = said(capfd, "--open", str(saved), "-o", "stacks.txt", "--format", "folded")
    assert code == 0
    assert (saved.parent / "stacks.txt").read_text().endswith(" 600000\n")


@pytest.fixture
def timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("perfkit.profiling.durations.PROCESSES", 3)
    monkeypatch.setattr("perfkit.profiling.durations.LONGEST_SECONDS", 0.0)
    (tmp_path / "app.py").write_text(textwrap.dedent(BUSY))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("--budget", "60s"), 0, "passed"),
        (("--budget", "1ms", "--budget", "p95=60s"), 1, "failed"),
        (("--budget", "p95=60s", "--strict"), 3, "inconclusive"),
        (("--budget", "p95=60s"), 0, "inconclusive"),
    ],
)
@pytest.mark.usefixtures("timed")
def test_a_budget_is_judged_on_calls_without_a_profiler(
    capfd: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, status: str
) -> None:
    found, out, _ = said(capfd, "app:main", "--json", *words)
    document = json.loads(out)
    assert (found, document["exit_code"], document["status"]) == (code, code, status)
    first = document["budgets"][0]
    assert first["n"] == 3
    assert 0.14 < first["measured"]["low"] <= first["measured"]["high"] < 60
    assert document["profile"]["hotspots"][0]["function"]["name"] == "spin"


def test_the_budgets_of_the_configuration_are_judged(
    timed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (timed / "config").mkdir()
    (timed / "config" / "performance_thresholds.yaml").write_text(
        "schema: 1\nprofile_budgets:\n"
        "  - target: app:main\n    limit: 2ms\n    why: haste\n"
        "  - target: app:other\n    limit: 1ms\n"
    )
    code, out, err = said(capfd, "app:main", "--timeout", "60s")
    assert code == 1, err
    lines = out.splitlines()
    assert lines[0] == "Budgets: calls without a profiler, in fresh processes"
    assert lines[1].startswith("✗ median of app:main: median 1")
    assert lines[1].endswith("of 2.000 ms, n 3")
    assert lines[2] == ""  # three values show no p95
    assert "timing app:main in fresh processes, for its budgets" in err


@pytest.mark.usefixtures("timed")
def test_the_start_and_its_imports(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("perfkit.profiling.import_time.PROCESSES", 2)
    # Modules of its own: what measures coverage imports some of the standard library before.
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "__init__.py").write_text("from shelf import books\n")
    (tmp_path / "shelf" / "books.py").write_text("total = sum(range(1_000_000))\n")
    (tmp_path / "outer.py").write_text("import shelf, app\n")
    code, out, err = said(capfd, "outer:main", "--import-time", "--json")
    assert (code, err.splitlines()) == (
        0, ["starting outer:main 5 times, beside an empty interpreter"]
    )  # fmt: skip
    start = json.loads(out)["start"]
    assert set(start) == {"target", "first_seconds", "start_seconds", "empty_seconds", "imports"}
    assert {"shelf", "shelf.books", "app"} <= {one["module"] for one in start["imports"]}
    code, out, _ = said(capfd, "outer:main", "--import-time", "--top", "1")
    assert code == 0
    assert "median of 2 processes" in out
    assert "Modules: 1 of " in out
    assert "shelf.books" in out.partition("Imports: where")[2]
    (tmp_path / "outer.py").write_text("")
    (tmp_path / "empty.py").write_text("")
    assert "imports nothing that" in said(capfd, "empty.py", "--import-time")[1]


@pytest.mark.usefixtures("timed")
def test_the_memory_of_a_call_at_its_peak(capfd: pytest.CaptureFixture[str]) -> None:
    Path("app.py").write_text(
        BUSY.replace("    spin()\n\nif", "    held()\n    spin()\n\nif") + HELD
    )
    code, out, err = said(capfd, "app:main", "--memory", "--json")
    assert code == 0, err
    first = json.loads(out)["memory"]["allocators"][0]
    assert (first["function"], first["place"]) == ("held", "app.py:19")
    assert first["bytes"] > 2_000_000
    _, out, _ = said(capfd, "app:main", "--memory")
    assert "held" in out.partition("Memory: peak")[2]


@pytest.mark.usefixtures("timed")
def test_a_call_that_fails_under_memory_costs_the_memory_only(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("app.py").write_text(
        BUSY.replace("    spin()\n\nif", "    spin()\n    emptied()\n\nif") + EMPTIES
    )
    code, out, err = said(capfd, "app:main", "--memory", "-o", "kept.pyisession")
    assert code == 4
    assert "spin" in out
    assert err.splitlines()[-1].startswith("perfkit: ")
    assert load(Path("kept.pyisession")).recording.target == "app:main"
    code, out, _ = said(capfd, "app:main", "--memory", "--json")
    answer = json.loads(out)
    assert (code, answer["status"], answer["exit_code"]) == (4, "error", 4)
    assert answer["profile"]["hotspots"]
    assert answer["error"]["message"]


EMPTIES = """
def emptied():
    import os, sys
    if "memray" in sys.modules:
        for file in os.scandir("/proc/self/fd"):
            path = os.readlink(file.path) if os.path.islink(file.path) else ""
            if path.endswith("peak.bin"):
                os.unlink(path)
"""

HELD = """
KEPT = []
def held():
    KEPT.append(bytearray(2_000_000))
"""


def test_a_target_that_runs_on_keeps_the_profile_of_its_beginning(
    profile: Profile,
) -> None:
    source = "def forever():\n    while True: abs(-1)\nforever()"
    done = profile("app.py", "--timeout", "1s", "-o", "kept.pyisession", "--json", source=source)
    assert done.returncode == 4, done.stderr
    assert "app.py did not end within 1 s, so its time is not known" in done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["exit_code"]) == ("error", 4)
    found = answer["profile"]
    assert (found["timing"], found["cut_off"], found["calls"]) == (None, True, 0)
    assert found["hotspots"][0]["function"]["name"] == "forever"
    assert "the beginning only" in found["warnings"][-1]
    again = profile("--open", "kept.pyisession")
    assert again.returncode == 0, again.stderr
    assert "not known: it did not end within its time limit" in again.stdout


BAD = {
    "memory of a set": (("app.py", "--memory", "--save", "x"), "", 2, "--memory: about one"),
    "start of a benchmark": (("bench:a.time_b", "--import-time"), "", 2, "wanted a script"),
    "bad budget": (("app.py", "--budget", "p99=1s"), "", 2, "found the statistic 'p99'"),
    "no unit": (("app.py", "--budget", "1"), "", 2, "--budget: found 1 without"),
    "unknown target": (("absent.py",), "", 2, "does not exist"),
    "no target form": (("absent",), "", 2, "a target is a script"),
    "unknown callable": (("app:absent",), "", 2, "app has no absent"),
    "needs arguments": (("app:main",), "def main(text): ...", 2, "needs arguments (text)"),
    "generator": (("app:main",), "def main(): yield", 2, "generator function"),
    "unknown benchmark": (("bench:absent",), "", 2, "no asv.conf.json"),
    "bad repeat": (("app.py", "--repeat", "0"), "", 2, "wanted a number of calls above 0"),
    "bad timeout": (("app.py", "--timeout", "5"), "", 2, "--timeout: found 5 without"),
    "no time": (("app.py", "--timeout", "0s"), "", 2, "wanted a time above 0"),
    "bad place": (("app.py", "--html", "."), "", 2, "is a folder"),
    "raises": (("app.py",), "1 / 0", 4, "raised ZeroDivisionError: division by zero at"),
    "exits non-zero": (("app.py",), "raise SystemExit(3)", 4, "sys.exit(3)"),
    "os._exit": (("app.py",), "import os; os._exit(0)", 4, "os._exit"),
    "killed": (("app.py",), "import os; os.kill(os.getpid(), 9)", 4, "SIGKILL"),
    "never gives way": (
        ("app.py", "--timeout", "1s"),
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: ...",
        4,
        "did not end within 1 s",
    ),
    "too short": (("app.py",), "", 4, "--repeat auto"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_its_code(
    profile: Profile, tmp_path: Path, case: str
) -> None:
    words, source, code, said = BAD[case]
    kept = tmp_path / "kept.html"
    kept.write_text("from before")
    if "--html" not in words:
        words = (*words, "--html", "kept.html")
    done = profile(*words, source=source)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith("perfkit: ")
    assert said in sentence
    assert ("Traceback" in done.stderr) == (case == "raises")
    assert "perfkit/targets" not in done.stderr
    assert kept.read_text() == "from before"


def test_the_configuration_is_read(profile: Profile, tmp_path: Path) -> None:
    done = profile("app.py", source="")
    assert "timing app.py" in done.stderr
    (tmp_path / "config").mkdir()
    path = tmp_path / "config" / "monitoring_config.yaml"
    path.write_text("schema: 1\nprogress: never\n")
    done = profile("app.py", source="")
    assert done.stderr.startswith("perfkit: app.py was profiled for")
    path.write_text("progres: never\n")
    done = profile("app.py")
    assert done.returncode == 2
    assert "monitoring_config.yaml:1:1" in done.stderr


def test_a_failure_under_json_is_a_document_too(profile: Profile) -> None:
    done = profile("app.py", "--json", source="print('noise'); 1 / 0")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 4
    assert document["status"] == "error"
    assert "ZeroDivisionError" in document["error"]["message"]


def test_a_target_that_forks_and_one_that_is_async(profile: Profile) -> None:
    forking = BUSY.replace("    spin()\n\nif", "    import os\n    os.fork()\n    spin()\n\nif")
    done = profile("app:main", source=forking)
    assert done.returncode == 0, done.stderr
    assert "spin" in done.stdout
    done = profile("app:main", source=BUSY.replace("def main", "async def main"))
    assert done.returncode == 0, done.stderr
    assert "spin" in done.stdout


def test_ctrl_c_half_way(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import os, time\n"
        "open('new', 'w').write(str(os.getpid())); os.rename('new', 'pid')\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "perfkit", "profile", "app.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1].startswith("perfkit: interrupted while app.py ran")
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_planted_list_scan_is_named_first(tmp_path: Path) -> None:
    benchmarks = tmp_path / "benchmarks"
    shutil.copytree(
        REPOSITORY / "benchmarks", benchmarks, ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    patch = benchmarks / "workload" / "planted" / "list_scan.patch"
    subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, check=True)
    done = perfkit(tmp_path, "profile", "bench:transcript.InProcess.time_transcript", "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["profile"]["hotspots"][0]
    assert first["function"]["name"] == "Lexicon._scan"
    assert first["place"].startswith("benchmarks/workload/workload/lexicon.py:")
