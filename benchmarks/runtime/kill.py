"""Kill a process that writes telemetry, again and again: no row that was stored may be lost.

A child opens the store, adds batches and says the number of each after `add` has returned. It is
killed with SIGKILL at a random moment. Then the store must open, be whole for SQLite, and hold
every batch that was said, once, at every resolution.
"""

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import ALL_TIME, RESOLUTIONS, Calls, Key

LONGEST = 0.1
"""Seconds after which a child is killed at the latest: dozens of batches."""

BEGIN = 1_700_000_000


def killed(path: Path, name: str, moment: float) -> list[int]:
    """Let a child write under ``name``, kill it after ``moment`` seconds; return what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            write_forever(path, name, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as said:
        said.readline()  # ready
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [int(line) for line in said.read().split("\n")[:-1]]


def write_forever(path: Path, name: str, writing: int) -> None:
    """Add a batch for each second from BEGIN on and say it, until killed."""
    os.write(writing, b"ready\n")
    store = Store(path, busy_seconds=30)
    for number in range(10**6):
        durations = [number * 1000 + k for k in range(50)]
        calls = Calls(50, 0, 0, sum(durations), max(durations), Bins(durations))
        store.add(Batch(BEGIN + number, {Key("kill", name): calls}))
        os.write(writing, f"{number}\n".encode())


def lost(path: Path, name: str, said: list[int]) -> int:
    """Return how many of the batches that were said are missing or wrong at some resolution.

    Raises StoreError where the store does not open or cannot be read.
    """
    with Store(path) as store:
        seconds = {w.start - BEGIN: w for w in store.windows("kill", name, resolution=1)}
        totals = {
            resolution: sum(w.ok for w in store.windows("kill", name, resolution=resolution))
            for resolution in (*RESOLUTIONS, ALL_TIME)
        }
        missing = [n for n in said if n not in seconds or seconds[n].bins.count != 50]
    # One batch may have been stored and not been said.
    stored = len(seconds) * 50
    apart = any(total != stored for total in totals.values()) or len(seconds) > len(said) + 1
    return len(missing) + apart


def damage(path: Path) -> str:
    """Return what SQLite says of the file: "ok"."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def counted(times: int, seed: int) -> tuple[int, int, int]:
    """Kill so often; return the batches that were said, those lost, and how often it was damaged.

    Raises StoreError where the store does not open any more.
    """
    rng = random.Random(seed)
    rows = gone = damaged = 0
    with tempfile.TemporaryDirectory(prefix="perfkit-kill-") as folder:
        path = Path(folder, "telemetry.sqlite")
        for attempt in range(times):
            said = killed(path, f"{attempt}", rng.uniform(0, LONGEST))
            rows += len(said)
            gone += lost(path, f"{attempt}", said)
            damaged += damage(path) != "ok"
    return rows, gone, damaged


def main() -> int:
    """Kill, look after each; 0 when nothing is lost or damaged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows, gone, damaged = counted(options.times, options.seed)
    print(f"{options.times} kills, {rows} batches were said to be stored")
    from pages import judged  # noqa: PLC0415  # imported by itself, kill needs no page

    required = {
        f"none lost: {gone}": gone == 0,
        f"the store whole every time: {damaged} times not": damaged == 0,
        f"something was stored: {rows}": rows > 0,
    }
    print(judged(required))
    return 0 if all(required.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
