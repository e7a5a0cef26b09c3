"""``baselines/``: measured runs as a results folder that asv itself can read.

One immutable file per run, in asv's result format version 2, one benchmark per line so that git
stores and merges it well. What asv does not know stands under the extra top-level key
``perfkit``, which asv ignores: which values came from which process and round, the outcome, the
environment.
"""

import itertools
import json
import logging
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from perfkit.baselines.machine import machine_name
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

log = logging.getLogger("perfkit.baselines")

ASV_RESULT_VERSION = 2
ASV_MACHINE_VERSION = 1
MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""What reading a file of another shape than ours ends in."""

SCHEMA = 1
"""Version of what stands under the key ``perfkit``."""

COLUMNS = (
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
    "profile",
)
"""The columns of asv's result format version 2, in the order asv writes them."""

DIGITS = 4
"""Significant digits of stored samples: 0.05 % at worst, far below any timing's noise."""


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
    _known_descriptions(folder / "benchmarks.json")


def save_run(folder: Path, run: Run, descriptions: Mapping[str, Mapping[str, object]]) -> Path:
    """Write one run below ``folder`` and return its file.

    ``descriptions`` are asv_runner's records by benchmark name; they become ``benchmarks.json``.
    """
    machine = machine_name(run.environment)
    _write_machine(folder / machine / "machine.json", machine, run.environment)
    _write_descriptions(folder / "benchmarks.json", descriptions)
    path = folder / machine / f"{run.commit[:8]}-{_environment_name(run)}-{run.identity}.json"
    write_whole(path, _result_file(run, machine, descriptions))
    return path


def _write_machine(path: Path, machine: str, environment: Environment) -> None:
    if path.exists():
        return
    facts = {
        "arch": environment.system,
        "cpu": environment.cpu,
        "machine": machine,
        "num_cpu": str(environment.cores),
        "os": f"{environment.system} {environment.libc}",
        "ram": str(environment.memory_bytes // 1024),
        "version": ASV_MACHINE_VERSION,
    }
    write_whole(path, json.dumps(facts, indent=4, sort_keys=True) + "\n")


def _write_descriptions(path: Path, new: Mapping[str, Mapping[str, object]]) -> None:
    """Merge the suite's records into asv's ``benchmarks.json``, one benchmark per line."""
    merged = {**_known_descriptions(path), **{name: dict(value) for name, value in new.items()}}
    lines = [f"{json.dumps(name)}: {_compact(merged[name])}" for name in sorted(merged)]
    lines.append(f'"version": {ASV_RESULT_VERSION}')
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _known_descriptions(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    known = _read_json(path)
    known.pop("version", None)
    return known


def _result_file(run: Run, machine: str, descriptions: Mapping[str, Mapping[str, object]]) -> str:
    by_name: dict[str, dict[BenchmarkId, Sample]] = {}
    for sample in run.samples:
        by_name.setdefault(sample.benchmark.name, {})[sample.benchmark] = sample
    rows, own = [], []
    for benchmark in sorted(by_name):
        grid = _grid(descriptions.get(benchmark, {}))
        ordered = [by_name[benchmark].get(BenchmarkId(benchmark, params)) for params in grid]
        axes = descriptions.get(benchmark, {}).get("params", [])
        rows.append(f"{json.dumps(benchmark)}: {_compact(_row(run, ordered, axes))}")
        facts = [None if sample is None else _own(sample) for sample in ordered]
        own.append(f"{json.dumps(benchmark)}: {_compact(facts)}")
    head = {
        "commit_hash": run.commit,
        "env_name": _environment_name(run),
        "date": run.date,
        "params": {
            "arch": run.environment.system,
            "cpu": run.environment.cpu,
            "machine": machine,
            "num_cpu": str(run.environment.cores),
            "os": f"{run.environment.system} {run.environment.libc}",
            "ram": str(run.environment.memory_bytes // 1024),
            "python": _python_version(run),
        },
        "python": _python_version(run),
        "requirements": {},
        "env_vars": {},
        "result_columns": COLUMNS,
    }
    opening = _compact(head).removesuffix("}")
    environment = {field: getattr(run.environment, field) for field in Environment.__slots__}
    environment["label"] = machine  # a host name would say more about people than about timings
    extra = {
        "schema": SCHEMA,
        "identity": run.identity,
        "dirty": run.dirty,
        "started": run.started,
        "environment": environment,
    }
    return (
        f'{opening},\n"results": {{\n'
        + ",\n".join(rows)
        + f'\n}},\n"durations": {{}},\n"version": {ASV_RESULT_VERSION},\n'
        + f'"perfkit": {_compact(extra).removesuffix("}")},\n"processes": {{\n'
        + ",\n".join(own)
        + "\n}}\n}\n"
    )


def _python_version(run: Run) -> str:
    """Return major and minor version, which is what asv tells environments apart by."""
    return ".".join(run.environment.python.split()[0].split(".")[:2])


def _environment_name(run: Run) -> str:
    """Return asv's name of the environment; the same for all runs that asv may compare."""
    return f"perfkit-py{_python_version(run)}"


def _grid(description: Mapping[str, Any]) -> list[tuple[str, ...]]:
    axes = description.get("params") or []
    return list(itertools.product(*[[str(value) for value in axis] for axis in axes]))


def _row(run: Run, samples: Sequence[Sample | None], axes: object) -> list[object]:
    """Return one benchmark's values in asv's columns; a failure is null, as asv writes it."""
    flat = [_flat(sample) for sample in samples]
    timed = any(sample is not None and sample.unit is Unit.SECONDS for sample in samples)
    results = [_median(values) for values in flat]
    quartiles = [_quantiles(values) if timed else None for values in flat]
    version = next((sample.source_hash for sample in samples if sample is not None), None)
    row: list[object] = [
        results,
        axes,
        version,
        run.started,
        None,
        None if not timed else [None if q is None else q[0] for q in quartiles],
        None if not timed else [None if q is None else q[4] for q in quartiles],
        None if not timed else [None if q is None else q[1] for q in quartiles],
        None if not timed else [None if q is None else q[3] for q in quartiles],
        None if not timed else [1 if values else None for values in flat],
        None if not timed else [len(values) if values else None for values in flat],
        flat,
    ]
    return row


def _flat(sample: Sample | None) -> list[float] | None:
    if sample is None or sample.failure or not sample.processes:
        return None
    values = [value for process in sample.processes for value in process]
    # Counts are exact: two that differ in the fifth digit are different results.
    return values if sample.unit is Unit.COUNT else [_rounded(value) for value in values]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")


def _median(values: list[float] | None) -> float | None:
    if not values:
        return None
    middle = statistics.median(values)
    return middle if float(middle).is_integer() else _rounded(middle)


def _quantiles(values: list[float] | None) -> tuple[float, float, float, float, float] | None:
    """Return minimum, quartiles and maximum.

    asv wants an interval; the range of the values is one that claims nothing.
    """
    if not values:
        return None
    if len(values) == 1:
        return (values[0],) * 5
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return min(values), _rounded(low), _rounded(middle), _rounded(high), max(values)


def _own(sample: Sample) -> dict[str, object]:
    """Return what asv's columns cannot hold, without what has its usual value."""
    facts: dict[str, object] = {
        "sizes": [len(process) for process in sample.processes],
        "rounds": list(sample.rounds),
        "unit": str(sample.unit),
        "outcome": sample.outcome,
        "failure": sample.failure,
        "better": sample.better if sample.better != "lower" else None,
        "exact": sample.exact or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def read_runs(folder: Path) -> Iterator[Run]:
    """Yield every run that perfkit stored below ``folder``, in order of file name.

    A file that cannot be read is reported on the log with its place and left out; results that
    asv wrote hold no processes and are left to asv.
    """
    for path in sorted(folder.glob("*/*.json")):
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


def _read_run(path: Path) -> Run | None:
    values = _read_json(path)
    own = values.get("perfkit")
    if own is None:
        return None
    if own["schema"] != SCHEMA:
        raise MeasurementError(f"found schema {own['schema']}, wanted {SCHEMA}; update perfkit")
    column = {name: index for index, name in enumerate(values["result_columns"])}
    samples = []
    for name, facts in own["processes"].items():
        row = values["results"][name]
        for index, params in enumerate(_grid({"params": row[column["params"]]})):
            if facts[index] is not None:
                samples.append(_sample(BenchmarkId(name, params), row, column, index, facts[index]))
    return Run(
        identity=own["identity"],
        commit=values["commit_hash"],
        dirty=own["dirty"],
        date=values["date"],
        started=own["started"],
        environment=Environment(**own["environment"]),
        samples=tuple(samples),
    )


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
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MeasurementError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise MeasurementError(f"{path}: found {type(values).__name__}, wanted an object")
    return values


def _compact(value: object) -> str:
    return json.dumps(value, separators=(", ", ": "), allow_nan=False)
