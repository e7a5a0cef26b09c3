"""``perfkit history`` beside ``asv publish``: 1 000 commits of 1 000 benchmarks.

Makes a repository and a results folder in asv's own format (results with statistics, no samples,
as ``asv run`` writes by default; ``--samples`` adds raw samples), with a step in every tenth
series. Runs both as processes and prints CPU time and peak memory: perfkit without an index, with
it, and once more with its page of plots. Exits 1 where a requirement is not met or a planted step
is not found.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

COLD_SECONDS, WARM_SECONDS, PEAK_MIB = 10.0, 1.5, 600.0
STEP_EVERY, STEP = 10, 1.2
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a",
           "stats_ci_99_b", "stats_q_25", "stats_q_75", "stats_number", "stats_repeat",
           "samples"]  # fmt: skip
MACHINE = {"machine": "bench", "cpu": "Some CPU", "num_cpu": "4", "os": "Linux 6", "arch": "x86_64",
           "ram": "16000000"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds and peak MiB of one process."""

    seconds: float
    mebibytes: float
    stdout: str


def main() -> int:
    """Make the history, run both tools; return 0 when every requirement is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--benchmarks", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=0, help="raw samples of each result")
    parser.add_argument("--no-asv", action="store_true", help="leave out asv publish")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perfkit-history-") as scratch:
        project = Path(scratch, "project")
        commits = repository(project, options.commits)
        size = results(project, commits, options.benchmarks, options.samples)
        print(f"{options.commits} commits x {options.benchmarks} benchmarks, {size >> 20} MiB")
        perfkit = [sys.executable, "-m", "perfkit", "history"]
        show("perfkit history, cold", cold := cost(perfkit, project))
        warm = min((cost(perfkit, project) for _ in range(3)), key=lambda one: one.seconds)
        show("perfkit history, warm", warm)
        page = Path(scratch, "page.html")
        show("perfkit history --html", cost([*perfkit, "--html", str(page)], project))
        print(f"{'':26}the page has {page.stat().st_size / 2**20:.1f} MiB")
        found = found_steps(cost([*perfkit, "--json"], project).stdout, options.benchmarks)
        if not options.no_asv:
            asv = [sys.executable, "-m", "asv", "publish", "--no-pull"]
            show(f"asv {version('asv')} publish", cost(asv, project))
    peak = max(cold.mebibytes, warm.mebibytes)
    rows = {
        f"cold at most {COLD_SECONDS:g} s CPU": cold.seconds <= COLD_SECONDS,
        f"warm at most {WARM_SECONDS:g} s CPU": warm.seconds <= WARM_SECONDS,
        f"peak at most {PEAK_MIB:g} MiB": peak <= PEAK_MIB,
        f"every planted step found ({found})": found.startswith("all"),
    }
    for wanted, met in rows.items():
        print(f"Required: {wanted}: {'met' if met else 'NOT met'}.")
    return 0 if all(rows.values()) else 1


def repository(project: Path, count: int) -> list[str]:
    """Make a repository of ``count`` commits on main and return them, oldest first."""
    project.mkdir()
    git(project, "init", "--quiet", "--initial-branch=main")
    suite = json.dumps(
        {
            "version": 1,
            "project": "made",
            "repo": ".",
            "branches": ["main"],
            "benchmark_dir": "suite",
            "results_dir": "results",
            "html_dir": "html",
            "show_commit_url": "#",
        }
    )
    text = []
    for number in range(count):
        who = f"Ada <ada@example.org> {1_600_000_000 + number * 3600} +0000"
        message = f"Change number {number}"
        text.append(f"commit refs/heads/main\nauthor {who}\ncommitter {who}\n")
        text.append(f"data {len(message)}\n{message}\n")
        content = f"{number}\n"
        text.append(f"M 100644 inline number\ndata {len(content)}\n{content}\n")
        if number == 0:
            text.append(f"M 100644 inline asv.conf.json\ndata {len(suite)}\n{suite}\n")
            text.append("M 100644 inline suite/__init__.py\ndata 0\n\n")
    git(project, "fast-import", "--quiet", stdin="".join(text))
    git(project, "reset", "--quiet", "--hard", "main")
    return git(project, "rev-list", "--first-parent", "--reverse", "main").split()


def results(project: Path, commits: list[str], benchmarks: int, samples: int) -> int:
    """Write the results folder; return its size in bytes."""
    folder = project / "results"
    (folder / "bench").mkdir(parents=True)
    write(folder / "bench" / "machine.json", {**MACHINE, "version": 1})
    names = [f"module_{n % 50:02d}.Suite{n % 9}.time_case_{n:04d}" for n in range(benchmarks)]
    versions = [f"{random.Random(name).getrandbits(256):064x}" for name in names]
    described = {
        name: {"name": name, "params": [], "param_names": [], "type": "time", "unit": "seconds",
               "version": versions[n], "code": "", "timeout": 60}
        for n, name in enumerate(names)
    }  # fmt: skip
    write(folder / "benchmarks.json", {**described, "version": 2})
    rng = np.random.default_rng(1)
    levels = 10 ** rng.uniform(-6, 0, benchmarks)
    half = len(commits) // 2
    total = 0
    for number, commit in enumerate(commits):
        stepped = np.arange(benchmarks) % STEP_EVERY == 0
        values = levels * np.where(stepped & (number >= half), STEP, 1.0)
        values = values * np.exp(rng.normal(0, 0.02, benchmarks))
        spread = np.exp(rng.normal(0, 0.01, (benchmarks, samples))) if samples else None
        rows = {}
        for n, name in enumerate(names):
            value = float(values[n])
            rows[name] = [
                [value], [], versions[n], 1_600_000_000_000 + number, 1.2345,
                [float(f"{value * 0.99:.5g}")], [float(f"{value * 1.01:.5g}")],
                [float(f"{value * 0.995:.5g}")], [float(f"{value * 1.005:.5g}")], [10], [10],
            ]  # fmt: skip
            if spread is not None:
                rows[name].append([(value * spread[n]).tolist()])
        path = folder / "bench" / f"{commit[:8]}-venv-py3.12.json"
        write(
            path,
            {
                "commit_hash": commit,
                "env_name": "venv-py3.12",
                "date": (1_600_000_000 + number * 3600) * 1000,
                "params": {**MACHINE, "python": "3.12"},
                "python": "3.12",
                "requirements": {},
                "env_vars": {},
                "result_columns": COLUMNS,
                "results": rows,
                "durations": {},
                "version": 2,
            },
        )
        total += path.stat().st_size
    return total


def found_steps(report: str, benchmarks: int) -> str:
    """Say whether every planted step was found and nothing else alarms."""
    series = json.loads(report)["series"]
    stepped = {
        one["name"]
        for one in series
        if any(change["kind"] == "step" for change in one["change_points"])
    }
    ordered = sorted((one["name"] for one in series), key=lambda name: name[-4:])
    planted = set(ordered[::STEP_EVERY])
    missing, extra = len(planted - stepped), len(stepped - planted)
    found = f"{len(planted)} planted steps found, {extra} of {benchmarks - len(planted)} others"
    return f"all {found}" if not missing else f"not all {found}, {missing} missing"


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command and return what it and all its children took."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode:
            raise SystemExit(f"{command} exited with {process.returncode}")
        return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output.read())


def show(title: str, found: Cost) -> None:
    """Print one line."""
    print(f"{title:24}{found.seconds:8.2f} s CPU {found.mebibytes:8.0f} MiB", flush=True)


def write(path: Path, value: object) -> None:
    """Write JSON as asv does."""
    path.write_text(json.dumps(value))


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run one git command and return its output."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
