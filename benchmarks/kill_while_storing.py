"""Kill the storing of runs at random moments: nothing that was said to be stored may be lost.

A child process stores one run after the other, as ``perfkit bench`` does at its end, and says each
one's file once it is stored. It is killed with SIGKILL at a random moment within its first writes,
``--times`` times, into one results folder. Afterwards every file that was said to be stored must be
readable and whole, nothing may be unreadable, and asv must read the folder as well. Prints where
in the writing the kills fell, as seen in what they left behind.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from asv.results import iter_results
from git_cost import ENVIRONMENT, description, measurements

from perfkit.baselines.descriptions import read_descriptions
from perfkit.baselines.index import read_results
from perfkit.baselines.store import read_runs, save_run
from perfkit.model import BenchmarkId, Run, Sample, Unit

BENCHMARKS = 200

LONGEST = 0.4
"""Seconds after which a child is killed at the latest: a few runs, of which each has its moments
of building the text, writing, syncing and renaming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the kills left behind: runs and files, counted."""

    said: int
    lost: int
    unreadable: int
    incomplete: int
    described: int
    partial: int
    by_perfkit: int
    by_asv: int
    by_index: int


def counted(times: int, seed: int) -> Left:
    """Kill so often while runs are stored, then look."""
    rng = random.Random(seed)
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="perfkit-kill-") as scratch:
        folder = Path(scratch, "results")
        for attempt in range(times):
            said += killed_run(folder, attempt, rng.uniform(0.0, LONGEST))
        left = [path for path in folder.rglob("*") if path.is_file() and is_partial(path)]
        stored = {path.name: path for path in folder.glob("*/*.json")}
        runs = list(read_runs(folder))
        collection, unreadable = read_results(folder)
        return Left(
            said=len(said),
            lost=sum(name not in stored for name in said),
            unreadable=len(unreadable),
            incomplete=sum(len(run.samples) != BENCHMARKS for run in runs),
            described=len(read_descriptions(folder)),
            partial=len(left),
            by_perfkit=len(runs),
            by_asv=len(list(iter_results(str(folder)))),
            by_index=collection.files,
        )


def required(left: Left) -> dict[str, bool]:
    """Return what has to hold, and whether it does."""
    return {
        f"no run lost: {left.lost} lost": not left.lost,
        f"no file unreadable: {left.unreadable} unreadable": not left.unreadable,
        f"no run incomplete: {left.incomplete} incomplete": not left.incomplete,
        f"all {BENCHMARKS} benchmarks described: {left.described}": left.described == BENCHMARKS,
        f"asv and the index read as many runs: {left.by_asv} and {left.by_index}": (
            left.by_index == left.by_perfkit == left.by_asv
        ),
        f"kills both within and after a write: {left.partial} within": bool(
            left.partial and left.said
        ),
    }


def main() -> int:
    """Kill, then look; return 0 when nothing is lost or damaged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    left = counted(options.times, options.seed)
    print(
        f"{options.times} kills: {left.said} runs were said to be stored, {left.by_perfkit} are"
        f" read by perfkit, {left.by_asv} by asv {version('asv')}; {left.partial} kills left a"
        " half-written file aside"
    )
    rows = required(left)
    for wanted, met in rows.items():
        print(f"Required: {wanted}, {'met' if met else 'NOT met'}.")
    return 0 if all(rows.values()) else 1


def is_partial(path: Path) -> bool:
    """Whether a file is one that a killed write left: a hidden one that is not ours to keep."""
    return path.name.startswith(".") and path.name != ".gitignore" and ".perfkit" not in path.parts


def killed_run(folder: Path, seed: int, moment: float) -> list[str]:
    """Let a child store runs, kill it ``moment`` seconds into the storing; return what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            store_forever(folder, seed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as said:
        said.readline()  # ready: writing begins
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines = said.read().split("\n")
    return lines[:-1]  # what stands after the last line feed was not said whole


def store_forever(folder: Path, seed: int, writing: int) -> None:
    """Store runs until killed, saying each file's name after it is stored."""
    values = next(measurements(1, BENCHMARKS, 10, 1))
    descriptions = {name: description(name) for name in values}
    samples = tuple(
        Sample(
            benchmark=BenchmarkId(name),
            unit=Unit.SECONDS,
            processes=tuple(map(tuple, processes)),
            rounds=tuple(range(len(processes))),
        )
        for name, processes in values.items()
    )
    os.write(writing, b"ready\n")
    for number in range(10**6):
        run = Run(
            identity=f"{seed:06d}{number:07d}",
            commit=f"{seed * 10**6 + number:040x}"[::-1],
            dirty=False,
            date=1_700_000_000_000,
            started=1_700_000_000_000,
            environment=ENVIRONMENT,
            samples=samples,
        )
        path = save_run(folder, run, descriptions)
        os.write(writing, f"{path.name}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
