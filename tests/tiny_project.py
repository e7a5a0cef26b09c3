"""A small real project with a real asv suite, in a real repository."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

CONFIG = """\
// Comments are allowed here.
{"version": 1, "project": "tiny", "repo": "..", "benchmark_dir": "suite",
 "results_dir": "../results", "default_benchmark_timeout": 20}
"""

LIBRARY = """\
def work(n):
    return sum(range(n))
"""

SUITE = """\
from tiny import work

class Work:
    rounds = 1
    repeat = 1
    number = 1
    warmup_time = 0

    def time_work(self):
        work(1000)

    def track_count(self):
        return work(4)
    track_count.exact = True
"""

EXACT = """
import tiny

class Work:
    def setup(self):
        self.n = tiny.work(4)

    def track_count(self):
        return self.n
    track_count.exact = True
"""
"""A deterministic benchmark: one round decides it, and every time the same way."""

PACKAGING = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "tiny"
version = "1"
"""

ONE_ROUND = """\
regression:
  min_rounds: 2
  max_rounds: 2
"""


class Project:
    """A repository with a library ``tiny`` without packaging, and a suite in ``benchmarks``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("tiny.py", LIBRARY)
        self.write("benchmarks/asv.conf.json", CONFIG)
        self.write("benchmarks/suite/__init__.py", "")
        self.write("config/performance_thresholds.yaml", ONE_ROUND)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def suite(self, text: str = SUITE) -> None:
        self.write("benchmarks/suite/bench.py", text)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "perfkit"]

    def perfkit(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *words],
            cwd=self.root,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )

    def leftovers(self) -> list[str]:
        """Return what a run must not leave behind: worktrees, builds of dirty trees, litter."""
        state = self.root / ".perfkit"
        found = [path.name for path in (*state.glob("worktrees/*"), *state.glob("builds/*-*"))]
        found += self.git("worktree", "list").splitlines()[1:]
        changed = self.git("status", "--porcelain", "--", ".", ":(exclude)results").splitlines()
        return found + [line for line in changed if line.startswith("??")]
