"""Results on a branch of their own, away from the history of the code."""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from perfkit.baselines.descriptions import BENCHMARKS, SNAPSHOTS
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.orphan_branch import OrphanBranch

BRANCH = "perfkit-baselines"
"""The branch's usual name."""


def stored_files(folder: Path) -> dict[str, Path]:
    """Return what belongs to the results: path below ``folder`` -> file.

    What is generated, the index and what interrupted writes left behind do not belong.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and _belongs(PurePosixPath(*name.parts)):
            found[name.as_posix()] = path
    return found


def _belongs(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    snapshot = path.suffix == ".jsonl" and path.parts[0] == SNAPSHOTS
    return not hidden and path.name != BENCHMARKS and (snapshot or path.suffix == ".json")


def push_results(
    folder: Path,
    branch: OrphanBranch,
    *,
    pause: Callable[[float], None],
    jitter: Callable[[], float],
) -> int:
    """Add the results of ``folder`` to the branch; return how many files were new to it.

    Raises UsageError where there is nothing to push or the remote cannot be asked.
    """
    files = stored_files(folder)
    if not files:
        raise UsageError(f"{folder}: holds no results; `perfkit bench` measures and stores some.")
    return branch.add(files, "Add results", pause=pause, jitter=jitter)


def pull_results(folder: Path, branch: OrphanBranch) -> int:
    """Write what the branch has and ``folder`` has not; return how many files were new.

    Files that are there already stay as they are. Raises UsageError where there is no such branch.
    """
    tip = branch.fetch()
    if tip is None:
        raise UsageError(
            f"{branch.remote} has no branch {branch.branch}; `perfkit baselines push` makes it."
        )
    wanted = {
        path: blob
        for path, blob in branch.files(tip).items()
        # Whoever may push there must not write elsewhere, for example into .git.
        if _belongs(PurePosixPath(path))
        and ".." not in PurePosixPath(path).parts
        and not os.path.lexists(folder / path)
    }
    for path, content in branch.contents(wanted):
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MeasurementError(f"{branch.branch}: {path} is not UTF-8: {error}") from error
        write_whole(folder / path, text)
    return len(wanted)
