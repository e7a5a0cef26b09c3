"""A small real project with a real asv suite, in a real repository."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from perfkit.__main__ import run

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


@contextmanager
def _descriptors(out: BinaryIO, err: BinaryIO) -> Iterator[None]:
    """Send what this process and its children write to files, at the level of descriptors."""
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    streams = sys.stdout, sys.stderr
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    try:
        with (
            open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
            open(2, "w", encoding="utf-8", closefd=False) as sys.stderr,
        ):
            yield
    finally:
        sys.stdout, sys.stderr = streams
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)


@contextmanager
def _undone() -> Iterator[None]:
    """Leave working directory, variables, logging and signals as they were found."""
    environment, folder, root = dict(os.environ), Path.cwd(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    signals = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        root.handlers[:] = handlers
        root.setLevel(level)
        for one, former in signals.items():
            signal.signal(one, former)


def without_coverage(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables under which a child is not traced, nor slowed by half again for it.

    What runs in children is traced by the tests of its own module.
    """
    return {
        name: text
        for name, text in variables.items()
        if not name.startswith(("COVERAGE_", "COV_CORE_"))
    }


def run_here(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command line of perfkit in this process, in ``folder``.

    Everything as ``python -m perfkit`` does it but the start of an interpreter and its imports.
    The processes that it starts are not traced for coverage, this one is.
    """
    environment = without_coverage(os.environ) | variables
    with TemporaryFile() as out, TemporaryFile() as err:
        with _undone(), _descriptors(out, err):
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            try:
                code = int(run(words))
            except SystemExit as ended:
                code = int(ended.code or 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8"))
    return subprocess.CompletedProcess(["perfkit", *words], code, *texts)


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

    @classmethod
    def at(cls, root: Path) -> "Project":
        """Return the project that is in ``root`` already."""
        made = cls.__new__(cls)
        made.root = root
        return made

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
        """Run one command line in this process, which has imported everything already."""
        return run_here(self.root, *words, **variables)

    def perfkit_process(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command line in a process of its own, where that is what is looked at."""
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
