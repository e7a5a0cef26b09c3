"""kill -9 a hundred times on what writes the telemetry store, and on what stores baselines.

Each child says a record after it was stored, and is killed at a random moment. Exits 1 where one
that was said is lost, or a file is damaged. The two parts, with all that they look at, are
`benchmarks/runtime/kill.py` and `benchmarks/kill_while_storing.py`. `--write-docs` puts the table
into docs/drill.md.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

import kill as store
import kill_while_storing as baselines
from pages import environment, table, write_section


def main() -> int:
    """Kill, look, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="kills of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write-docs", action="store_true", help="update docs/drill.md")
    options = parser.parse_args()
    said, lost, damaged = store.counted(options.times, options.seed)
    left = baselines.counted(options.times, options.seed)
    rows = [
        ["telemetry store", str(options.times), f"{said} batches", str(lost), str(damaged)],
        [
            *("baselines", str(options.times), f"{left.said} runs", str(left.lost)),
            str(left.unreadable + left.incomplete),
        ],
    ]
    met = bool(said) and not lost and not damaged and all(baselines.required(left).values())
    header = ["what", "kill -9", "acknowledged", "lost", "damaged"]
    lines = [
        "### Killed while it writes",
        "",
        f"`python benchmarks/reliability/kills.py`, {environment()}.",
        "",
        *table(header, rows),
        "",
        f"Required: no acknowledged record lost, nothing damaged: {'met' if met else 'NOT met'}.",
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("kill", "\n".join(lines), "drill.md")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
