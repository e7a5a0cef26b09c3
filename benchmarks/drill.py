"""How long a telemetry store of 65 000 rows takes to come back, and whether damage is noticed.

Fills a store as an application would, rehearses its loss ``--times`` times with other damages, and
exits 1 where restoring took longer than a second or a damage went unnoticed. `--write-docs` puts
the table into docs/drill.md.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "accuracy"))

from pages import environment, table, write_section

from perfkit.reliability.drill import rehearse
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key

ROWS, LONGEST = 65_000, 1.0


def main() -> None:
    """Fill, rehearse, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=25)
    parser.add_argument("--write-docs", action="store_true", help="update docs/drill.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perfkit-drill-") as scratch:
        path = Path(scratch, "telemetry.sqlite")
        fill(path)
        found = [
            rehearse(
                [path],
                archive=None,
                longest_recovery=LONGEST,
                longest_loss=None,
                seed=seed,
                clock=time.perf_counter,
                now=time.time,
            )
            for seed in range(options.times)
        ]
    slowest = max(one.recovery_seconds for one in found)
    backup = max(one.backup_seconds for one in found)
    done, noticed = sum(one.damages for one in found), sum(one.detected for one in found)
    rows, size = found[0].rows, found[0].size / 2**20
    same = sum(one.same for one in found)
    met = rows >= ROWS and slowest <= LONGEST and noticed == done and same == len(found)
    lines = [
        f"### The loss of {ROWS} rows",
        "",
        f"`python benchmarks/drill.py`, {environment()}.",
        "",
        *table(
            ["rehearsals", "rows", "size", "backup", "RTO", "damages noticed", "the same content"],
            [
                [
                    str(len(found)),
                    str(rows),
                    f"{size:.1f} MiB",
                    f"{backup:.3f} s",
                    f"{slowest:.3f} s",
                    f"{noticed} of {done}",
                    f"{same} of {len(found)}",
                ]
            ],
        ),
        "",
        (
            f"Times are the longest. Required: RTO at most {LONGEST:g} s, every damage noticed:"
            f" {'met' if met else 'NOT met'}."
        ),
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("drill", "\n".join(lines), "drill.md")
    sys.exit(not met)


def fill(path: Path) -> None:
    """Write rows of an hour or so of five components, a second each."""
    now = int(time.time())
    bins = Bins()
    for value in range(1, 200):
        bins.add(value * 50_000)
    calls = Calls(ok=199, errors=0, degraded=0, sum_ns=1, max_ns=199 * 50_000, bins=bins)
    keys = [Key(component=f"c{number}", name="call", labels="{}") for number in range(25)]
    with Store(path) as store:
        for second in range(ROWS // len(keys)):
            store.add(Batch(start=now - second, calls=dict.fromkeys(keys, calls)))


if __name__ == "__main__":
    main()
