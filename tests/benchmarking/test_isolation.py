"""Environments of their own: what is run, what is kept, and what is said when it fails."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from perfkit.benchmarking.isolation import existing, isolated
from perfkit.errors import MeasurementError, UsageError


class Recorded:
    """Runs nothing; makes the interpreter that a real run would make, and fails on demand."""

    def __init__(self, folder: Path, fail: str = "") -> None:
        self.folder, self.fail = folder, fail
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str], log: Path) -> int:
        self.commands.append(command)
        log.write_text("first line\nno matching distribution\n")
        python = self.folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return 1 if self.fail and self.fail in command else 0


def test_the_environment_gets_the_project_and_the_same_runner_and_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "builds" / "abc"
    run = Recorded(folder)
    first = isolated(tmp_path / "src", folder, label="main", run=run)
    assert first.python == folder / "bin" / "python"
    assert first.site is None
    assert len(run.commands) == 2
    assert {str(tmp_path / "src"), f"asv_runner=={version('asv_runner')}"} <= set(run.commands[1])
    assert isolated(tmp_path / "src", folder, label="main", run=run) == first
    assert len(run.commands) == 2
    assert not list(folder.parent.glob("*.log"))


def test_a_failed_installation_is_shown_and_leaves_no_half_environment(tmp_path: Path) -> None:
    folder = tmp_path / "builds" / "abc"
    run = Recorded(folder, fail=str(tmp_path / "src"))
    with pytest.raises(MeasurementError, match=r"(?s)main cannot be installed.*no matching"):
        isolated(tmp_path / "src", folder, label="main", run=run)
    assert not folder.exists()
    assert len(list(folder.parent.glob("*.log"))) == 1


def test_an_unfinished_environment_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "builds" / "abc"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "left over").touch()
    run = Recorded(folder)
    isolated(tmp_path / "src", folder, label="main", run=run)
    assert run.commands
    assert not (folder / "left over").exists()


def test_an_existing_interpreter_must_run_the_same_runner(tmp_path: Path) -> None:
    assert existing(Path(sys.executable)).python == Path(sys.executable)
    with pytest.raises(UsageError, match="cannot be run as an interpreter"):
        existing(tmp_path / "no-python")
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 0.1.0\n")
    other.chmod(0o755)
    with pytest.raises(MeasurementError, match=r"found asv_runner 0\.1\.0, wanted .* pip install"):
        existing(other)
