"""The results that ``asv run`` wrote: whether every one is there, and what was there before.

asv opens a file for writing and then writes it: whoever ends asv in between leaves half of one. And
it measures again, over the old value, what it takes for another version of a benchmark.
"""

import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfkit.baselines.descriptions import (
    Descriptions,
    read_descriptions,
    save_snapshot,
    write_benchmarks_json,
)
from perfkit.baselines.result_file import ResultFile, UnreadableResultError, read_result
from perfkit.baselines.run_file import grid
from perfkit.durable import write_whole
from perfkit.model import BenchmarkId

SHORT = 8
"""Characters of the commit that asv's file names start with."""


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """One result that has to exist: a benchmark of a commit in one of asv's environments."""

    commit: str
    environment: str
    benchmark: BenchmarkId


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A result that does not exist, and one sentence about why."""

    wanted: Wanted
    reason: str


def wanted_results(
    commits: Sequence[str],
    environments: Sequence[str],
    descriptions: Descriptions,
    patterns: Sequence[str],
) -> list[Wanted]:
    """Return every result that a range of commits has to have, by commit as given.

    ``patterns`` are asv's: one that matches the name, or the name with its parameters.
    """
    compiled = [re.compile(pattern) for pattern in patterns]
    benchmarks = [
        identity
        for name in sorted(descriptions)
        for identity in (BenchmarkId(name, params) for params in grid(descriptions[name]))
        if not compiled or any(one.search(str(identity)) for one in compiled)
    ]
    return [Wanted(*one) for one in itertools.product(commits, environments, benchmarks)]


def existing_results(folder: Path, machine: str, commits: Collection[str]) -> dict[Path, bytes]:
    """Return asv's own files of ``commits``, as they are; perfkit's have longer names."""
    return {
        path: path.read_bytes()
        for commit in commits
        for path in sorted((folder / machine).glob(f"{commit[:SHORT]}-*.json"))
        if "-perfkit-" not in path.name
    }


def missing_results(files: Mapping[Path, bytes], wanted: Sequence[Wanted]) -> list[Missing]:
    """Return which of ``wanted`` have no value in ``files``; a skipped benchmark has one, NaN."""
    found: dict[tuple[str, str], dict[BenchmarkId, Any]] = {}
    broken: dict[str, str] = {}
    for path, content in files.items():
        try:
            result = read_result(content)
        except UnreadableResultError as error:
            broken[path.name] = str(error)
        else:
            found[result.commit, result.environment] = _cells(result)
    missing = []
    for one in wanted:
        rows = found.get((one.commit, one.environment))
        name = f"{one.commit[:SHORT]}-{one.environment}.json"
        if rows is not None and rows.get(one.benchmark) is not None:
            continue
        if name in broken:
            reason = f"{name}: {broken[name]}"
        elif rows is None:
            reason = "asv stored nothing of this commit"
        elif one.benchmark in rows:
            reason = "failed, or its commit could not be built"
        else:
            reason = "not among what asv stored of this commit"
        missing.append(Missing(wanted=one, reason=reason))
    return missing


def _cells(result: ResultFile) -> dict[BenchmarkId, Any]:
    return {
        BenchmarkId(name, params): cell
        for name, axes, cells in zip(result.names, result.params, result.results, strict=True)
        # asv has one null for a benchmark of which no combination gave a value.
        for params, cell in itertools.zip_longest(itertools.product(*axes), cells or [])
        if params is not None
    }


def restore(before: Mapping[Path, bytes]) -> list[str]:
    """Put back every value of ``before`` that is gone or another; return what was put back.

    New values beside the old ones stay.
    """
    said = []
    for path, content in before.items():
        now = path.read_bytes() if path.exists() else b""
        if now == content or not _readable(content):
            continue
        if not _readable(now):
            write_whole(path, content.decode("utf-8"))
            said.append(path.name)
            continue
        old, new = json.loads(content)["results"], json.loads(now)
        changed = [
            name
            for name, row in old.items()
            if row is not None and _lost(row, new["results"].get(name))
        ]
        if changed:
            rows = {**new["results"], **{name: old[name] for name in changed}}
            write_whole(path, json.dumps({**new, "results": rows}) + "\n")
            said += [f"{path.name}: {name}" for name in changed]
    return said


def remove_halves(paths: Collection[Path]) -> list[str]:
    """Remove files that asv was writing when it was ended; return their names."""
    halves = [path for path in paths if not _readable(path.read_bytes())]
    for path in halves:
        path.unlink()
    return [path.name for path in halves]


def _readable(content: bytes) -> bool:
    try:
        read_result(content)
    except UnreadableResultError:
        return False
    return True


def keep_descriptions(folder: Path, before: Descriptions) -> dict[str, dict[str, Any]]:
    """Return what asv found in the suite, from the ``benchmarks.json`` that it just wrote.

    The file is made whole again with those of ``before``, and the suite kept as a snapshot.
    """
    found = read_descriptions(folder)
    save_snapshot(folder, found)
    write_benchmarks_json(folder, {**before, **found})
    return found


def _lost(old: Sequence[Any], new: Sequence[Any] | None) -> bool:
    """Whether a value of the row, its first column, is gone or another."""
    before, now = (old[0] or []), ((new[0] if new else None) or [])
    return any(
        cell is not None and repr(cell) != repr(after)
        for cell, after in itertools.zip_longest(before, now)
    )
