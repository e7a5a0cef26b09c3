"""What tracking a call costs, beside prometheus_client and an OpenTelemetry span, in one run.

Each way wraps the same empty function, or stands as a block in it; the figure is the time of a call
less that of the plain function, the lowest of many short turns taken by all ways one after the
other. A coroutine is driven without a loop, and compared with a plain one. `--write-docs` puts the
table into docs/runtime.md. Needs the extra `telemetry`.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from pages import reported
from prometheus_client import CollectorRegistry, Histogram

from perfkit import runtime
from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.series import Collected, Timed
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Key

CALLS = 300
"""Calls in one turn: few, so that a turn of the slow ways is seldom interrupted either."""

FOLDED = 20_000
PLAIN_COROUTINE = "plain coroutine"
ENABLED_LIMIT_NS = 250
DISABLED_LIMIT_NS = 60
FAILPOINT_LIMIT_NS = 60


def plain(order: int) -> int:
    """Return the order: the work that is to be measured is none."""
    return order


def failing(order: int) -> int:
    """Return the order, after a failpoint that nobody asked for."""
    runtime.inject("bench")
    return order


async def later(order: int) -> int:
    """Return the order, as a coroutine."""
    return order


def driven(function: Callable[[int], Coroutine[None, None, int]]) -> Callable[[int], int]:
    """Return what calls a coroutine function and runs what it returns to its end."""

    def call(order: int) -> int:
        try:
            function(order).send(None)
        except StopIteration as ended:
            return int(ended.value)
        raise RuntimeError("a coroutine that waits for nothing has waited")

    return call


KEPT = runtime.track("kept")


def in_a_kept_block(order: int) -> int:
    """Return the order from a block of an object that was made before."""
    with KEPT:
        return order


def in_a_block(order: int) -> int:
    """Return the order from a block."""
    with runtime.track("block"):
        return order


def in_a_labelled_block(order: int) -> int:
    """Return the order from a block with a label."""
    with runtime.track("labelled", labels={"country": "in"}):
        return order


def packed(*args: int, **kwargs: int) -> int:
    """Call the plain function as an ordinary decorator does."""
    return plain(*args, **kwargs)


def lowest(ways: Mapping[str, Callable[[int], int]], turns: int) -> dict[str, float]:
    """Return nanoseconds per call of each way, the lowest over turns taken by all in order."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, call in ways.items():
            seconds = timeit.Timer("call(1)", globals={"call": call}).timeit(CALLS)
            found[name] = min(found[name], seconds / CALLS * 1e9)
    return found


def folding(turns: int) -> float:
    """Return nanoseconds per call that the folding thread spends, for calls of 0.2 to 3 µs."""
    found = float("inf")
    for _ in range(turns):
        collected = Collected()
        timed: Timed = collected.timed(Key("bench", "fold"))
        timed.ok.extend(200 + number * number % 2800 for number in range(FOLDED))
        begin = time.perf_counter_ns()
        collected.drain("bench")
        found = min(found, (time.perf_counter_ns() - begin) / FOLDED)
    return found


def lost_in_threads_and_tasks() -> int:
    """Return how many of the calls of 8 threads and of 1000 tasks are missing in the store."""
    with tempfile.TemporaryDirectory() as folder:
        runtime.start(Path(folder, "t.sqlite"))
        call = runtime.track("call")(plain)

        @runtime.track("task")
        async def task() -> None:
            await asyncio.sleep(0)

        async def tasks() -> None:
            await asyncio.gather(*(task() for _ in range(1000)))

        threads = [
            threading.Thread(target=lambda: [call(n) for n in range(100_000)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(tasks())
        runtime.stop()
        with Store(Path(folder, "t.sqlite"), read_only=True) as store:
            stored = sum(window.ok for window in store.windows(resolution=3600))
    return 801_000 - stored


def main() -> int:
    """Measure, print and compare with the limits; 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    histogram = Histogram("calls", "Calls", registry=CollectorRegistry())
    tracer = TracerProvider().get_tracer("bench")

    @tracer.start_as_current_span("call")
    def spanned(order: int) -> int:
        return order

    tracked = runtime.track("call")(plain)
    off = {
        "plain function": plain,
        "perfkit `track`, not started": tracked,
        "a wrapper of `*args, **kwargs` that does nothing": packed,
        "`inject`, not asked for": failing,
    }
    disabled = lowest(off, options.turns)
    with tempfile.TemporaryDirectory() as folder:
        runtime.start(Path(folder, "t.sqlite"))
        on: dict[str, Callable[[int], int]] = {
            "plain function": plain,
            "perfkit `track`": tracked,
            "perfkit `track` with `slow=`": runtime.track("slow", slow=60)(plain),
            "perfkit `track` of a coroutine function": driven(runtime.track("later")(later)),
            "perfkit `with` an object of `track`": in_a_kept_block,
            "perfkit `with track(NAME)`": in_a_block,
            "perfkit `with track(NAME, labels={...})`, one label": in_a_labelled_block,
            PLAIN_COROUTINE: driven(later),
            "prometheus_client `Histogram.time()`": histogram.time()(plain),
            "OpenTelemetry span, exported nowhere": spanned,
        }
        enabled = lowest(on, options.turns)
        if not RECORDER.recording:
            raise SystemExit("nothing was recorded")
        runtime.stop()
    fold = folding(max(3, options.turns // 5))
    lost = lost_in_threads_and_tasks()
    own = enabled.pop(PLAIN_COROUTINE) - enabled["plain function"]
    enabled["perfkit `track` of a coroutine function"] -= own
    rows = {name: value - enabled["plain function"] for name, value in enabled.items()}
    rows |= {name: value - disabled["plain function"] for name, value in disabled.items()}
    ours = rows["perfkit `track`"]
    lines = ["| one call, above the plain function | ns | to `track` |", "|---|--:|--:|"]
    lines += [
        f"| {name} | {value:.0f} | {value / ours:.2f} |"
        for name, value in rows.items()
        if name != "plain function"
    ]
    quiet, unasked = rows["perfkit `track`, not started"], rows["`inject`, not asked for"]
    required = {
        f"a call of a tracked function costs at most {ENABLED_LIMIT_NS} ns: {ours:.0f} ns": (
            ours <= ENABLED_LIMIT_NS
        ),
        f"one before `start` at most {DISABLED_LIMIT_NS} ns: {quiet:.0f} ns": (
            quiet <= DISABLED_LIMIT_NS
        ),
        f"a failpoint that is off at most {FAILPOINT_LIMIT_NS} ns: {unasked:.0f} ns": (
            unasked <= FAILPOINT_LIMIT_NS
        ),
        f"8 threads and 1000 tasks lose no count of 801,000: {lost} lost": lost == 0,
    }
    lines += [
        "",
        f"The recording thread spends another {fold:.0f} ns on each call of a few microseconds.",
    ]
    return reported("track", "\n".join(lines) + "\n", required, write=options.write_docs)


if __name__ == "__main__":
    sys.exit(main())
