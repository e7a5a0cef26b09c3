"""Branches that add results merge; jobs that push at once all get through."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from stored_results import described, store

from perfkit.baselines.descriptions import read_descriptions, save_snapshot
from perfkit.baselines.exchange import pull_results, push_results, stored_files
from perfkit.baselines.index import read_results
from perfkit.baselines.upkeep import check_results
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.forge.orphan_branch import OrphanBranch


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "code.py").write_text("")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def test_two_branches_that_add_runs_and_benchmarks_merge_without_a_conflict(tmp_path: Path) -> None:
    root = repository(tmp_path / "project")
    results = root / "results"
    store(results, {"a.time_old": [[1.0]]}, identity="1")
    commit(root, "Measure")
    for side, number in (("left", "2"), ("right", "3")):
        git(root, "checkout", "--quiet", "-b", side, "main")
        # benchmarks.json is not committed and stays from the branch before, as at a developer's.
        store(
            results,
            {"a.time_old": [[1.1]], f"a.time_{side}": [[2.0]], "a.time_both": [[3.0]]},
            identity=number,
            commit=number * 40,
        )
        store(results, {f"b.time_{side}": [[2.0]]}, identity=f"{number}1", commit=number * 40)
        commit(root, f"Measure {side}")
        assert git(root, "status", "--porcelain") == ""
    git(root, "merge", "--quiet", "--no-edit", "left")
    assert git(root, "status", "--porcelain") == ""
    tracked = git(root, "ls-files", "results").splitlines()
    assert not any("benchmarks.json" in path for path in tracked)
    (results / "benchmarks.json").unlink()
    found = check_results(results)
    assert (found.files, found.unreadable) == (5, ())
    assert set(read_descriptions(results)) == {
        *("a.time_old", "a.time_left", "a.time_right", "a.time_both"),
        *("b.time_left", "b.time_right"),
    }


def test_the_newest_description_of_a_benchmark_counts(tmp_path: Path) -> None:
    store(tmp_path, {"a.time_one": [[1.0]]}, identity="1")
    newer = {"a.time_one": {**described("a.time_one"), "version": "v2"}}
    digest = save_snapshot(tmp_path, newer)
    path = store(tmp_path, {"a.time_two": [[1.0]]}, identity="2")
    document = json.loads(path.read_text())
    document["perfkit"]["descriptions"] = digest
    path.write_text(json.dumps(document))
    (tmp_path / "benchmarks.json").unlink()
    check_results(tmp_path)
    assert read_descriptions(tmp_path)["a.time_one"]["version"] == "v2"


def clones(tmp_path: Path, count: int) -> list[OrphanBranch]:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    seed = repository(tmp_path / "seed")
    git(seed, "push", "--quiet", str(remote), "main")
    found = []
    for number in range(count):
        folder = tmp_path / f"clone{number}"
        git(tmp_path, "clone", "--quiet", str(remote), str(folder))
        found.append(
            OrphanBranch(repository=Repository(folder), remote="origin", branch="perfkit-baselines")
        )
    return found


def pushed(branch: OrphanBranch) -> int:
    folder = branch.repository.root / "results"
    return push_results(folder, branch, pause=lambda _: None, jitter=lambda: 0.0)


def test_what_one_clone_pushes_another_pulls(tmp_path: Path) -> None:
    one, other = clones(tmp_path, 2)
    store(one.repository.root / "results", {"a.time_one": [[1.0]]})
    with pytest.raises(UsageError, match=r"origin has no branch perfkit-baselines"):
        pull_results(other.repository.root / "results", other)
    files = len(stored_files(one.repository.root / "results"))
    assert pushed(one) == files == 3  # the run, its machine, its suite
    assert pushed(one) == 0
    assert git(one.repository.root, "status", "--porcelain", "--", ".", ":!results") == ""
    assert pull_results(other.repository.root / "results", other) == files
    assert pull_results(other.repository.root / "results", other) == 0
    assert read_results(other.repository.root / "results")[0].files == 1
    # No history in common with the code.
    tip = one.fetch()
    assert tip is not None
    assert git(one.repository.root, "rev-list", "--max-parents=0", tip) == tip
    with pytest.raises(UsageError, match="holds no results"):
        push_results(tmp_path / "absent", one, pause=lambda _: None, jitter=lambda: 0.0)


def test_clones_that_push_at_once_all_get_through(tmp_path: Path) -> None:
    branches = clones(tmp_path, 4)
    failures: list[BaseException] = []

    def work(number: int, branch: OrphanBranch) -> None:
        try:
            for turn in range(2):
                store(
                    branch.repository.root / "results",
                    {f"a.time_{number}": [[1.0]]},
                    identity=f"{number}{turn}",
                )
                pushed(branch)
        except BaseException as error:  # noqa: BLE001  # told by the test's own thread
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(number, branch))
        for number, branch in enumerate(branches)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    results = branches[0].repository.root / "results"
    pull_results(results, branches[0])
    assert read_results(results)[0].files == 8


def test_a_push_that_is_always_overtaken_gives_up_and_says_so(tmp_path: Path) -> None:
    one, other = clones(tmp_path, 2)
    store(one.repository.root / "results", {"a.time_one": [[1.0]]})
    turn = iter(range(100))
    pauses = []

    class Overtaken(OrphanBranch):
        __slots__ = ()

        def _commit(self, parent: str | None, files: object, message: str) -> str:
            made = super()._commit(parent, files, message)  # type: ignore[arg-type]
            number = str(next(turn))
            store(other.repository.root / "results", {"a.time_two": [[1.0]]}, identity=number)
            pushed(other)
            return made

    late = Overtaken(repository=one.repository, remote="origin", branch=one.branch)
    with pytest.raises(MeasurementError, match=r"moved during each of 12 attempts"):
        push_results(one.repository.root / "results", late, pause=pauses.append, jitter=lambda: 0.5)
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.05
    assert pauses[-1] == 2.5


def test_a_remote_that_refuses_is_not_asked_again(tmp_path: Path) -> None:
    (one,) = clones(tmp_path, 1)
    store(one.repository.root / "results", {"a.time_one": [[1.0]]})
    hook = tmp_path / "remote.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(MeasurementError, match=r"origin refused perfkit-baselines: "):
        pushed(one)
    gone = OrphanBranch(repository=one.repository, remote="nowhere", branch="x")
    with pytest.raises(UsageError, match="ls-remote failed"):
        pushed(gone)


def test_what_does_not_belong_is_not_written_by_a_pull(tmp_path: Path) -> None:
    one, other = clones(tmp_path, 2)
    evil = tmp_path / "evil"
    evil.write_text("evil")
    names = ("a/.git/hooks.json", "benchmarks.json", ".perfkit/x.json", "a/run.json", "a/b.sh")
    one.add(dict.fromkeys(names, evil), "Add", pause=lambda _: None, jitter=lambda: 0.0)
    results = other.repository.root / "results"
    assert pull_results(results, other) == 1
    assert [path.name for path in results.rglob("*") if path.is_file()] == ["run.json"]


def test_the_verbs(tmp_path: Path) -> None:
    one, other = clones(tmp_path, 2)

    def perfkit(branch: OrphanBranch, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "baselines", *words, "--results", "results"],
            cwd=branch.repository.root,
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    store(one.repository.root / "results", {"a.time_one": [[1.0]]})
    assert perfkit(one, "push") == "3 new files pushed to perfkit-baselines at origin\n"
    assert perfkit(other, "pull") == "3 new files from perfkit-baselines at origin\n"
    # asv's list of benchmarks is made from what came.
    assert set(read_descriptions(other.repository.root / "results")) == {"a.time_one"}
    assert perfkit(other, "check").startswith("1 file: 1 result of 1 benchmark at 1 commit")
