"""A branch of its own for bulk data: files come and go without a checkout."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository

ATTEMPTS = 12
"""Pushes that are tried while others push as well; each one that loses means that one got through,
so that this many CI jobs can finish at once."""

LONGEST_WAIT = 5.0
"""Seconds between two attempts at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanBranch:
    """A branch at ``remote`` that shares no history with the code."""

    repository: Repository
    remote: str
    branch: str

    def fetch(self) -> str | None:
        """Return the branch's newest commit at the remote; None where there is no such branch.

        UsageError, with git's own words, where the remote cannot be asked.
        """
        reference = f"refs/heads/{self.branch}"
        listed = self._git("ls-remote", "--exit-code", self.remote, reference, accept={0, 2})
        if not listed.strip():
            return None
        self._git("fetch", "--quiet", "--no-tags", self.remote, reference)
        return self._git("rev-parse", "FETCH_HEAD").decode().strip()

    def files(self, commit: str) -> dict[str, str]:
        """Return path -> blob of a commit."""
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        found = {}
        for entry in listed.split(b"\0")[:-1]:
            facts, path = entry.split(b"\t", 1)
            found[os.fsdecode(path)] = facts.split()[2].decode()
        return found

    def contents(self, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """Yield path and content for path -> blob."""
        answers = self._git(
            "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs.values()).encode()
        )
        at = 0
        for path in blobs:
            end = answers.index(b"\n", at)
            size = int(answers[at:end].split()[2])
            yield path, answers[end + 1 : end + 1 + size]
            at = end + 1 + size + 1

    def add(
        self,
        files: Mapping[str, Path],
        message: str,
        *,
        pause: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> int:
        """Add ``files`` (path in the branch -> file) at the remote; return how many were new.

        Paths that the branch has already stay as they are. When somebody else pushes at the same
        time, the files are added to what they pushed, after a pause of ``jitter()`` in [0, 1) of
        an ever longer time. Raises MeasurementError when that never succeeds.
        """
        for attempt in range(ATTEMPTS):
            tip = self.fetch()
            known = self.files(tip) if tip else {}
            new = {path: file for path, file in files.items() if path not in known}
            if not new:
                return 0
            commit = self._commit(tip, new, message)
            target = f"{commit}:refs/heads/{self.branch}"
            refused = self._try("push", "--quiet", self.remote, target)
            if refused.returncode == 0:
                return len(new)
            moved = self.fetch() != tip
            if not moved and b"cannot lock ref" not in refused.stderr:
                raise MeasurementError(
                    f"{self.remote} refused {self.branch}: {_last_line(refused.stderr)}"
                )
            pause(min(LONGEST_WAIT, 0.1 * 2**attempt) * jitter())
        raise MeasurementError(
            f"{self.remote}: {self.branch} moved during each of {ATTEMPTS} attempts to push;"
            " nothing was pushed, try again."
        )

    def _commit(self, parent: str | None, files: Mapping[str, Path], message: str) -> str:
        """Return a commit of ``parent``'s files and ``files``, made beside the work tree."""
        for path in files:
            if "\n" in path or "\t" in path:
                raise UsageError(f"{path!r}: a path with a line feed or a tab cannot be pushed.")
        with TemporaryDirectory(prefix="perfkit-index-") as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
            if parent:
                self._git("read-tree", parent, environment=index)
            names = "".join(f"{file.resolve()}\n" for file in files.values())
            # The bytes as they are: a filter for line ends would change what digests name.
            blobs = self._git(
                "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=os.fsencode(names)
            )
            entries = "".join(
                f"100644 {blob}\t{path}\n"
                for blob, path in zip(blobs.decode().split(), files, strict=True)
            )
            self._git(
                *("update-index", "--add", "--index-info"),
                stdin=os.fsencode(entries),
                environment=index,
            )
            tree = self._git("write-tree", environment=index).decode().strip()
        parents = ["-p", parent] if parent else []
        return self._git("commit-tree", tree, *parents, "-m", message).decode().strip()

    def _git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        accept: set[int] | None = None,
    ) -> bytes:
        done = self._try(*arguments, stdin=stdin, environment=environment)
        if done.returncode not in (accept or {0}):
            raise UsageError(
                f"git {arguments[0]} failed in {self.repository.root}: {_last_line(done.stderr)}"
            )
        return done.stdout

    def _try(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.repository.root,
            input=stdin,
            # A prompt for a password would wait for ever in CI.
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            capture_output=True,
            check=False,
        )


def _last_line(stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    wanted = [line for line in lines if line.startswith(("fatal:", "error:", " ! "))] or lines
    return wanted[0].strip() if wanted else "without a word"
