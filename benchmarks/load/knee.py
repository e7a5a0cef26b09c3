"""Is the knee found? Servers of known capacity, drawn by seed: c workers that take s seconds.

The capacity is c / s requests a second. Exits 1 where `perfkit load --ramp-to-knee` is off by more
than 10 % for one of the seeds.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import environment, table, write_section
from tools import run, serving

ALLOWED = 0.1


def main() -> None:
    """Run every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--step", default="3s", help="as of perfkit load")
    parser.add_argument("--write-docs", action="store_true", help="update docs/load.md")
    options = parser.parse_args()
    rows, near = [], 0
    for row, error in measured(options.seeds, options.step):
        print(*row, sep="  ", file=sys.stderr, flush=True)
        rows.append(row)
        near += abs(error) <= ALLOWED
    head = ["seed", "workers", "capacity", "held", "did not", "off by", "requests", "took"]
    met = f"{near} of {len(rows)} seeds, {'met' if near == len(rows) else 'NOT met'}"
    lines = [
        "### The knee of servers of known capacity",
        "",
        f"`python benchmarks/load/knee.py`, {environment()}.",
        "",
        *table(head, rows),
        "",
        f"Required: within {ALLOWED:.0%}: {met}.",
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("knee", "\n".join(lines), "load.md")
    sys.exit(near != len(rows))


def measured(seeds: int, step: str) -> Iterator[tuple[list[str], float]]:
    """Yield a row for each seed, and by what share of the capacity it is off; 1 if not found."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        count, service = int(rng.integers(1, 17)), float(rng.uniform(0.02, 0.06))
        capacity = count / service
        with serving(workers=f"{count}:{service}") as url:
            command = [sys.executable, "-m", "perfkit", "load", url, "--ramp-to-knee", "--json"]
            ran = run([*command, "--step", step, "--seed", str(seed)])
        document = json.loads(ran.text)
        knee = document["knee"]
        held, not_held = (knee[end] or float("nan") for end in ("held", "not_held"))
        error = held / capacity - 1 if held == held else -1.0  # noqa: PLR0124 - NaN
        requests = sum(stage["due"] for stage in document["stages"])
        yield (
            [
                *(str(seed), f"{count} x {service * 1e3:.1f} ms", f"{capacity:.1f}/s"),
                *(f"{held:.1f}/s", f"{not_held:.1f}/s", f"{error * 100:+.1f} %"),
                *(str(requests), f"{document['seconds']:.0f} s"),
            ],
            error,
        )


if __name__ == "__main__":
    main()
