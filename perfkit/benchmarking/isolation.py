"""An environment of its own for one side: its dependencies as well as its code."""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from perfkit.benchmarking.process import Interpreter
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, UsageError

DONE = "perfkit-installed"
"""File that says that an environment is whole, as it cannot be made elsewhere and renamed."""

LAST_LINES = 15

Run = Callable[[Sequence[str], Path], int]
"""Run a command, append what it prints to a log, and return its exit code."""


def isolated(source: Path, folder: Path, *, label: str, run: Run) -> Interpreter:
    """Return an interpreter of its own with the project in ``source`` and what it requires.

    The environment is made in ``folder`` with uv where it is on PATH, else with venv and pip, and
    found again there when it is whole. It gets the version of asv_runner that this interpreter
    has, so that both sides are measured by the same code.

    Raises MeasurementError with the last lines of the installation and the path of its log.
    """
    python = folder / "bin" / "python"
    if (folder / DONE).is_file() and python.exists():
        return Interpreter(python=python)
    if folder.exists():
        shutil.rmtree(folder)
    log = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    for command in _commands(source, folder, python):
        if run(command, log) != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            shutil.rmtree(folder, ignore_errors=True)
            raise MeasurementError(
                f"{label} cannot be installed into an environment of its own (whole log: {log}):\n"
                f"{tail}"
            )
    log.unlink(missing_ok=True)
    write_whole(folder / DONE, f"{label}\n")
    return Interpreter(python=python)


def _commands(source: Path, folder: Path, python: Path) -> Sequence[Sequence[str]]:
    runner = f"asv_runner=={version('asv_runner')}"
    if uv := shutil.which("uv"):
        return (
            (uv, "venv", "--quiet", "--python", sys.executable, str(folder)),
            (uv, "pip", "install", "--python", str(python), str(source), runner),
        )
    return (
        (sys.executable, "-m", "venv", str(folder)),
        (
            str(python),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            str(source),
            runner,
        ),
    )


def existing(python: Path) -> Interpreter:
    """Return an interpreter that the user prepared, with the project installed.

    UsageError where it cannot be run, MeasurementError where it has another asv_runner than this
    interpreter, or none.
    """
    probe = "import asv_runner, importlib.metadata as m; print(m.version('asv_runner'))"
    try:
        done = subprocess.run(
            [str(python), "-c", probe], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UsageError(
            f"{python}: cannot be run as an interpreter ({error.strerror}); give its path."
        ) from error
    wanted = version("asv_runner")
    if done.returncode != 0 or done.stdout.strip() != wanted:
        found = done.stdout.strip() or "none"
        raise MeasurementError(
            f"{python}: found asv_runner {found}, wanted {wanted}, so that both sides are measured"
            f" by the same code: run `{python} -m pip install asv_runner=={wanted}`."
        )
    return Interpreter(python=python)
