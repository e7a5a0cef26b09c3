"""What rate perfkit's generator reaches on this machine, at what cost, beside Locust, hey and wrk.

The server is a process of its own on the same machine. wrk has no rate: it sends as fast as answers
come. Exits 1 where perfkit is late by more than 5 ms (p99) at 2 000/s without saying so.
"""

import argparse
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import environment, table, write_section
from tools import hey, installed, perfkit, serving, wrk

RATES = (500, 1000, 2000, 3000, 4000)
JUDGED, MOST_LAG = 2000, 5e-3
SECONDS = 6.0


def main() -> None:
    """Run every rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="update docs/load.md")
    options = parser.parse_args()
    rows = list(measured())
    judged = next(row for row in rows if row[:2] == ["perfkit load", f"{JUDGED}/s"])
    lag, said = float(judged[4].split()[0]) / 1e3, judged[5] == "inconclusive"
    met = lag <= MOST_LAG or said
    head = ["tool", "wanted", "sent", "CPU per request", "lag p99", "its own answer"]
    lines = [
        "### What the generator reaches",
        "",
        f"`python benchmarks/load/generator.py`, {environment()}.",
        "",
        f"{SECONDS:.0f} s each; the server runs on the same machine.",
        "",
        *table(head, rows),
        "",
        f"Required: 5 ms late (p99) at {JUDGED}/s, or inconclusive: {'met' if met else 'NOT met'}.",
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("generator", "\n".join(lines), "load.md")
    sys.exit(not met)


def measured() -> Iterator[list[str]]:
    """Yield a row for each tool and rate."""
    for rate in RATES:
        with serving() as url:
            document, _ = perfkit(url, rate, SECONDS, "--p50", "1s")
        hold = next(stage for stage in document["stages"] if stage["name"] == "hold")
        sent = hold["due"] - hold["missed"]
        every = sum(stage["due"] - stage["missed"] for stage in document["stages"])
        yield [
            *("perfkit load", f"{rate}/s", f"{sent / SECONDS:.0f}/s"),
            f"{document['cpu_seconds'] / every * 1e6:.0f} us",
            f"{hold['lag_p99'] * 1e3:.2f} ms",
            document["status"],
        ]
    if find_spec("locust"):
        for rate in RATES:
            yield by_locust(rate)
    if installed("hey"):
        for rate in RATES:
            with serving() as url:
                _, reached, ran = hey(url, rate, SECONDS, 10)
            cost = f"{ran.cpu / (reached * SECONDS) * 1e6:.0f} us"
            yield ["hey", f"{rate}/s", f"{reached:.0f}/s", cost, "not told", ""]
    if installed("wrk"):
        with serving() as url:
            _, reached, ran = wrk(url, SECONDS)
        cost = f"{ran.cpu / (reached * SECONDS) * 1e6:.0f} us"
        yield ["wrk", "as it can", f"{reached:.0f}/s", cost, "not told", ""]


def by_locust(rate: float) -> list[str]:
    """Return the row of Locust with two workers, which run perfkit's plan."""
    with serving() as url:
        document, _ = perfkit(url, rate, SECONDS, "--p50", "1s", "--engine", "locust")
    hold = next(stage for stage in document["stages"] if stage["name"] == "hold")
    every = sum(stage["due"] - stage["missed"] for stage in document["stages"])
    return [
        *("Locust, 2 workers", f"{rate}/s", f"{(hold['due'] - hold['missed']) / SECONDS:.0f}/s"),
        # With starting three processes, which takes seconds of a processor.
        f"{document['cpu_seconds'] / every * 1e6:.0f} us",
        f"{hold['lag_p99'] * 1e3:.2f} ms",
        document["status"],
    ]


if __name__ == "__main__":
    main()
