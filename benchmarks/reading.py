"""Reading whole results folders: perfkit's index beside ``asv.results.iter_results``.

Takes asv results folders (``--data``: a folder with them, or .tar.xz archives of them), copies
them into a scratch folder and reads each with both, in one process, repeating the pair
``--repeat`` times. Prints CPU times of the cold read (no index), the warm read, and the read after
one file was added, and compares every result and sample with asv's. Exits 1 where a
ratio of the totals is below the required one or a value differs.
"""

import argparse
import itertools
import math
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from asv.results import Results, iter_results

from perfkit.baselines.collection import Collection
from perfkit.baselines.columns import ROW_COLUMNS, benchmark_key
from perfkit.baselines.index import FOLDER, read_results
from perfkit.model import BenchmarkId

REQUIRED = {"cold": 3.0, "warm": 40.0, "one file added": 20.0}
VALUES_REQUIRED = 1_000_000
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "asv"


def main() -> int:
    """Read, time and compare; return 0 when every requirement is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    totals: dict[str, float] = dict.fromkeys(("asv", *REQUIRED), 0.0)
    compared = mismatches = 0
    with tempfile.TemporaryDirectory(prefix="perfkit-reading-") as scratch:
        folders = unpacked(options.data, Path(scratch))
        if not folders:
            print(f"{options.data}: holds no asv results folder; give one with --data")
            return 2
        for name, folder in folders.items():
            # The least of several: another process can only add to the CPU time of this one.
            times = [timed_reads(folder) for _ in range(options.repeat)]
            best = {key: min(one[key] for one in times) for key in totals}
            for key, seconds in best.items():
                totals[key] += seconds
            seen, wrong = compare(folder)
            compared += seen
            mismatches += wrong
            print(f"{name:16}" + ratios(best) + f"   {seen} values, {wrong} mismatches")
    print(f"{'all':16}" + ratios(totals) + f"   {compared} values, {mismatches} mismatches")
    rows = {
        f"{key}: at least {ratio:g}x": totals["asv"] / totals[key] >= ratio
        for key, ratio in REQUIRED.items()
    }
    rows[f"at least {VALUES_REQUIRED} values compared"] = compared >= VALUES_REQUIRED
    rows["no mismatches"] = not mismatches
    for wanted, met in rows.items():
        print(f"Required: {wanted}: {'met' if met else 'NOT met'}.")
    return 0 if all(rows.values()) else 1


def unpacked(data: Path, scratch: Path) -> dict[str, Path]:
    """Return name -> results folder, each a copy that may be written to."""
    for archive in sorted(data.glob("*.tar.xz")):
        with tarfile.open(archive) as file:
            file.extractall(scratch / archive.name.removesuffix(".tar.xz"), filter="data")
    if not any(scratch.iterdir()) and data.is_dir():
        shutil.copytree(data, scratch / data.name, ignore=shutil.ignore_patterns(".perfkit"))
    found = {}
    for path in sorted(scratch.rglob("machine.json")):
        folder = path.parent.parent
        found[folder.relative_to(scratch).parts[0]] = folder
    return found


def timed_reads(folder: Path) -> dict[str, float]:
    """Return CPU seconds of asv and of perfkit's three reads, all with every value in memory."""
    shutil.rmtree(folder / FOLDER.parts[0], ignore_errors=True)
    found = {"asv": cpu(lambda: list(iter_results(str(folder))))}
    found["cold"] = cpu(lambda: everything(folder))
    everything(folder)  # the first read again hashes what was changed a moment ago
    found["warm"] = cpu(lambda: everything(folder))
    source = next(path for path in folder.glob("*/*.json") if path.name != "machine.json")
    added = source.with_name("ffffffff-added.json")
    added.write_bytes(source.read_bytes().replace(b'"commit_hash": "', b'"commit_hash": "f', 1))
    found["one file added"] = cpu(lambda: everything(folder))
    added.unlink()
    return found


def everything(folder: Path) -> tuple[Collection, list[Any]]:
    """Read a folder with every column that the comparison looks at."""
    collection, unreadable = read_results(folder)
    assert not unreadable, unreadable  # noqa: S101  # a figure over fewer files would be none
    return collection, [collection.column(name) for name in (*ROW_COLUMNS, "sample")]


def cpu(read: Callable[[], object]) -> float:
    """Return the CPU seconds of one call; its value is freed outside the measured time."""
    start = time.process_time()
    value = read()
    seconds = time.process_time() - start
    del value
    return seconds


def ratios(seconds: dict[str, float]) -> str:
    """Return one line: asv's seconds, and perfkit's with their ratios."""
    theirs = seconds["asv"]
    words = [f"asv {version('asv')} {theirs:6.3f} s"]
    words += [f"{key} {seconds[key]:.4f} s {theirs / seconds[key]:.1f}x" for key in REQUIRED]
    return "   ".join(words)


def compare(folder: Path) -> tuple[int, int]:
    """Return how many numbers were compared and how many differ.

    Each of the three ways of reading is compared: the files, the index, and both together.
    """
    theirs = {
        (one.commit_hash, one.env_name, one.params.get("machine")): one
        for one in iter_results(str(folder))
    }
    shutil.rmtree(folder / FOLDER.parts[0], ignore_errors=True)
    compared = wrong = 0
    some = sorted(path for path in folder.glob("*/*.json") if path.name != "machine.json")[::50]
    hidden = [path.rename(path.with_suffix(".later")) for path in some]
    read_results(folder)
    for path in hidden:
        path.rename(path.with_suffix(".json"))
    for use_index in (False, True, True):  # the files; the index and some files; the index
        seen, differ = differences(read_results(folder, use_index=use_index)[0], theirs)
        compared += seen
        wrong += differ
    return compared, wrong


def differences(ours: Collection, theirs: dict[tuple[Any, ...], Results]) -> tuple[int, int]:
    """Compare one reading with asv's, value by value."""
    rows = ours.column("rows")
    starts = np.cumsum(rows) - rows
    columns = {name: ours.column(name) for name in ("result", "samples")}
    benchmark, sample = ours.column("benchmark"), ours.column("sample")
    sample_start = np.cumsum(columns["samples"]) - columns["samples"]
    compared = wrong = 0
    files = zip(*(ours.column(n) for n in ("commit", "environment", "label")), strict=True)
    for number, names in enumerate(files):
        key = tuple(ours.texts[text] for text in names)
        result = theirs[key]
        row = int(starts[number])
        for name in result.get_all_result_keys():
            axes = result.get_result_params(name) or []
            grid = list(itertools.product(*axes))
            values = result.get_result_value(name, axes)
            # As the file has it: its getter would fit the samples to other parameters.
            samples = result._samples[name] or [None] * len(grid)  # noqa: SLF001
            for index, params in enumerate(grid):
                wrong += ours.texts[benchmark[row]] != benchmark_key(BenchmarkId(name, params))
                pairs = [(values[index], columns["result"][row])]
                flat = samples[index] or []
                first = sample_start[row]
                wrong += len(flat) != columns["samples"][row]
                pairs += zip(flat, sample[first : first + columns["samples"][row]], strict=False)
                compared += len(pairs)
                wrong += sum(not same(one, other) for one, other in pairs)
                row += 1
        wrong += row != starts[number] + rows[number]
    return compared, wrong + (len(theirs) != ours.files)


def same(one: float | None, other: float) -> bool:
    """Whether asv's value is ours; its None, a failure or an absent column, is our NaN."""
    missing = one is None or math.isnan(one)
    return math.isnan(other) if missing else one == other


if __name__ == "__main__":
    sys.exit(main())
