"""How long a dashboard waits for 30 days of 5 components, from a store as full as it gets.

The store holds what retention leaves: 6 hours of seconds, 14 days of minutes, 30 days of hours,
each interval with 300 durations. Prints the time to read the windows, and to read them and merge
all their bins into quantiles, lowest of several.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from pages import reported

from perfkit.runtime.bins import Bins
from perfkit.runtime.bounds import RETENTION
from perfkit.runtime.store import Store

NOW = 1_700_000_000
DAYS = 30
COMPONENTS = ("mcp", "text", "quality", "search", "web")
LIMIT_MS = 50


def fill(path: Path) -> int:
    """Write the rows; return how many."""
    rng = random.Random(0)
    encoded = [
        Bins(int(rng.lognormvariate(15, 1)) for _ in range(300)).to_bytes() for _ in range(50)
    ]
    Store(path).close()
    store = Store(path)
    rows = 0
    execute = store._connection  # noqa: SLF001  # half a million rows of one shape, quickly
    execute.execute("BEGIN")
    for number, component in enumerate(COMPONENTS):
        execute.execute("INSERT INTO series VALUES (?, ?, 'call', '{}')", (number, component))
    intervals = [
        (start, seconds)
        for seconds, kept in RETENTION.items()
        for start in range(NOW - NOW % seconds, NOW - min(kept, DAYS * 86_400), -seconds)
    ]
    for start, seconds in sorted(intervals):  # in the order in which an application writes them
        rows += len(COMPONENTS)
        execute.executemany(
            "INSERT INTO calls VALUES (?, ?, ?, 297, 2, 1, 1000000000, 20000000, ?)",
            (
                (seconds, start, number, encoded[(start // seconds) % len(encoded)])
                for number in range(len(COMPONENTS))
            ),
        )
    execute.execute("COMMIT")
    store.close()
    return rows


def main() -> int:
    """Measure; 1 when the limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "telemetry.sqlite")
        rows = fill(path)
        size = path.stat().st_size / 2**20
        read = merged = float("inf")
        windows = 0
        with Store(path, read_only=True, clock=lambda: float(NOW)) as store:
            for _ in range(options.turns):
                begin = time.perf_counter()
                found = list(store.windows(since=NOW - DAYS * 86_400))
                read = min(read, time.perf_counter() - begin)
                totals = {component: Bins() for component in COMPONENTS}
                for window in found:
                    totals[window.component].merge(window.bins)
                for total in totals.values():
                    for q in (0.5, 0.95, 0.99):
                        total.quantile(q)
                merged = min(merged, time.perf_counter() - begin)
                windows = len(found)
    text = (
        f"30 days of 5 components out of {rows:,} rows ({size:.0f} MiB): {windows:,} windows in"
        f" {read * 1e3:.0f} ms, and {merged * 1e3:.0f} ms with all their bins merged into"
        " quantiles.\n"
    )
    met = read * 1e3 <= LIMIT_MS
    required = {f"queried within {LIMIT_MS} ms: {read * 1e3:.0f} ms": met}
    return reported("query", text, required, write=options.write_docs)


if __name__ == "__main__":
    sys.exit(main())
