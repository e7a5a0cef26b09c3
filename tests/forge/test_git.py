"""Facts about revisions, from scripted repositories and the real git."""

import os
import subprocess
from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.forge.git import Repository

DAY = 1_700_000_000


class Scripted:
    """A repository in which every commit is known."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.seconds = DAY
        self("init", "--quiet", "--initial-branch=main")
        self("config", "user.name", "Ada")
        self("config", "user.email", "ada@example.org")
        self("config", "commit.gpgsign", "false")

    def __call__(self, *words: str | bytes) -> str:
        date = f"{self.seconds} +0100"
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            capture_output=True,
            check=True,
            env={**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
        )
        return done.stdout.decode(errors="replace").strip()

    def commit(self, text: str | bytes, file: str = "a.py") -> str:
        self.seconds += 60
        (self.root / file).write_text(f"{self.seconds}\n")
        self("add", "--all")
        self("commit", "--quiet", "-m", text)
        return self("rev-parse", "HEAD")

    @property
    def repository(self) -> Repository:
        return Repository.around(self.root)


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    return Scripted(tmp_path / "repository")


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not usable as a git repository .*git init"):
        Repository.around(tmp_path)


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not on PATH"):
        Repository.around(tmp_path)


def test_a_repository_without_a_commit(scripted: Scripted) -> None:
    with pytest.raises(UsageError, match="'HEAD' is not a commit of"):
        scripted.repository.working_tree()


def test_around_finds_the_root_from_below(scripted: Scripted) -> None:
    below = scripted.root / "a" / "b"
    below.mkdir(parents=True)
    assert Repository.around(below).root == scripted.root


def test_names_of_a_commit(scripted: Scripted) -> None:
    first = scripted.commit("first\n\nwith a body")
    scripted("tag", "v1")
    scripted.commit("second")
    repository = scripted.repository
    for name in (first, first[:8], "v1", "HEAD~1", "main^", "HEAD^{/first}"):
        found = repository.resolve(name)
        assert (found.commit, found.label, found.subject) == (first, name, "first")
        assert not found.dirty
    assert repository.commit_time(first) == (DAY + 60) * 1000
    assert repository.first_parents("main") == [first, scripted("rev-parse", "main")]


@pytest.mark.parametrize("name", ["absent", "", "0" * 40, "--help", "-q", "HEAD:a.py", "a b"])
def test_an_unknown_commit(scripted: Scripted, name: str) -> None:
    scripted.commit("first")
    with pytest.raises(UsageError, match=r"is not a commit of .*; give a branch, a tag or a"):
        scripted.repository.resolve(name)


def test_a_shallow_clone_names_the_remedy(scripted: Scripted, tmp_path: Path) -> None:
    first = scripted.commit("first")
    scripted("checkout", "--quiet", "-b", "side")
    side = scripted.commit("on the side")
    scripted("checkout", "--quiet", "main")
    scripted.commit("second")
    shallow = Scripted(tmp_path / "shallow")
    shallow("fetch", "--quiet", "--depth=1", scripted.root.as_uri(), "main", "side")
    shallow("reset", "--quiet", "--hard", shallow("rev-parse", "FETCH_HEAD"))
    repository = shallow.repository
    assert repository.is_shallow()
    assert not scripted.repository.is_shallow()
    with pytest.raises(UsageError, match=r"fetch-depth: 0"):
        repository.resolve(first)
    with pytest.raises(UsageError, match=r"cannot be told in .*fetch-depth: 0"):
        repository.merge_base(side, "HEAD")


def test_merge_base_of_a_branch_behind_its_target(scripted: Scripted) -> None:
    fork = scripted.commit("fork")
    scripted("checkout", "--quiet", "-b", "side")
    tip = scripted.commit("on the side", "side.py")
    scripted("checkout", "--quiet", "main")
    scripted.commit("main moved on")
    found = scripted.repository.merge_base(tip, "main")
    assert (found.commit, found.label, found.subject) == (fork, "merge base with main", "fork")
    # After main was merged into it, the base is what was merged.
    scripted("checkout", "--quiet", "side")
    scripted("merge", "--quiet", "-m", "merge main", "main")
    assert scripted.repository.merge_base("side", "main").commit == scripted("rev-parse", "main")


def test_no_merge_base(scripted: Scripted) -> None:
    scripted.commit("first")
    scripted("checkout", "--quiet", "--orphan", "other")
    scripted.commit("unrelated")
    with pytest.raises(UsageError, match=r"share no history in .*; name the base commit yourself"):
        scripted.repository.merge_base("other", "main")
    with pytest.raises(UsageError, match="'absent' is not a commit"):
        scripted.repository.merge_base("other", "absent")


def test_the_default_branch(scripted: Scripted, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither origin/HEAD nor a branch main or master"):
        scripted.repository.default_branch()
    scripted.commit("first")
    assert scripted.repository.default_branch() == "main"
    scripted("branch", "--move", "trunk")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", scripted.root, clone], check=True)
    assert Repository.around(clone).default_branch() == "origin/trunk"
    scripted("branch", "--move", "master")
    assert scripted.repository.default_branch() == "master"


def test_a_detached_head(scripted: Scripted) -> None:
    first = scripted.commit("first")
    scripted.commit("second")
    scripted("checkout", "--quiet", "--detach", first)
    found = scripted.repository.working_tree()
    assert (found.commit, found.label, found.dirty) == (first, "HEAD", False)


@pytest.mark.parametrize("change", ["edit", "delete", "add", "stage"])
def test_uncommitted_changes_are_said(scripted: Scripted, change: str) -> None:
    commit = scripted.commit("first")
    (scripted.root / ".gitignore").write_text("*.pyc\n")
    scripted.commit("ignore")
    commit = scripted("rev-parse", "HEAD")
    (scripted.root / "x.pyc").write_text("ignored")
    repository = scripted.repository
    assert repository.working_tree().label == "HEAD"
    match change:
        case "edit":
            (scripted.root / "a.py").write_text("edited")
        case "delete":
            (scripted.root / "a.py").unlink()
        case "add":
            (scripted.root / "new.py").write_text("new")
        case _:
            (scripted.root / "new.py").write_text("new")
            scripted("add", "new.py")
    found = repository.working_tree()
    assert (found.commit, found.dirty, found.label) == (commit, True, "working tree")
    changed = Path("new.py" if change in {"add", "stage"} else "a.py")
    assert list(repository.changes()) == [changed]


def test_stored_results_are_no_change(scripted: Scripted) -> None:
    scripted.commit("first")
    results = scripted.root / "base[1] lines"
    results.mkdir()
    (results / "run.json").write_text("{}")
    repository = scripted.repository
    assert repository.is_dirty()
    assert not repository.is_dirty(apart_from=results)
    assert not repository.working_tree(apart_from=results).dirty
    (scripted.root / "base1 lines").write_text("another name")
    assert repository.is_dirty(apart_from=results)


def test_bytes_that_are_no_utf8(scripted: Scripted) -> None:
    scripted("config", "i18n.commitEncoding", "utf-8")
    commit = scripted.commit(b"caf\xe9")
    assert scripted.repository.subject(commit).startswith("caf")
    name = os.fsdecode(b" caf\xe9.py")
    (scripted.root / name).write_text("")
    assert Path(name) in scripted.repository.changes()


def test_a_checkout_is_whole_and_leaves_nothing(scripted: Scripted, tmp_path: Path) -> None:
    first = scripted.commit("first")
    scripted.commit("second", "b.py")
    hooks = scripted.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    folder = tmp_path / "deep" / "worktree"
    with scripted.repository.checkout(first, folder) as place:
        assert place == folder
        assert sorted(path.name for path in folder.iterdir()) == [".git", "a.py"]
        assert str(folder) in scripted("worktree", "list")
        (folder / "litter").write_text("of a build")
        # A worktree is a repository to ask as well.
        assert Repository.around(folder).working_tree().commit == first
    assert not folder.exists()
    assert len(scripted("worktree", "list").splitlines()) == 1
    assert not (tmp_path / "hooked").exists()


def test_a_checkout_that_fails_leaves_nothing(scripted: Scripted, tmp_path: Path) -> None:
    scripted.commit("first")
    folder = tmp_path / "worktree"
    with (
        pytest.raises(UsageError, match=r"worktree add .* failed"),
        scripted.repository.checkout("absent", folder),
    ):
        raise AssertionError
    commit = scripted("rev-parse", "HEAD")
    with (
        pytest.raises(KeyboardInterrupt),
        scripted.repository.checkout(commit, folder),
    ):
        raise KeyboardInterrupt
    assert not folder.exists()
    assert len(scripted("worktree", "list").splitlines()) == 1


def test_many_commits_are_asked_at_once_whatever_their_subjects_hold(tmp_path: Path) -> None:
    scripted = Scripted(tmp_path / "r")
    repository = Repository(scripted.root)
    assert repository.commits([]) == {}
    subjects = ("plain", "a\u2028line\x0cend", b"caf\xe9", "tab\tand 0 1", "here\rthere")
    commits = [scripted.commit(subject) for subject in subjects]
    found = repository.commits([*commits, "0" * 40])
    assert list(found) == commits
    assert [one.subject for one in found.values()] == [
        "plain", "a\u2028line\x0cend", "café", "tab\tand 0 1", "here\nthere"
    ]  # fmt: skip
    assert [one.date for one in found.values()] == [
        (DAY + 60 * number) * 1000 for number in range(1, 6)
    ]
    assert set(repository.commits(commits[1:2])) == {commits[1]}


def test_where_no_repository_is_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Repository.around(tmp_path)
    said = str(caught.value)
    assert "fatal" not in said
    assert said.endswith("inside one: run `git init` and commit, or change into the repository.")
