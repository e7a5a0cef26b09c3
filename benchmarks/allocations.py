"""What counting allocations adds to a comparison, and whether the counts repeat.

`python benchmarks/allocations.py` runs every time benchmark of this project's suite: processes
that take times, as `perfkit compare` starts them, and processes that count, in turns. It prints
their wall time and the counts. `--bench REGEX` chooses, `--rounds N` says how often.
"""

import argparse
import re
import statistics
from pathlib import Path
from time import perf_counter

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import discover
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import find_suite
from perfkit.config.thresholds import Regression
from perfkit.model import Revision

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print a row per benchmark, and the share of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", default=".", help="only those whose name this matches")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind")
    given = parser.parse_args()
    side = Side(
        revision=Revision(label="working tree", commit="0" * 40),
        suite=find_suite(ROOT),
        interpreter=Interpreter(site=ROOT / "benchmarks" / "workload"),
        requirements=(),
    )
    rounds = Regression().min_rounds
    timed_total = counted_total = 0.0
    print("benchmark | s of a timed process | s of a counting one | counts, process by process")
    with MeasuredSide(side) as running:
        for benchmark in discover(side.suite, side.interpreter):
            for identity in benchmark.ids:
                if benchmark.kind != "time" or not re.search(given.bench, str(identity)):
                    continue
                timed, counted, counts = [], [], []
                for number in range(given.rounds):
                    began = perf_counter()
                    running.run(benchmark, identity, side.suite.benchmarks, number)
                    timed.append(perf_counter() - began)
                    began = perf_counter()
                    found = running.count(benchmark, identity, side.suite.benchmarks, number)
                    counted.append(perf_counter() - began)
                    if found is not None:
                        counts.append(found.failure or [int(count) for count in found.values])
                timed_total += statistics.median(timed)
                counted_total += statistics.median(counted)
                print(
                    f"{identity} | {statistics.median(timed):.2f}"
                    f" | {statistics.median(counted):.2f} | {counts}"
                )
    if not timed_total:
        print("no time benchmark was chosen")
        return
    share = counted_total / (rounds * timed_total)
    print(f"one counting process of each side adds {share:.0%} to {rounds} rounds of timed ones")


if __name__ == "__main__":
    main()
