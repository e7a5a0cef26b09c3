"""``baselines/``: measured runs as a results folder that asv itself can read.

One immutable file per run and nothing that two branches would both change: what they add merges
without a conflict. ``benchmarks.json``, which asv wants and which every suite changes, is made
from the snapshots of :mod:`perfkit.baselines.descriptions` and not committed.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from perfkit.baselines.descriptions import (
    read_descriptions,
    save_snapshot,
    write_benchmarks_json,
)
from perfkit.baselines.machine import machine_name, stored_environment
from perfkit.baselines.result_file import SCHEMA
from perfkit.baselines.run_file import environment_name, grid, machine_facts, run_text
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError
from perfkit.model import BenchmarkId, Environment, Run, RunShard, Sample, Unit

log = logging.getLogger("perfkit.baselines")

ASV_MACHINE_VERSION = 1
MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""What reading a file of another shape than ours ends in."""

SHORT = 8
"""Characters of the commit that file names start with, as asv's do."""

IGNORED = """\
# Made from the other files by perfkit, see `perfkit baselines check`.
/benchmarks.json
/.perfkit/
# What an interrupted write leaves behind.
/*/.*
/.benchmarks.json.*
/..gitignore.*
"""
"""The results folder's ``.gitignore``."""


def check_storable(folder: Path) -> None:
    """Raise MeasurementError where :func:`save_run` could not store; ask before measuring."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise MeasurementError(
            f"{folder}: results cannot be stored there ({error.strerror or error}); make the"
            " folder writable, name another results_dir in asv.conf.json, or give --no-store."
        ) from error
    read_descriptions(folder)


def save_run(folder: Path, run: Run, descriptions: Mapping[str, Mapping[str, object]]) -> Path:
    """Write one run below ``folder`` and return its file, which is the last thing written.

    ``descriptions`` are asv_runner's records by benchmark name. Raises MeasurementError where the
    folder cannot be written; what was stored before stays whole.
    """
    machine = machine_name(run.environment)
    if not (folder / ".gitignore").exists():
        write_whole(folder / ".gitignore", IGNORED)
    _write_machine(folder / machine / "machine.json", machine, run.environment)
    snapshot = save_snapshot(folder, descriptions) if descriptions else None
    write_benchmarks_json(folder, {**read_descriptions(folder), **descriptions})
    text = run_text(run, machine, descriptions, snapshot=snapshot)
    # The same run stored on two branches is one file, and no two runs can ever be one.
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    name = f"{run.commit[:SHORT]}-{environment_name(run)}-{digest}-{run.identity}.json"
    path = folder / machine / name
    write_whole(path, text)
    return path


def _write_machine(path: Path, machine: str, environment: Environment) -> None:
    if path.exists():
        return
    facts = {**machine_facts(machine, environment), "version": ASV_MACHINE_VERSION}
    write_whole(path, json.dumps(facts, indent=4, sort_keys=True) + "\n")


def read_runs(folder: Path, commits: Collection[str] | None = None) -> Iterator[Run]:
    """Yield every run that perfkit stored below ``folder``, in order of their identity.

    With ``commits`` (full names), only theirs, and only their files are read. A file that cannot
    be read is reported on the log with its place and left out; results that asv wrote hold no
    processes and are left to asv.
    """
    prefixes = None if commits is None else {commit[:SHORT] for commit in commits}
    paths = (
        path
        for path in sorted(folder.glob("*/*.json"), key=_identity_of)
        if prefixes is None or path.name[:SHORT] in prefixes
    )
    for run in _readable(paths):
        if commits is None or run.commit in commits:
            yield run


def is_stored(folder: Path, commit: str) -> bool:
    """Whether a run of the commit itself, without uncommitted changes, is stored with values."""
    if not any(folder.glob(f"*/{commit[:SHORT]}-*.json")):
        return False
    return any(not run.dirty and run.samples for run in read_runs(folder, {commit}))


def newest_runs(folder: Path, machine: str, count: int) -> Iterator[Run]:
    """Yield the last ``count`` runs that were stored of a machine, in order, as read_runs does."""
    paths = sorted((folder / machine).glob("*-*.json"), key=_identity_of)
    yield from _readable(paths[-count:])


def _readable(paths: Iterable[Path]) -> Iterator[Run]:
    for path in paths:
        if path.name == "machine.json":
            continue
        try:
            run = _read_run(path)
        except (MeasurementError, *MALFORMED) as error:
            found = str(error) if isinstance(error, MeasurementError) else repr(error)
            log.warning("%s: left out, not readable as a stored run: %s", path, found)
            continue
        if run is not None:
            yield run


def _identity_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _read_run(path: Path) -> Run | None:
    values = _read_json(path)
    own = values.get("perfkit")
    if own is None:
        return None
    if own["schema"] != SCHEMA:
        raise MeasurementError(f"found schema {own['schema']}, wanted {SCHEMA}; update perfkit")
    column = {name: index for index, name in enumerate(values["result_columns"])}
    samples = []
    loops = own.get("loops") or [()] * len(own["processes"])
    for (name, facts), calls in zip(own["processes"].items(), loops, strict=True):
        row = values["results"][name]
        for index, params in enumerate(grid({"params": row[column["params"]]})):
            if facts[index] is not None:
                identity = BenchmarkId(name, params)
                known = {**facts[index], "loops": calls[index] if calls else None}
                samples.append(_sample(identity, row, column, index, known))
    return Run(
        identity=own["identity"],
        commit=values["commit_hash"],
        dirty=own["dirty"],
        date=values["date"],
        started=own["started"],
        environment=stored_environment(own["environment"]),
        samples=tuple(samples),
        perfkit=own.get("perfkit", ""),
        asv_runner=own.get("asv_runner", ""),
        packages=tuple(sorted(own.get("packages", {}).items())),
        loads=tuple(own.get("loads", ())),
        shard=_shard(own.get("shard")),
    )


def _shard(values: Mapping[str, Any] | None) -> RunShard | None:
    return None if values is None else RunShard(**{**values, "due": tuple(values["due"])})


def _sample(
    identity: BenchmarkId,
    row: Sequence[Any],
    column: Mapping[str, int],
    index: int,
    facts: Mapping[str, Any],
) -> Sample:
    values: list[float] = row[column["samples"]][index] or []
    processes, start = [], 0
    for size in facts["sizes"] if values else ():
        processes.append(tuple(values[start : start + size]))
        start += size
    return Sample(
        benchmark=identity,
        unit=Unit(facts["unit"]),
        processes=tuple(processes),
        rounds=tuple(facts["rounds"]) if processes else (),
        outcome=facts.get("outcome"),
        failure=facts.get("failure"),
        better=facts.get("better", "lower"),
        exact=facts.get("exact", False),
        source_hash=row[column["version"]],
        loops=_loops(facts["loops"], len(processes)),
        warmup=facts.get("warmup"),
        loaded=tuple(facts.get("loaded", ())),
    )


def _loops(stored: int | list[int] | None, processes: int) -> tuple[int, ...]:
    if isinstance(stored, list):
        return tuple(stored)
    return () if stored is None else (stored,) * processes


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MeasurementError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise MeasurementError(f"{path}: found {type(values).__name__}, wanted an object")
    return values
