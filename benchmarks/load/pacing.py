"""How should the generator wait for less than a millisecond? Three ways, in turns.

Yielding until the moment comes keeps a processor busy; sleeping in the thread leaves answers unread
meanwhile; a timer of the kernel (what perfkit uses on Linux) wakes the loop. Exits 1 where the
timer is later than yielding by more than a millisecond (p99) at 2 000/s, or uses more of a
processor.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import environment, table, write_section
from tools import serving

from perfkit.reliability.arrivals import Stage, arrivals
from perfkit.reliability.drive import Limits, drive
from perfkit.reliability.judge import lag_quantile
from perfkit.reliability.load import fast_loop
from perfkit.reliability.record import LoadRecord
from perfkit.reliability.senders.http import HttpRequest, http_sender
from perfkit.reliability.waiting import exact_sleep

RATES, JUDGED = (500, 1000, 2000, 3000), 2000
SHORT = 1e-4
"""Seconds that the thread sleeps at most; answers wait that long."""

Sleep = Callable[[float], Awaitable[object]]


async def in_the_thread(seconds: float) -> None:
    """Leave waits of milliseconds to the loop, and sleep through the rest in short pieces."""
    if seconds > 2e-3:  # the loop's timers are good to a millisecond
        await asyncio.sleep(seconds - 1e-3)
    elif seconds > 0:
        time.sleep(min(seconds, SHORT))  # noqa: ASYNC251 - that is what is measured
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(0)


async def sent(url: str, rate: float, seconds: float, how: str) -> LoadRecord:
    """Send at ``rate`` and return what happened."""
    stages = (Stage("hold", seconds, rate, rate),)
    planned = arrivals(stages, "constant", np.random.default_rng(0))
    async with http_sender([HttpRequest(url=url)], [0]) as sender, exact_sleep() as timer:
        ways: dict[str, Sleep] = {
            "yielding": asyncio.sleep,
            "sleeping in the thread": in_the_thread,
            "a timer of the kernel": timer,
        }
        return await drive(
            planned,
            stages,
            sender,
            limits=Limits(timeout=10, most_waiting=1000),
            clock=time.perf_counter,
            cpu_clock=time.process_time,
            stop=asyncio.Event(),
            on_progress=lambda _: None,
            sleep=ways[how],
        )


WAYS = ("yielding", "sleeping in the thread", "a timer of the kernel")


def main() -> None:
    """Run every way at every rate, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--write-docs", action="store_true", help="update docs/load.md")
    options = parser.parse_args()
    found: dict[tuple[int, str], list[LoadRecord]] = {}
    for _ in range(options.rounds):
        for rate in RATES:
            for how in WAYS:
                with serving() as url, asyncio.Runner(loop_factory=fast_loop()) as runner:
                    record = runner.run(sent(url, rate, options.seconds, how))
                found.setdefault((rate, how), []).append(record)
    figures = {key: _figures(records) for key, records in found.items()}
    rows = [
        [how, f"{rate}/s", f"{late:.2f} ms", f"{usual:.2f} ms", f"{used:.0f} %"]
        for (rate, how), (late, usual, used) in figures.items()
    ]
    before, after = figures[JUDGED, WAYS[0]], figures[JUDGED, WAYS[2]]
    met = after[0] <= before[0] + 1 and after[2] <= before[2]
    lines = [
        "### Waiting for less than a millisecond",
        "",
        f"`python benchmarks/load/pacing.py`, {environment()}.",
        "",
        f"Medians of {options.rounds} rounds of {options.seconds:g} s, in turns.",
        "",
        *table(["way", "rate", "lag p99", "latency p50", "of a processor"], rows),
        "",
        f"Wanted of the timer at {JUDGED}/s: punctual, for less: {'met' if met else 'NOT met'}.",
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("pacing", "\n".join(lines), "load.md")
    sys.exit(not met)


def _figures(records: list[LoadRecord]) -> tuple[float, float, float]:
    """Return lag p99 and latency p50 in milliseconds, and percent of a processor."""
    return (
        median(lag_quantile(one, 0.99) for one in records) * 1e3,
        median(float(np.nanmedian(one.latency)) for one in records) * 1e3,
        median(one.cpu_seconds / one.seconds for one in records) * 100,
    )


if __name__ == "__main__":
    main()
