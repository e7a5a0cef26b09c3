"""What a suite's benchmarks are: snapshots that merge, and asv's ``benchmarks.json`` from them.

A snapshot holds asv_runner's records of a whole suite, one benchmark per line, under the digest of
its content: two branches that change the suite add two files. ``benchmarks.json`` is one file that
both would change, so it is generated, ignored by git, and never merged.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from perfkit.baselines.asv_json import BrokenJsonError, parse
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError
from perfkit.model import Unit

Descriptions = Mapping[str, Mapping[str, Any]]
"""Benchmark name -> asv_runner's record."""

SNAPSHOTS: Final = "descriptions"
"""Folder of the snapshots. Their names do not end in .json, which asv would take for results."""

BENCHMARKS: Final = "benchmarks.json"
ASV_BENCHMARKS_VERSION: Final = 2

UnitOf = Callable[[str], Unit]
"""Benchmark name -> unit."""

UNITS = {"seconds": Unit.SECONDS, "bytes": Unit.BYTES}
"""asv's words; every other unit is a plain number to us."""

PREFIXES = {
    "time": Unit.SECONDS,
    "timeraw": Unit.SECONDS,
    "mem": Unit.BYTES,
    "peakmem": Unit.BYTES,
}
"""What the names of benchmarks begin with, by which asv_runner tells their kinds."""


def unit_of_results(folder: Path) -> UnitOf:
    """Return the units of the benchmarks stored in ``folder``.

    Where ``benchmarks.json`` is absent, damaged or silent about a benchmark, the name tells.
    """
    try:
        described = parse((folder / "benchmarks.json").read_bytes())
    except (OSError, BrokenJsonError):
        described = {}
    units = {
        name: UNITS.get(str(value.get("unit")), Unit.COUNT)
        for name, value in (described.items() if isinstance(described, dict) else ())
        if isinstance(value, dict)
    }
    return lambda name: units.get(name) or unit_of_name(name)


def unit_of_name(name: str) -> Unit:
    """Return what asv_runner takes a benchmark of this name for."""
    kind = name.rpartition(".")[2].partition("_")[0].lower()
    return PREFIXES.get(kind, Unit.COUNT)


def save_snapshot(folder: Path, descriptions: Descriptions) -> str:
    """Store the records of a suite in ``folder`` unless they are there; return their digest."""
    lines = [
        json.dumps(descriptions[name], sort_keys=True, allow_nan=False) + "\n"
        for name in sorted(descriptions)
    ]
    text = "".join(lines)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = folder / SNAPSHOTS / f"{digest}.jsonl"
    if not path.exists():
        write_whole(path, text)
    return digest


def read_snapshot(folder: Path, digest: str) -> dict[str, dict[str, Any]]:
    """Return the records of one snapshot; MeasurementError where it is absent or damaged."""
    path = folder / SNAPSHOTS / f"{digest}.jsonl"
    try:
        records = [parse(line) for line in path.read_bytes().splitlines()]
        return {record["name"]: record for record in records}
    except OSError as error:
        raise MeasurementError(f"{path}: not readable: {error.strerror}") from error
    except (BrokenJsonError, TypeError, KeyError) as error:
        raise MeasurementError(f"{path}: not readable as descriptions: {error}") from error


def read_descriptions(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records in ``benchmarks.json``, none where there is no such file.

    Raises MeasurementError where it is damaged.
    """
    path = folder / BENCHMARKS
    try:
        values = parse(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise MeasurementError(f"{path}: not readable: {error.strerror}") from error
    except BrokenJsonError as error:
        raise MeasurementError(
            f"{path}: not readable as JSON ({error}); it is generated, so delete it and run"
            " `perfkit baselines check`."
        ) from error
    if not isinstance(values, dict):
        raise MeasurementError(f"{path}: found {type(values).__name__}, wanted an object")
    return {name: value for name, value in values.items() if isinstance(value, dict)}


def write_benchmarks_json(folder: Path, descriptions: Descriptions) -> None:
    """Write asv's ``benchmarks.json``, one benchmark per line, unless it says that already."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(descriptions[name], allow_nan=False)}"
        for name in sorted(descriptions)
    ]
    lines.append(f'"version": {ASV_BENCHMARKS_VERSION}')
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    path = folder / BENCHMARKS
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)


def merged_snapshots(folder: Path, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the newest record of every benchmark; ``digests`` come oldest first."""
    found: dict[str, dict[str, Any]] = {}
    for digest in digests:
        found |= read_snapshot(folder, digest)
    return found
