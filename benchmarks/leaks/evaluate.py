"""Show how many leaks `perfkit leaks` finds, names and holds, and whom it accuses falsely.

python benchmarks/leaks/evaluate.py [--repeat N] [CASE ...]
"""

import argparse
import collections
import time
from pathlib import Path

import cases

from perfkit.memory.find import find_leaks
from perfkit.model import LeakState
from perfkit.targets import parse_target

HERE = Path(__file__).parent


def main() -> None:
    """Run the cases and print a row for each, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    names = options.cases or [name for name in vars(cases) if name.startswith(("leak_", "clean_"))]
    sums: collections.Counter[str] = collections.Counter()
    slowest = {"leak": 0.0, "clean": 0.0}
    for name in names * options.repeat:
        began = time.perf_counter()
        result = find_leaks(parse_target(f"cases:{name}", cwd=HERE), cwd=HERE, timeout=300)
        seconds = time.perf_counter() - began
        kind = name.partition("_")[0]
        slowest[kind] = max(slowest[kind], seconds)
        right = result.state is (LeakState.LEAK if kind == "leak" else LeakState.CLEAN)
        sums[kind] += 1
        sums[f"{kind} right"] += right
        first = result.sites[0].place if result.sites else "-"
        if kind == "leak":
            sums["first"] += first.startswith("cases.py")
        if name in cases.HOLDERS:
            sums["held"] += 1
            sums["held right"] += any(cases.HOLDERS[name] in one for one in result.holders)
        mark = "ok" if right else "WRONG"
        print(f"{mark:6}{name:26}{result.state:14}{seconds:6.1f} s  {first}", flush=True)
        for holder in result.holders:
            print(f"{'':46}{holder}")
    print(f"leaks found:     {sums['leak right']} of {sums['leak']}")
    print(f"file first:      {sums['first']} of {sums['leak']}")
    print(f"holder named:    {sums['held right']} of {sums['held']}")
    print(f"false alarms:    {sums['clean'] - sums['clean right']} of {sums['clean']}")
    print(f"slowest:         leak {slowest['leak']:.1f} s, clean {slowest['clean']:.1f} s")


if __name__ == "__main__":
    main()
