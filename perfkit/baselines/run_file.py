"""A run as the text of one result file of asv.

One benchmark per line, so that git stores and merges it well. What asv does not know stands under
the extra top-level key ``perfkit``, which asv ignores: which values came from which process and
round, the outcome, the environment.
"""

import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from perfkit.baselines.result_file import ASV_RESULT_VERSION, SCHEMA
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

COLUMNS = ("params", "version", "samples", "result")
"""The columns of asv's result format that are stored; asv does without the others.

What is the same in the next commit's file comes first and what differs stands together, which git
packs best. asv's quartiles and interval are left out: they would add a third to the size, and its
interval takes the samples of one process for independent. asv then shows no error and compares by
its factor.
"""

DIGITS = 4
"""Significant digits of stored samples: 0.05 % at worst, far below any timing's noise."""


def run_text(
    run: Run,
    machine: str,
    descriptions: Mapping[str, Mapping[str, object]],
    *,
    snapshot: str | None,
) -> str:
    """Return the file of ``run``; ``snapshot`` names the file of its ``descriptions``."""
    by_name: dict[str, dict[BenchmarkId, Sample]] = {}
    for sample in run.samples:
        by_name.setdefault(sample.benchmark.name, {})[sample.benchmark] = sample
    rows, own = [], []
    loops: list[list[int | list[int] | None]] = []
    for benchmark in sorted(by_name):
        ordered = [
            by_name[benchmark].get(BenchmarkId(benchmark, params))
            for params in grid(descriptions.get(benchmark, {}))
        ]
        axes = descriptions.get(benchmark, {}).get("params", [])
        rows.append(f"{json.dumps(benchmark)}: {compact(_row(ordered, axes))}")
        facts = [None if sample is None else _own(sample) for sample in ordered]
        own.append(f"{json.dumps(benchmark)}: {compact(facts)}")
        loops.append([None if sample is None else _loops(sample) for sample in ordered])
    head = {
        "commit_hash": run.commit,
        "env_name": environment_name(run),
        "date": run.date,
        "params": {**machine_facts(machine, run.environment), "python": _python_version(run)},
        "python": _python_version(run),
        "requirements": {},
        "env_vars": {},
        "result_columns": COLUMNS,
    }
    opening = compact(head).removesuffix("}")
    environment = {field: getattr(run.environment, field) for field in Environment.__slots__}
    environment["label"] = machine  # a host name would say more about people than about timings
    extra = {
        "schema": SCHEMA,
        "identity": run.identity,
        "dirty": run.dirty,
        "started": run.started,
        "descriptions": snapshot,
        "environment": environment,
        "perfkit": run.perfkit,
        "asv_runner": run.asv_runner,
        "packages": dict(run.packages),
        "loads": list(run.loads),
        **({} if run.shard is None else {"shard": asdict(run.shard)}),
        # Apart from the processes below, which git then packs as the same in every commit.
        "loops": loops,
    }
    return (
        f'{opening},\n"results": {{\n'
        + ",\n".join(rows)
        + f'\n}},\n"durations": {{}},\n"version": {ASV_RESULT_VERSION},\n'
        + f'"perfkit": {compact(extra).removesuffix("}")},\n"processes": {{\n'
        + ",\n".join(own)
        + "\n}}\n}\n"
    )


def _python_version(run: Run) -> str:
    """Return major and minor version, which is what asv tells environments apart by."""
    return ".".join(run.environment.python.split()[0].split(".")[:2])


def environment_name(run: Run) -> str:
    """Return asv's name of the environment; the same for all runs that asv may compare."""
    return f"perfkit-py{_python_version(run)}"


def grid(description: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the parameter combinations of a description in asv's order."""
    axes = description.get("params") or []
    return list(itertools.product(*[[str(value) for value in axis] for axis in axes]))


def _row(samples: Sequence[Sample | None], axes: object) -> list[object]:
    """Return one benchmark's values in asv's columns; a failure is null, as asv writes it."""
    flat = [_flat(sample) for sample in samples]
    version = next((sample.source_hash for sample in samples if sample is not None), None)
    return [axes, version, flat, [_median(values) for values in flat]]


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
        "warmup": sample.warmup,
        "loaded": list(sample.loaded) or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _loops(sample: Sample) -> int | list[int] | None:
    """Return one number where all are equal, which is the common case."""
    if sample.failure or not sample.loops:
        return None  # the processes of a failed sample are not stored either
    return sample.loops[0] if len(set(sample.loops)) == 1 else list(sample.loops)


def machine_facts(machine: str, environment: Environment) -> dict[str, str]:
    """Return asv's facts, of those only that the fingerprint covers.

    Two branches that add one machine then write the same bytes, and asv draws one graph.
    """
    return {
        "cpu": environment.cpu,
        "machine": machine,
        "num_cpu": str(environment.cores),
        "os": f"{environment.system} {environment.libc}",
    }


def compact(value: object) -> str:
    """Return ``value`` as JSON in one line; ValueError for what JSON cannot say."""
    return json.dumps(value, separators=(", ", ": "), allow_nan=False)
