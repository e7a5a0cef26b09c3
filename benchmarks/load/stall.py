"""A server that stops for 2 s within 12 s: which p99 does each tool report?

At a fixed rate every request due during the stall waits for the rest of it, so the latency of the
slowest share s is the stall's length minus s times the length of the run: the true p99 is
2 s - 0.01 * 12 s = 1.88 s. Exits 1 where perfkit is off by more than 2 %.
"""

import argparse
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import environment, table, write_section
from tools import hey, installed, perfkit, serving, wrk

SECONDS, AFTER, STALL, RATE = 12.0, 5.0, 2.0, 100.0
TRUE = STALL - 0.01 * SECONDS
ALLOWED = 0.02


def main() -> None:
    """Run every tool that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="update docs/load.md")
    options = parser.parse_args()
    rows, off = [], 0.0
    for tool, sends, found in measured():
        error = found / TRUE - 1
        if tool == "perfkit load":
            off = abs(error)
        rows.append([tool, sends, f"{found * 1e3:.4g} ms", f"{error * 100:+.1f} %"])
    met = off <= ALLOWED
    lines = [
        "### A server that stops for 2 s",
        "",
        f"`python benchmarks/load/stall.py`, {environment()}.",
        "",
        f"{SECONDS:.0f} s, {RATE:.0f}/s where the tool can be told; true p99 {TRUE} s.",
        "",
        *table(["tool", "sends", "reported p99", "off by"], rows),
        "",
        f"Required: within {ALLOWED:.0%} of the true p99: {'met' if met else 'NOT met'}.",
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("stall", "\n".join(lines), "load.md")
    sys.exit(not met)


def measured() -> Iterator[tuple[str, str, float]]:
    """Yield tool, how it sends, and its p99 in seconds."""
    freeze = f"{AFTER}:{STALL}"
    with serving(freeze) as url:
        document, _ = perfkit(url, RATE, SECONDS, "--warm", "0s")
    yield "perfkit load", "when due", document["stages"][0]["latency"]["p99"]
    yield "its service time", "", document["stages"][0]["service_p99"]
    if find_spec("locust"):
        with serving(freeze) as url:
            document, _ = perfkit(url, RATE, SECONDS, "--warm", "0s", "--engine", "locust")
        yield "Locust, as perfkit writes it", "when due", document["stages"][0]["latency"]["p99"]
    if installed("hey"):
        with serving(freeze) as url:
            yield "hey", "10 workers, each after its answer", hey(url, RATE, SECONDS, 10)[0]
        with serving(freeze) as url:
            yield "hey", "2 workers, each after its answer", hey(url, RATE, SECONDS, 2)[0]
    if installed("wrk"):
        with serving(freeze) as url:
            yield "wrk", "10 connections, each after its answer", wrk(url, SECONDS)[0]


if __name__ == "__main__":
    main()
