"""Looking after a folder of results: is everything readable, and what can go."""

import stat
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfkit.baselines.collection import Collection, Unreadable
from perfkit.baselines.columns import NONE, State
from perfkit.baselines.descriptions import (
    BENCHMARKS,
    SNAPSHOTS,
    merged_snapshots,
    read_descriptions,
    write_benchmarks_json,
)
from perfkit.baselines.index import read_results
from perfkit.baselines.series import machine_labels

ABANDONED_SECONDS = 3600.0
"""A temporary file younger than this may be one that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a folder of results holds, counted, and what is wrong with it.

    ``machines`` are fingerprints with the names that they call themselves.
    """

    files: int
    commits: int
    benchmarks: int
    results: dict[State, int]
    machines: dict[str, tuple[str, ...]]
    unreadable: tuple[Unreadable, ...]


def check_results(folder: Path) -> Condition:
    """Read every file of ``folder`` anew and write ``benchmarks.json`` from the snapshots.

    Raises UsageError where there is no folder, MeasurementError where a snapshot is damaged.
    """
    collection, unreadable = read_results(folder, use_index=False)
    make_benchmarks_json(folder, collection)
    state = collection.column("state")
    return Condition(
        files=collection.files,
        commits=np.unique(collection.column("commit")).size,
        benchmarks=np.unique(collection.column("benchmark")).size,
        results={one: int((state == one).sum()) for one in State},
        machines=dict(machine_labels(collection)),
        unreadable=unreadable,
    )


def make_benchmarks_json(folder: Path, collection: Collection) -> None:
    """Write asv's list of benchmarks; where there is no snapshot, the one there is stays."""
    used = collection.column("descriptions")
    identity = collection.column("identity")
    dated = sorted(
        {
            (collection.texts[run], collection.texts[snapshot])
            for run, snapshot in zip(identity.tolist(), used.tolist(), strict=True)
            if NONE not in (snapshot, run)
        }
    )
    newest = {snapshot: run for run, snapshot in dated}  # a dict keeps the last of each
    digests = sorted(newest, key=lambda snapshot: newest[snapshot])
    if digests:
        # Benchmarks that only asv's own results know keep asv's record.
        known = read_descriptions(folder)
        write_benchmarks_json(folder, {**known, **merged_snapshots(folder, digests)})


def prunable(
    folder: Path,
    *,
    before: int | None,
    known: Callable[[Iterable[str]], Container[str]] | None,
    unreadable: bool,
    now: float,
) -> list[Path]:
    """Return the files that may go, in order.

    ``before``: those of commits older than this author date (milliseconds since 1970). ``known``:
    those of commits that it does not find among them all. ``unreadable``: those that cannot be
    read. In any case what interrupted writes left behind an hour or more before ``now`` (seconds
    since 1970), and snapshots that no run refers to.
    """
    collection, broken = read_results(folder)
    going = [
        path
        for pattern in ("*/.*", f".{BENCHMARKS}.*", "..gitignore.*")
        for path in folder.glob(pattern)
        if path.parent.name[0] != "." and _abandoned(path, now)
    ]
    staying = set()
    commits = {collection.texts[commit] for commit in collection.column("commit")}
    found: Container[str] = commits if known is None else known(commits)
    rows = zip(
        collection.column("digest").tolist(),
        collection.column("commit").tolist(),
        collection.column("date").tolist(),
        collection.column("descriptions").tolist(),
        strict=True,
    )
    for digest, commit, date, snapshot in rows:
        old = before is not None and date < before
        if old or collection.texts[commit] not in found:
            going.append(folder / collection.paths[digest])
        elif snapshot != NONE:
            staying.add(collection.texts[snapshot])
    if unreadable:
        going += [folder / one.path for one in broken]
    if unreadable or not broken:  # an unreadable run may refer to any snapshot
        going += [path for path in folder.glob(f"{SNAPSHOTS}/*.jsonl") if path.stem not in staying]
    return sorted(going)


def _abandoned(path: Path, now: float) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False  # it has just got its name
    return stat.S_ISREG(found.st_mode) and found.st_mtime < now - ABANDONED_SECONDS
