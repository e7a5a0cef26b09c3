"""Which shards of a suite never stored their part: a matrix that lost a job looks whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = b'"shard": {'
"""Stands in the file of every run that is one shard's, as :mod:`run_file` writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostShards:
    """A suite of which shards are missing.

    ``lost`` are the numbers (from 1) of the ``count`` shards that hold benchmarks and have no run
    of ``commit`` under ``environment`` (asv's name of it).
    """

    commit: str
    environment: str
    count: int
    lost: tuple[int, ...]


def lost_shards(folder: Path) -> tuple[LostShards, ...]:
    """Return the incomplete suites among the runs that perfkit stored below ``folder``, in order.

    Shards belong together that measured the same commit, benchmarks of the same source and the
    same Python, on whatever machines. A file that is unreadable is for others to report.
    """
    found: dict[tuple[str, str, int, str], tuple[set[int], set[int]]] = {}
    for values in _sharded(folder):
        shard = values["perfkit"]["shard"]
        key = (values["commit_hash"], values["env_name"], shard["count"], shard["suite"])
        due, stored = found.setdefault(key, (set(), set()))
        due.update(shard["due"])
        stored.add(shard["index"])
    return tuple(
        LostShards(
            commit=commit, environment=environment, count=count, lost=tuple(sorted(due - stored))
        )
        for (commit, environment, count, _), (due, stored) in sorted(found.items())
        if due - stored
    )


def _sharded(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*/*.json")):
        try:
            content = path.read_bytes()
            if MARK not in content:
                continue
            values = json.loads(content)
        except (OSError, ValueError):
            continue
        if isinstance(values, dict) and isinstance(values.get("perfkit"), dict):
            yield values
