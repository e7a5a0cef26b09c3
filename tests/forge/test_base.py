"""Which commit a change is compared with, in histories of every shape."""

import os
import subprocess
from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.forge.git import Repository


class History:
    """A scripted repository: commits by name, each with a file of its own."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True)
        self.root = root
        self.seconds = 1_700_000_000
        self.named: dict[str, str] = {}
        self("init", "--quiet", "--initial-branch=main")
        self.commit("root")

    def __call__(self, *words: str) -> str:
        self.seconds += 60
        date = f"{self.seconds} +0000"
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=self.root,
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
        )
        return done.stdout.strip()

    def on(self, branch: str, start: str | None = None) -> None:
        words = ("-B", branch, start) if start else (branch,)
        self("checkout", "--quiet", *words)

    def commit(self, name: str) -> str:
        (self.root / name).write_text(name)
        self("add", name)
        self("commit", "--quiet", "-m", name)
        return self.mark(name)

    def merge(self, name: str, *others: str) -> str:
        self("merge", "--quiet", "--no-ff", "-m", name, *others)
        return self.mark(name)

    def mark(self, name: str) -> str:
        self.named[name] = self("rev-parse", "HEAD")
        return self.named[name]

    def base(self, tip: str, branch: str = "main") -> str:
        """Return the name of the commit that is the base."""
        found = Repository.around(self.root).merge_base(tip, branch)
        return next(name for name, commit in self.named.items() if commit == found.commit)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "repository")


def test_criss_cross_merges_take_what_main_released(history: History) -> None:
    history.on("side", "main")
    one = history.commit("one")
    history.on("main")
    two = history.commit("two")
    history.merge("main takes side", one)
    history.on("side")
    history.merge("side takes main", two)
    assert len(history("merge-base", "--all", "main", "side").split()) == 2
    # "one" is newer in neither line of main's own; "two" is what main was.
    assert history.base("side") == "two"
    assert Repository.around(history.root).merge_base("side", "main").label == (
        "merge base with main, one of 2"
    )
    # From the other side, the line of that branch counts.
    assert history.base("main", "side") == "one"


def test_several_bases_none_of_which_main_was_take_the_newest(history: History) -> None:
    history.on("a", "main")
    one = history.commit("one")
    history.on("b", "main")
    two = history.commit("two")
    history.on("side", one)
    history.merge("side", two)
    history.on("main")
    history.merge("main takes a", one)
    history.merge("main takes b", two)
    assert history.base("side") == "two"


def test_a_stacked_pull_request_is_compared_with_what_it_is_stacked_on(history: History) -> None:
    history.on("first", "main")
    history.commit("lower")
    history.on("second", "first")
    history.commit("upper")
    history.on("first")
    history.commit("lower moved on")
    history.on("main")
    history.commit("main moved on")
    assert history.base("second", "first") == "lower"
    assert history.base("second", "main") == "root"


def test_after_a_force_push_the_common_past_is_the_base(history: History) -> None:
    history.commit("kept")
    history.commit("rewritten")
    history.on("side", "main")
    history.commit("change")
    history.on("main")
    history("reset", "--quiet", "--hard", history.named["kept"])
    history.commit("instead")
    assert history.base("side") == "kept"
    # The branch itself force-pushed: its old tip is no part of the question.
    history.on("side", history.named["kept"])
    history.commit("change anew")
    assert history.base("side") == "kept"


def test_a_detached_head_and_an_octopus_merge(history: History) -> None:
    for name in ("a", "b", "c"):
        history.on(name, history.named["root"])
        history.commit(f"in {name}")
    history.on("main")
    before = history.commit("main moved on")
    history("checkout", "--quiet", "--detach", "a")
    assert history.base("HEAD") == "root"
    history.on("main")
    history.merge("octopus", "a", "b", "c")
    history.on("side", "main")
    history.commit("change")
    assert history.base("side") == "octopus"
    assert history.base("b") == "in b"
    line = Repository.around(history.root).first_parents("main")
    assert list(line) == [history.named["root"], before, history.named["octopus"]]


def test_the_tip_of_main_is_no_base_of_what_lacks_it(history: History) -> None:
    history.on("side", "main")
    history.commit("change")
    history.on("main")
    history.commit("main moved on")
    assert history.base("side") == "root"


def test_a_submodule_and_a_worktree_are_repositories_of_their_own(
    history: History, tmp_path: Path
) -> None:
    inner = History(tmp_path / "inner")
    inner.on("side", "main")
    inner.commit("change")
    history("submodule", "--quiet", "add", str(inner.root), "inner")
    history("commit", "--quiet", "-m", "with a submodule")
    inside = Repository.around(history.root / "inner")
    assert inside.root == history.root / "inner"
    assert inside.merge_base("HEAD", "origin/main").commit == inner.named["root"]
    history.on("side", history.named["root"])
    history.commit("change here")
    history.on("main")
    tree = tmp_path / "tree"
    history("worktree", "add", "--quiet", str(tree), "side")
    there = Repository.around(tree)
    assert there.root == tree
    assert there.merge_base("HEAD", "main").commit == history.named["root"]


def test_a_shallow_clone_cannot_tell_whatever_git_finds(history: History, tmp_path: Path) -> None:
    history.on("side", "main")
    history.commit("change")
    history.on("main")
    for name in ("one", "two", "three"):
        history.commit(name)
    clone = tmp_path / "clone"
    history("clone", "--quiet", "--no-local", "--depth=2", "--no-single-branch", ".", str(clone))
    shallow = Repository.around(clone)
    # git finds one here; in another history it would be the wrong one, and nothing tells.
    for tip in ("origin/side", "HEAD"):
        with pytest.raises(UsageError, match=r"merge base of .* cannot be told .*fetch-depth: 0"):
            shallow.merge_base(tip, "origin/main")
    wanted = shallow.resolve("HEAD")
    assert shallow.nearest_measured(wanted, lambda _: True) == wanted
    with pytest.raises(UsageError, match=r"no measured ancestor of HEAD .*fetch-depth: 0"):
        shallow.nearest_measured(wanted, lambda _: False)


def test_the_nearest_measured_ancestor_with_what_lies_between(history: History) -> None:
    history.on("topic", "main")
    history.commit("topic work")
    history.on("main")
    for name in ("one", "two"):
        history.commit(name)
    history.merge("merged", "topic")
    history.commit("three")
    repository = Repository.around(history.root)
    named = history.named
    wanted = repository.resolve("main~1")
    assert wanted.commit == named["merged"]
    assert repository.nearest_measured(wanted, named["merged"].__eq__) == wanted
    found = repository.nearest_measured(wanted, {named["one"], named["root"]}.__contains__)
    assert found is not None
    assert (found.commit, found.label, found.subject) == (
        named["one"],
        "2 before main~1",
        "one",
    )
    assert found.between == (named["two"], named["merged"])
    # Neither a descendant, nor a commit off the first-parent line.
    off = {named["three"], named["topic work"]}
    assert repository.nearest_measured(wanted, off.__contains__) is None
