"""``perfkit bench --backfill`` with the real asv, in environments that it builds offline."""

import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.__main__ import run
from perfkit.benchmarking.asv_run import commits_of
from perfkit.forge.git import Repository

PURE = sysconfig.get_path("purelib")

COPY = (
    'in-dir={env_dir} python -c "import shutil, sysconfig;'
    "shutil.copy('{build_dir}/tiny.py', sysconfig.get_path('purelib'))\""
)

CONFIG = {
    "version": 1,
    "project": "tiny",
    "repo": "..",
    "benchmark_dir": "suite",
    "results_dir": "../results",
    "env_dir": "../.asv/env",
    "environment_type": "virtualenv",
    "build_cache_size": 0,
    # Installed as a file: building a package would need what is not there offline.
    "build_command": [],
    "install_command": [COPY],
    "uninstall_command": ["return-code=any python -c pass"],
}

SUITE = """
import pathlib, tiny, time

class Work:
    def track_count(self):
        return tiny.work(4)

    def track_five(self):
        return 5

    def track_params(self, n):
        return n
    track_params.params = [1, 2]
"""

SLOW = """
    def track_slow(self):
        pathlib.Path(%r).touch()
        time.sleep(60)
        return 1
"""


def configured(project: Project, **values: object) -> Project:
    project.write("benchmarks/asv.conf.json", json.dumps({**CONFIG, **values}))
    project.write(".gitignore", ".asv\nresults\n")
    project.suite(SUITE)
    project.commit("first")
    project.git("tag", "v1")
    project.write("tiny.py", "def work(n):\n    raise ValueError('broken')\n")
    project.commit("break it")
    project.write("tiny.py", "def work(n):\n    return 7\n")
    project.commit("repair it")
    return project


def offline(project: Project) -> dict[str, str]:
    """Return variables by which asv's pip finds what it asks for without an index."""
    stub = project.root.parent / "stub"
    wheel = stub / "wheel-1.0.dist-info"
    wheel.mkdir(parents=True, exist_ok=True)
    (wheel / "METADATA").write_text("Metadata-Version: 2.1\nName: wheel\nVersion: 1.0\n")
    home = project.root.parent / "home"
    home.mkdir(exist_ok=True)
    return {
        "ASV_PYTHONPATH": f"{stub}{os.pathsep}{PURE}",
        "PIP_NO_INDEX": "1",
        "HOME": str(home),
    }


def test_a_range_is_filled_once_and_what_is_there_stays(project: Project) -> None:
    configured(project)
    variables = offline(project)
    done = project.perfkit("bench", "--backfill", "v1..main", "--json", **variables)
    assert done.returncode == 4, done.stderr
    found = json.loads(done.stdout)
    assert found["commits"] == project.git("rev-list", "v1..main").splitlines()
    assert (found["expected"], found["stored"], found["new"]) == (8, 7, 7)
    (missing,) = found["missing"]
    assert missing["commit"] == found["commits"][1]
    assert missing["benchmark"] == "bench.Work.track_count"
    assert missing["reason"] == "failed, or its commit could not be built"
    assert "ValueError: broken" in Path(found["log"]).read_text("utf-8")
    series = json.loads(project.perfkit("history", "--json").stdout)["series"]
    assert sorted(one["name"] for one in series) == [
        "bench.Work.track_count",
        "bench.Work.track_five",
        "bench.Work.track_params(1)",
        "bench.Work.track_params(2)",
    ]

    # A good result that asv would take for another version of the benchmark, and measure again.
    (stored,) = Path(found["folder"]).glob(f"{found['commits'][0][:8]}-*.json")
    text = stored.read_text("utf-8")
    values = json.loads(text)
    version = values["result_columns"].index("version")
    result = values["result_columns"].index("result")
    values["results"]["bench.Work.track_five"][result] = [77.0]
    values["results"]["bench.Work.track_five"][version] = "0" * 64
    stored.write_text(json.dumps(values))
    # And one that is not there.
    marker = project.root.parent / "slow"
    project.suite(SUITE + SLOW % str(marker))
    with subprocess.Popen(
        [*project.command, "bench", "--backfill", "v1..main", "--json"],
        cwd=project.root,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not marker.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        report, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    again = json.loads(report)
    lost = [one["benchmark"] for one in again["missing"]]
    assert lost.count("bench.Work.track_slow") == 2
    assert again["stored"] == found["stored"]

    project.suite(SUITE)
    text = project.perfkit("bench", "--backfill", "v1..main", **variables)
    assert text.returncode == 4
    assert "7 of 8 results of 2 commits are stored, 0 of them new" in text.stdout
    assert "asv's last lines" in text.stdout
    kept = json.loads(stored.read_text("utf-8"))["results"]["bench.Work.track_five"]
    assert kept[result] == [77.0]
    assert "put back, as asv had measured it again" in text.stdout


def test_what_cannot_be_backfilled(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(project)
    monkeypatch.chdir(project.root)
    cases = {
        ("main",): "--backfill: found 'main', wanted FROM..TO, two commits such as v1..main.",
        ("v1...main",): "found 'v1...main', wanted FROM..TO",
        ("main..v1",): "main..v1 has no commit; v1 holds nothing that main lacks.",
        ("v1..nowhere",): "'nowhere' is not a commit of",
        ("v1..main", "--rounds", "3"): "--backfill lets asv measure, so leave out",
        ("v1..main", "--shard", "1/2"): "--backfill lets asv measure, so leave out",
        ("v1..main", "--no-store"): "--backfill lets asv measure, so leave out",
    }
    for words, said in cases.items():
        assert run(["bench", "--backfill", *words]) == 2, words
        assert said in capsys.readouterr().err


def test_every_second_commit_and_always_the_newest(project: Project) -> None:
    configured(project)
    newest, older = project.git("rev-list", "v1..main").splitlines()
    repository = Repository(project.root)
    assert commits_of(repository, "v1..main", 1) == [newest, older]
    assert commits_of(repository, "v1..main", 2) == [newest]


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("conda", 4, "environment_type is conda, but conda is not on PATH; install it"),
        ("mamba", 4, "environment_type is mamba, but mamba is not on PATH; install it"),
        ("existing", 2, "environment_type is existing, in which asv cannot install commits"),
        ("nonsense", 4, "asv finds no environment that it could build.\n"),
    ],
)
def test_environments_that_asv_cannot_build(  # noqa: PLR0917  # fixtures and cases
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    code: int,
    said: str,
) -> None:
    configured(project, environment_type=kind)
    monkeypatch.chdir(project.root)
    git = shutil.which("git")
    assert git is not None
    path = project.root.parent / "bin"
    path.mkdir()
    (path / "git").symlink_to(git)
    for name, value in {**offline(project), "PATH": str(path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("CONDA_EXE", "MAMBA_EXE"):
        monkeypatch.delenv(name, raising=False)
    assert run(["bench", "--backfill", "v1..main"]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_asv_failing_shows_its_last_lines(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(project)
    monkeypatch.chdir(project.root)
    for name, value in offline(project).items():
        monkeypatch.setenv(name, value)
    (project.root.parent / "home" / ".asv-machine.json").write_text("{")
    assert run(["bench", "--backfill", "v1..main"]) == 4
    said = capsys.readouterr().err
    assert "asv machine --yes failed with exit code 1; all it said is in " in said
    assert ".asv-machine.json" in said
    (log,) = (project.root / ".perfkit" / "backfill").glob("*.log")
    assert said.splitlines()[-1] == log.read_text("utf-8").splitlines()[-1]
