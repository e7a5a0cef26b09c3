"""``asv run`` as a process: what it will do, and what it said.

asv builds an environment of its own for each commit, also conda's, and measures there. perfkit
starts it, keeps its words and looks at its results; nothing of asv is imported here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfkit.benchmarking.suite import Suite
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.process_group import end_group

LAST_LINES = 15
"""Lines of asv's log shown where it failed."""

FACTS = """\
import contextlib, json, os, sys
from asv import environment, util
from asv.config import Config
from asv.machine import Machine, MachineCollection
path = os.path.abspath(sys.argv[1])
os.chdir(os.path.dirname(path))
with contextlib.redirect_stdout(sys.stderr):
    conf = Config.load(path)
    kind = conf.environment_type
    found = []
    try:
        if kind != "existing":
            found = list(environment.get_environments(conf, None))
    except Exception as error:
        print(error)
    machine = Machine.get_unique_machine_name()
    try:
        known = MachineCollection.load(machine)["machine"]
    except util.UserError:
        known = None
names = [one.name for one in found]
print(json.dumps({"kind": kind, "names": names, "machine": known, "host": machine}))
"""
"""Asks asv which environments its configuration means and by which name it knows this machine."""

FACTS_SECONDS = 120.0
"""What asv may take to say so: it asks conda, uv or pythons for their versions, which a lock or a
network that hangs can make for ever."""

ON_PATH = {"conda": "CONDA_EXE", "mamba": "MAMBA_EXE"}
"""Programs that asv needs for an environment_type of that name -> variable that names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The environments that asv would measure in, and the machine's name in its results."""

    environments: tuple[str, ...]
    machine: str


def commits_of(repository: Repository, span: str, every: int) -> list[str]:
    """Return every ``every``-th commit of ``FROM..TO`` along first parents, the newest first.

    As for git, FROM itself is not part of it. UsageError where there are none.
    """
    start, dots, end = span.partition("..")
    if not start or not dots or not end or end.startswith("."):
        raise UsageError(
            f"--backfill: found {span!r}, wanted FROM..TO, two commits such as v1..main."
        )
    first, last = repository.resolve(start).commit, repository.resolve(end).commit
    found = repository.git("rev-list", "--first-parent", f"{first}..{last}").splitlines()
    if not found:
        raise UsageError(
            f"--backfill: {span} has no commit; {end} holds nothing that {start} lacks."
        )
    return found[::every]


def check_environment_type(suite: Suite, kind: str, environ: Mapping[str, str]) -> None:
    """Raise in one sentence where asv could build nothing with this ``environment_type``."""
    if kind == "existing":
        raise UsageError(
            f"{suite.config}: environment_type is existing, in which asv cannot install commits;"
            " set it to virtualenv, uv or conda."
        )
    variable = ON_PATH.get(kind)
    if variable is None:
        return
    if not environ.get(variable) and shutil.which(kind, path=environ.get("PATH")) is None:
        raise MeasurementError(
            f"{suite.config}: environment_type is {kind}, but {kind} is not on PATH; install it,"
            " activate its shell, or set another environment_type."
        )


def matrix_of(suite: Suite, log: Path, *, timeout: float = FACTS_SECONDS) -> Matrix:
    """Return what asv makes of its configuration, which may take ``timeout`` seconds.

    Where asv does not know this machine yet, ``asv machine --yes`` tells it, which writes
    ``~/.asv-machine.json``. MeasurementError with asv's last lines where it cannot say.
    """
    facts = _facts(suite, log, timeout)
    check_environment_type(suite, str(facts["kind"] or ""), os.environ)
    if facts["machine"] is None:
        code = run_asv(suite, ["machine", "--yes"], log)
        if code != 0:
            raise failed("asv machine --yes", code, log)
    names = facts["names"]
    if not names:
        raise MeasurementError(
            f"{suite.config}: asv finds no environment that it could build.{last_lines(log)}"
        )
    return Matrix(environments=tuple(names), machine=str(facts["machine"] or facts["host"]))


def _facts(suite: Suite, log: Path, timeout: float) -> dict[str, list[str] | str | None]:
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-c", FACTS, str(suite.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise MeasurementError(
                f"{suite.config}: asv did not say within {timeout:g} s which environments it means;"
                f" look whether conda or uv hangs.{last_lines(log)}"
            ) from error
        finally:
            end_group(process)  # also what it asked
    if process.returncode != 0:
        raise failed("reading asv's configuration", process.returncode, log)
    found: dict[str, list[str] | str | None] = json.loads(said)
    return found


def run_asv(suite: Suite, words: Sequence[str], log: Path) -> int:
    """Run one command of asv, with all it says appended to ``log``; return its exit code.

    asv and what it started is ended by Ctrl-C.
    """
    command = [sys.executable, "-m", "asv", *words, "--config", str(suite.config)]
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command,
            cwd=suite.config.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait()
        finally:
            end_group(process)  # also what a benchmark left behind


def failed(what: str, code: int, log: Path) -> MeasurementError:
    """Return the error that shows the end of asv's log."""
    return MeasurementError(
        f"{what} failed with exit code {code}; all it said is in {log}.{last_lines(log)}"
    )


def last_lines(log: Path) -> str:
    """Return the last lines of a log, on lines of their own."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "".join(f"\n{line}" for line in lines)
