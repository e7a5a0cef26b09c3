"""Real results of hosted runners: what would fail a gate, within a run and across runs?

``--data`` is a folder with ``asv/django_subset.tar.xz``, result files of django's asv suite.
Consecutive files in order of time are compared, as a gate on stored results would.
"""

import argparse
import json
import math
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from beside import ROOT, asv_rule, main, percent, table

from perfkit.config.thresholds import Thresholds
from perfkit.gate.stored import Origin, StoredSample, judge_stored, same_run
from perfkit.model import BenchmarkId, Comparison, Sample, Status, Unit

ARCHIVE = "asv/django_subset.tar.xz"
ASV_FACTOR = 1.1


@dataclass(frozen=True, slots=True)
class File:
    """One result file: where it comes from, and the values of each benchmark that worked."""

    origin: Origin
    samples: tuple[Sample, ...]


def files(archive: Path) -> list[File]:
    """Return the result files of an archive in order of time."""
    found = []
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            handle = tar.extractfile(member) if name.endswith(".json") else None
            if handle is not None and name not in {"benchmarks.json", "machine.json"}:
                found.append(_file(json.load(handle)))
    return sorted(found, key=lambda one: one.origin.started)


def _file(values: Mapping[str, Any]) -> File:
    column = {name: index for index, name in enumerate(values["result_columns"])}
    started, ended, samples = [], [], []
    for name, row in values["results"].items():
        cells = {key: row[index] if index < len(row) else None for key, index in column.items()}
        if cells["started_at"] is not None:
            started.append(cells["started_at"])
            ended.append(cells["started_at"] + 1000 * (cells["duration"] or 0))
        for position, params in enumerate(product(*(cells["params"] or []))):
            given = (cells["samples"] or [])[position : position + 1]
            if not given or not given[0] or not all(map(math.isfinite, given[0])):
                continue  # failed, skipped, or without samples
            samples.append(
                Sample(
                    benchmark=BenchmarkId(name, params),
                    unit=Unit.SECONDS,
                    # asv stores the values of all processes in one list.
                    processes=(tuple(given[0]),),
                    rounds=(0,),
                    source_hash=cells["version"],
                )
            )
    machine = values["params"]["machine"]
    origin = Origin(run=None, machine=machine, started=min(started), ended=int(max(ended)))
    return File(origin, tuple(samples))


def split(sample: Sample) -> Sample:
    """Return the sample as if every value were a process of its own."""
    values = sample.processes[0]
    return replace(
        sample,
        processes=tuple((value,) for value in values),
        rounds=tuple(range(len(values))),
    )


def judged(base: File, head: File, *, apart: bool) -> tuple[Comparison, ...]:
    """Return perfkit's rows; ``apart`` takes every value for a process of its own."""
    sides = [
        [
            StoredSample(sample=split(sample) if apart else sample, origin=file.origin)
            for sample in file.samples
        ]
        for file in (base, head)
    ]
    thresholds = Thresholds.model_validate({"regression": {"threshold": "10%"}})
    today = datetime.now(tz=UTC).date()
    return judge_stored(*sides, thresholds, today=today, remedy="measure both now")


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The section, line by line."""
    archive = options.data / ARCHIVE
    if not archive.is_file():
        sys.exit(f"{archive}: no such file; name the folder of the collections with --data")
    known = files(archive)
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for base, head in pairwise(known):
        found = counts[same_run(base.origin, head.origin)]
        found["pairs"] += 1
        before = {sample.benchmark: sample for sample in base.samples}
        for sample in head.samples:
            other = before.get(sample.benchmark)
            if other is None or other.source_hash != sample.source_hash:
                continue
            found["benchmarks"] += 1
            found["asv"] += asv_rule([*other.processes[0]], [*sample.processes[0]], ASV_FACTOR) != 0
        for reading in ("as stored", "apart"):
            for row in judged(base, head, apart=reading == "apart"):
                if row.shift is not None:
                    found[f"{reading}, failed"] += row.status is Status.FAILED
                    found[f"{reading}, advisory"] += "different runs" in row.reason
                    found[f"{reading}, looks"] += row.reason.startswith(
                        ("looks regressed", "looks improved")
                    )
    yield (
        f"{len(known)} result files, {counts[True]['pairs']} consecutive pairs within a run and"
        f" {counts[False]['pairs']} across runs. Factor and threshold 10 %."
    )
    yield ""
    rows = []
    for key, label in (
        ("benchmarks", "benchmarks compared"),
        ("asv", "asv: marked `+` or `-`"),
        ("as stored, failed", "perfkit, as stored: would fail the gate"),
        ("as stored, advisory", "perfkit, as stored: advisory only"),
        ("apart, failed", "perfkit, values as processes: would fail the gate"),
        ("apart, looks", "perfkit, values as processes: look changed, advisory only"),
    ):
        cells = [label]
        for within in (True, False):
            found = counts[within]
            share = found[key] / found["benchmarks"]
            cells.append(
                f"{found[key]}" if key == "benchmarks" else f"{found[key]} ({percent(share, 2)} %)"
            )
        rows.append(cells)
    yield from table(["", "within a run", "across runs"], rows)
    yield ""
    yield (
        "asv stores the values of all processes in one list, so that as stored a result counts as"
        " one process, from which nothing is concluded. *Values as processes* takes each for a"
        " process of its own, as asv does, to show what the policy alone does."
    )
    yield ""
    worst = max(
        counts[within][f"{reading}, failed"] / counts[within]["benchmarks"]
        for within in (True, False)
        for reading in ("as stored", "apart")
    )
    met = "met" if worst <= 0.01 else "NOT met"
    yield f"Required: at most 1 % would fail a gate: {percent(worst, 2)} % at worst, {met}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    main("django", "Results of different runs", lines, parser)
