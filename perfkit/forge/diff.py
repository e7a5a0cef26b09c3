"""What differs between a commit and the working tree, untracked files included: lines and names."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perfkit.errors import UsageError
from perfkit.forge.git import Repository

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_FILE = re.compile(r"^diff --git .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file of a diff; paths are from the repository's root.

    ``old`` is None for a new file and ``new`` for a deleted one; they differ for a renamed one.
    ``old_lines`` and ``new_lines`` are the changed lines of either side, from 1; where lines were
    only removed or only added, the other side has the two lines around the place. Both are empty
    for a ``binary`` file.
    """

    old: str | None
    new: str | None
    binary: bool
    old_lines: tuple[range, ...] = ()
    new_lines: tuple[range, ...] = ()


def changed_files(repository: Repository, base: str) -> tuple[ChangedFile, ...]:
    """Return every file in which the working tree differs from the commit ``base``.

    Renames are git's own finding. The index of the user is only read. UsageError with git's words
    where it refuses.
    """
    with _index_with_new_files(repository) as environment:

        def diff(*words: str) -> str:
            return _git(
                repository,
                *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames"),
                *(*words, base, "--"),
                environment=environment,
            )

        entries = list(_entries(diff("--raw", "-z").split("\0")))
        patches = _FILE.split(diff("--patch", "--unified=0"))[1:]
    return tuple(_file(old, new, patch) for (old, new), patch in zip(entries, patches, strict=True))


def renames(repository: Repository, base: str) -> dict[str, str]:
    """Return old path -> new path of the files that were renamed since the commit ``base``."""
    with _index_with_new_files(repository) as environment:
        words = ("diff", "--no-ext-diff", "--find-renames", "--diff-filter=R", "--raw", "-z", base)
        listed = _git(repository, *words, "--", environment=environment)
    return {
        old: new for old, new in _entries(listed.split("\0")) if old is not None and new is not None
    }


def tracked(repository: Repository) -> tuple[str, ...]:
    """Return the files of the working tree that are not ignored, as paths from its root."""
    words = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    return tuple(name for name in repository.git(*words).split("\0") if name)


def _entries(words: list[str]) -> Iterator[tuple[str | None, str | None]]:
    """Read ``:modes hashes STATUS NUL path NUL [path NUL]``."""
    rest = iter(words)
    for word in rest:
        if not word:
            continue
        status = word.rpartition(" ")[2][:1]
        first = next(rest)
        match status:
            case "A":
                yield None, first
            case "D":
                yield first, None
            case "R" | "C":
                yield first, next(rest)
            case _:
                yield first, first


def _file(old: str | None, new: str | None, patch: str) -> ChangedFile:
    before, after = [], []
    for hunk in _HUNK.finditer(patch):
        start_old, count_old, start_new, count_new = (
            1 if number is None else int(number) for number in hunk.groups()
        )
        before.append(_lines(start_old, count_old))
        after.append(_lines(start_new, count_new))
    return ChangedFile(
        old=old,
        new=new,
        binary="\nBinary files " in patch or "\nGIT binary patch" in patch,
        old_lines=tuple(before),
        new_lines=tuple(after),
    )


def _lines(start: int, count: int) -> range:
    """Return the lines of one side of a hunk; git names the line before where there is none."""
    return range(start, start + count) if count else range(start, start + 2)


@contextmanager
def _index_with_new_files(repository: Repository) -> Iterator[dict[str, str]]:
    """Hold a copy of the index that knows the untracked files, as an environment for git."""
    place = Path(_git(repository, "rev-parse", "--git-path", "index").strip())
    with TemporaryDirectory(prefix="perfkit-") as scratch:
        copy = Path(scratch, "index")
        if (repository.root / place).exists():
            # With its time: git looks into files that are no older than its index.
            shutil.copy2(repository.root / place, copy)
        environment = {"GIT_INDEX_FILE": str(copy)}
        _git(repository, "add", "--intent-to-add", "--all", ".", environment=environment)
        yield environment


def _git(repository: Repository, *arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository.root,
        env=os.environ | (environment or {}),
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().removeprefix("fatal: ").partition("\n")[0]
        raise UsageError(f"git {arguments[0]} failed in {repository.root}: {reason}")
    return done.stdout
