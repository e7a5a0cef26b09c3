"""Runs and asv files for the tests of this folder."""

import json
from pathlib import Path
from typing import Any

from perfkit.baselines.store import save_run
from perfkit.model import BenchmarkId, Environment, Run, RunShard, Sample, Unit

ENVIRONMENT = Environment(
    label="kitchen",
    cpu="Some CPU @ 2.00GHz",
    cores=2,
    memory_bytes=8 * 2**30,
    system="Linux",
    kernel="6.1",
    libc="glibc 2.36",
    python="3.12.4 (CPython)",
    governor=None,
    quota_cores=None,
    packages_digest="abc",
    load=0.5,
)


def described(name: str) -> dict[str, object]:
    return {"name": name, "params": [], "param_names": [], "type": "time", "unit": "seconds",
            "version": "v1", "code": f"def {name}(): ..."}  # fmt: skip


def store(
    folder: Path,
    values: dict[str, list[list[float]]],
    *,
    commit: str = "c" * 40,
    identity: str = "1",
    date: int = 1_700_000_000_000,
    dirty: bool = False,
    shard: RunShard | None = None,
) -> Path:
    """Store a run of benchmark -> processes -> values."""
    samples = tuple(
        Sample(
            benchmark=BenchmarkId(name),
            unit=Unit.SECONDS,
            processes=tuple(map(tuple, processes)),
            rounds=tuple(range(len(processes))),
            source_hash="v1",
        )
        for name, processes in values.items()
    )
    run = Run(
        identity=identity,
        commit=commit,
        dirty=dirty,
        date=date,
        started=date,
        environment=ENVIRONMENT,
        samples=samples,
        shard=shard,
    )
    return save_run(folder, run, {name: described(name) for name in values})


ASV_MACHINE = {"machine": "runner-1", "cpu": "A CPU", "num_cpu": "4", "os": "Linux 6.1"}


def asv_file(
    folder: Path,
    results: dict[str, Any],
    *,
    commit: str = "a" * 40,
    date: int = 1_700_000_000_000,
    machine: dict[str, str] | None = None,
    columns: tuple[str, ...] = ("result", "params", "version"),
) -> Path:
    """Write what asv writes; ``results`` are rows of ``columns``."""
    facts = {**ASV_MACHINE, **(machine or {})}
    place = folder / facts["machine"]
    place.mkdir(parents=True, exist_ok=True)
    (place / "machine.json").write_text(json.dumps({**facts, "version": 1}))
    path = place / f"{commit[:8]}-venv-py3.12.json"
    document = {
        "commit_hash": commit,
        "env_name": "venv-py3.12",
        "date": date,
        "params": {**facts, "python": "3.12"},
        "python": "3.12",
        "requirements": {},
        "env_vars": {},
        "result_columns": columns,
        "results": results,
        "durations": {},
        "version": 2,
    }
    path.write_text(json.dumps(document))  # NaN and Infinity as asv writes them
    return path
