"""Files on a branch of their own, byte for byte, with the real git."""

import subprocess
from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.forge.orphan_branch import ATTEMPTS, LONGEST_WAIT, OrphanBranch


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", place], check=True)
    return place


@pytest.fixture
def branch(project: Project, remote: Path) -> OrphanBranch:
    project.commit("before")
    project.git("remote", "add", "origin", str(remote))
    # What a filter for line ends would change.
    project.git("config", "core.autocrlf", "true")
    return OrphanBranch(repository=Repository(project.root), remote="origin", branch="results")


def push(branch: OrphanBranch, files: dict[str, Path], waits: list[float] | None = None) -> int:
    pauses: list[float] = [] if waits is None else waits
    return branch.add(files, "some", pause=pauses.append, jitter=lambda: 1.0)


def test_every_byte_of_several_files_comes_back(branch: OrphanBranch, tmp_path: Path) -> None:
    contents = {"a": b"one\r\ntwo\r\n", "b/c.json": b"", "d e": b"\0\n\xff", "f": b"x"}
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        files[name] = tmp_path / str(number)
        files[name].write_bytes(content)
    assert push(branch, files) == 4
    assert push(branch, files) == 0
    tip = branch.fetch()
    assert tip is not None
    assert dict(branch.contents(branch.files(tip))) == contents


@pytest.mark.parametrize("name", ["a\nb", "a\tb"])
def test_a_name_that_git_cannot_be_told_is_refused(
    branch: OrphanBranch, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError) as caught:
        push(branch, {name: tmp_path})
    assert str(caught.value) == f"{name!r}: a path with a line feed or a tab cannot be pushed."


def refusing(remote: Path, words: str) -> None:
    hook = remote / "hooks" / "update"
    hook.write_text(f"#!/bin/sh\n{words}\nexit 1\n", "utf-8")
    hook.chmod(0o755)


def test_a_refusal_is_told_in_git_s_own_words(
    branch: OrphanBranch, remote: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("x", "utf-8")
    refusing(remote, "printf 'caf\\351\\n' >&2")
    waits: list[float] = []
    with pytest.raises(MeasurementError) as caught:
        push(branch, {"a": tmp_path / "a"}, waits)
    said = str(caught.value)
    assert said.startswith("origin refused results: ! [remote rejected] ")
    assert said.endswith("-> results (hook declined)")
    assert waits == []


def test_a_branch_that_is_locked_again_and_again_is_waited_for_ever_longer(
    branch: OrphanBranch, remote: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("x", "utf-8")
    refusing(remote, "echo 'cannot lock ref' >&2")
    waits: list[float] = []
    with pytest.raises(MeasurementError) as caught:
        push(branch, {"a": tmp_path / "a"}, waits)
    assert str(caught.value) == (
        f"origin: results moved during each of {ATTEMPTS} attempts to push; nothing was pushed,"
        " try again."
    )
    assert waits == [min(LONGEST_WAIT, 0.1 * 2**number) for number in range(ATTEMPTS)]


def test_a_remote_that_is_none_is_named_with_why(project: Project) -> None:
    project.commit("before")
    with pytest.raises(UsageError) as caught:
        OrphanBranch(
            repository=Repository(project.root), remote="nowhere", branch="results"
        ).fetch()
    said = str(caught.value)
    assert said.startswith(f"git ls-remote failed in {project.root}: fatal: 'nowhere' does not")
    assert "\n" not in said
