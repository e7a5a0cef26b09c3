"""Facts about revisions, asked from the git command line."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.model import Commit, Revision

WORKING_TREE = "working tree"
"""How the uncommitted state is called on the command line and in reports."""

SHALLOW = "this clone is shallow: fetch the whole history (actions/checkout with `fetch-depth: 0`)"


@dataclass(frozen=True, slots=True)
class Repository:
    """A git checkout; ``root`` is its top folder."""

    root: Path

    @classmethod
    def around(cls, folder: Path) -> "Repository":
        """Return the repository that holds ``folder``; UsageError where there is none."""
        try:
            found = subprocess.run(
                ["git", "rev-parse", "--show-toplevel"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise UsageError(
                "git is not on PATH; perfkit compares commits with it, so install git."
            ) from error
        if found.returncode != 0:
            reason = found.stderr.strip().removeprefix("fatal: ")
            raise UsageError(
                f"{folder}: not usable as a git repository ({reason}); commits can only be compared"
                " inside one: run `git init` and commit, or change into the repository."
            )
        return cls(Path(found.stdout.strip()))

    def git(self, *arguments: str) -> str:
        """Return the stdout of one git command, stripped; UsageError with git's own words."""
        done = self._try(*arguments)
        if done.returncode != 0:
            reason = done.stderr.strip().removeprefix("fatal: ").splitlines()
            raise UsageError(
                f"git {' '.join(arguments)} failed in {self.root}:"
                f" {reason[0] if reason else f'exit {done.returncode}'}"
            )
        return done.stdout.removesuffix("\n")

    def _try(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        # File names and messages are bytes that need not be UTF-8.
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )

    def is_dirty(self, *, apart_from: Path | None = None) -> bool:
        """Whether tracked files differ from HEAD, or untracked ones exist that are not ignored.

        What lies below ``apart_from`` does not count.
        """
        where = ["."]
        if apart_from is not None and self.root in apart_from.parents:
            where.append(f":(exclude,literal){apart_from.relative_to(self.root)}")
        return bool(self.git("status", "--porcelain", "--", *where))

    def is_shallow(self) -> bool:
        """Whether history was cut off when cloning (``actions/checkout`` does by default)."""
        return self.git("rev-parse", "--is-shallow-repository") == "true"

    def resolve(self, name: str) -> Revision:
        """Return the commit that ``name`` means; UsageError names the shallow-clone remedy."""
        done = self._try(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if done.returncode != 0:
            hint = (
                SHALLOW
                if self.is_shallow()
                else "give a branch, a tag or a commit that `git log` knows"
            )
            raise UsageError(f"{name!r} is not a commit of {self.root}; {hint}.")
        commit = done.stdout.strip()
        return Revision(label=name, commit=commit, subject=self.subject(commit))

    def knows(self, commit: str) -> bool:
        """Whether the full id is that of a commit here; a shallow clone lacks many."""
        return self._try("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def subject(self, commit: str) -> str:
        """Return the first line of a commit's message."""
        text = self._of_commit("%s", commit)
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def commit_time(self, commit: str) -> int:
        """Return a commit's author date as a JavaScript timestamp (milliseconds), as asv stores."""
        return int(self._of_commit("%at", commit)) * 1000

    def _of_commit(self, field: str, commit: str) -> str:
        # A user's log.showSignature would put gpg's words in front.
        return self.git("log", "-1", "--no-show-signature", f"--format={field}", commit)

    def working_tree(self, *, apart_from: Path | None = None) -> Revision:
        """Return HEAD, or HEAD marked dirty where uncommitted changes exist.

        What lies below ``apart_from`` does not count: results that were stored and are not
        committed yet change nothing that is measured.
        """
        head = self.resolve("HEAD")
        if not self.is_dirty(apart_from=apart_from):
            return head
        return Revision(
            label=WORKING_TREE, commit=head.commit, dirty=True, subject="uncommitted changes"
        )

    def default_branch(self) -> str:
        """Return the branch that changes are merged into: origin's HEAD, else main or master."""
        done = self._try("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
        for name in ("origin/main", "origin/master", "main", "master"):
            if self._try("rev-parse", "--verify", "--quiet", name).returncode == 0:
                return name
        raise UsageError(
            f"{self.root} has neither origin/HEAD nor a branch main or master; name the base"
            " commit yourself."
        )

    def merge_base(self, tip: str, branch: str) -> Revision:
        """Return the best common ancestor, the fair base of a change.

        ``tip`` is the change's commit and ``branch`` what it will be merged into. Where merges
        back and forth leave several best ones, it is the newest that lies on the first-parent line
        of ``branch``, which is what was released from it, else the newest. Never the tip of
        ``branch``, unless ``tip`` holds it: what others merged meanwhile is not this change.

        Raises:
            UsageError: a shallow clone, in which a better one may be cut off; one of both is not
                known; they share no history.
        """
        theirs, ours = self.resolve(branch).commit, self.resolve(tip).commit
        if self.is_shallow():
            raise UsageError(
                f"the merge base of {tip} and {branch} cannot be told in {self.root}; {SHALLOW}."
            )
        done = self._try("merge-base", "--all", theirs, ours)
        found = done.stdout.split()
        if done.returncode != 0 or not found:
            raise UsageError(
                f"{branch} and {tip} share no history in {self.root}; name the base commit"
                " yourself."
            )
        label = f"merge base with {branch}"
        if len(found) > 1:
            line = set(self.first_parents(theirs))
            released = [one for one in found if one in line]
            newest = self.git("rev-list", "--no-walk=sorted", *(released or found)).split()[0]
            label += f", one of {len(found)}"
            found = [newest]
        return Revision(label=label, commit=found[0], subject=self.subject(found[0]))

    def nearest_measured(
        self, wanted: Revision, measured: Callable[[str], bool]
    ) -> Revision | None:
        """Return ``wanted`` or its nearest first-parent ancestor that was ``measured``.

        ``between`` holds the commits after it, up to ``wanted``. A descendant is never taken: it
        may hold the change that is judged. None where no ancestor was measured; UsageError where
        that may be because the clone is shallow.
        """
        line = list(self.first_parents(wanted.commit))
        for distance, commit in enumerate(reversed(line)):
            if measured(commit):
                if distance == 0:
                    return wanted
                return Revision(
                    label=f"{distance} before {wanted.label}",
                    commit=commit,
                    subject=self.subject(commit),
                    between=tuple(line[len(line) - distance :]),
                )
        if self.is_shallow():
            raise UsageError(
                f"no measured ancestor of {wanted.label} ({wanted.commit[:10]}) is in {self.root};"
                f" {SHALLOW}."
            )
        return None

    def first_parents(self, tip: str) -> Sequence[str]:
        """Return commits from the root to ``tip`` along first parents."""
        return self.git("rev-list", "--first-parent", "--reverse", tip).splitlines()

    def commits(self, names: Iterable[str]) -> dict[str, Commit]:
        """Return date and subject of full commits, asked at once; those unknown are left out."""
        wanted = "\n".join(names)
        if not wanted:
            return {}
        done = self._try(
            *("log", "--no-walk=unsorted", "--ignore-missing", "--no-show-signature", "--stdin"),
            *("-z", "--format=%H%x00%at%x00%s"),  # a subject may hold any line end but git's own
            stdin=wanted + "\n",
        )
        found = {}
        words = done.stdout.split("\0")
        for commit, date, subject in zip(words[0::3], words[1::3], words[2::3], strict=False):
            readable = subject.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            found[commit] = Commit(date=int(date) * 1000, subject=readable)
        return found

    def changes(self) -> Sequence[Path]:
        """Return what differs from HEAD, deleted files included, and untracked, not ignored files.

        Paths are relative to the root.
        """
        return [
            Path(name)
            for words in (
                ("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", "HEAD"),
                ("ls-files", "--others", "--exclude-standard", "-z"),
            )
            for name in self.git(*words).split("\0")
            if name
        ]

    @contextmanager
    def checkout(self, commit: str, folder: Path) -> Iterator[Path]:
        """Hold ``commit`` checked out in ``folder`` (a detached git worktree), removed after.

        A worktree shares the object store, so it also works in shallow clones and for commits
        that no branch reaches.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Hooks of the user's own checkouts (post-checkout) are none of this one's business.
            self.git(
                *("-c", f"core.hooksPath={os.devnull}", "worktree", "add"),
                *("--quiet", "--detach", "--force", str(folder), commit),
            )
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._try("worktree", "prune")
