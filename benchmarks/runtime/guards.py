"""What guarding and caching a call costs, beside stamina and cachetools alone, in one run.

The figure is the time of a call, the lowest of many short turns taken by all ways one after the
other. Then counts: how often 200 who ask at once call the function, and how many attempts a
dependency gets that fails for everybody. `--write-docs` puts it into docs/runtime.md.
"""

import argparse
import asyncio
import copy
import sys
import threading
import time
import timeit
from collections.abc import Awaitable, Callable, Mapping

import stamina
from cachetools import TTLCache
from cachetools import cached as tools_cached
from pages import reported

from perfkit import runtime
from perfkit.runtime.budget import RetryBudget

CALLS = 300
"""Calls in one turn: few, so that a turn of the slow ways is seldom interrupted either."""

HIT_LIMIT_US = 5.0
GUARD_LIMIT_US = 3.0


def plain(order: int) -> int:
    """Return the order."""
    return order


async def plain_later(order: int) -> int:
    """Return the order, as a coroutine."""
    return order


async def in_time(order: int) -> int:
    """Return the order within a deadline of asyncio's own."""
    async with asyncio.timeout(60):
        return await plain_later(order)


def answer(order: int) -> dict[str, object]:
    """Return what a tool of the reference workload answers with."""
    return {"text": "om", "cues": order, "corrections": 4, "digest": "0" * 64}


def lowest(ways: Mapping[str, Callable[[int], object]], turns: int) -> dict[str, float]:
    """Return microseconds per call of each way, the lowest over turns taken by all in order."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, call in ways.items():
            seconds = timeit.Timer("call(1)", globals={"call": call}).timeit(CALLS)
            found[name] = min(found[name], seconds / CALLS * 1e6)
    return found


def copied_from_cachetools() -> Callable[[int], object]:
    """Return the answer behind cachetools, with a lock and a deep copy on each hit."""
    kept = tools_cached(TTLCache(1024, 600), lock=threading.Lock())(answer)
    return lambda order: copy.deepcopy(kept(order))


def executions_of_200() -> tuple[int, int]:
    """Return how often 200 threads, and 200 coroutines, that ask at once call."""
    calls = {"threads": 0, "tasks": 0}
    go = threading.Barrier(200)

    @runtime.cached("threads", ttl=60)
    def slow() -> int:
        calls["threads"] += 1
        time.sleep(0.05)
        return 1

    @runtime.cached("tasks", ttl=60)
    async def later() -> int:
        calls["tasks"] += 1
        await asyncio.sleep(0.05)
        return 1

    def ask() -> None:
        go.wait()
        slow()

    async def all_at_once() -> None:
        await asyncio.gather(*(later() for _ in range(200)))

    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(all_at_once())
    return calls["threads"], calls["tasks"]


async def lowest_awaited(
    ways: Mapping[str, Callable[[int], Awaitable[int]]], turns: int
) -> dict[str, float]:
    """Return microseconds per call of each coroutine function, as :func:`lowest` does."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, call in ways.items():
            begin = time.perf_counter()
            for _ in range(CALLS):
                await call(1)
            found[name] = min(found[name], (time.perf_counter() - begin) / CALLS * 1e6)
    return found


def attempts_where_all_fail(calls: int) -> int:
    """Return how many attempts a dependency gets of so many calls, with the default budget."""
    attempts = 0

    @runtime.guard("down", retry=runtime.Retry(OSError))
    def down() -> None:
        nonlocal attempts
        attempts += 1
        raise OSError

    stamina.instrumentation.set_on_retry_hooks([])  # no line in the log for each
    with stamina.set_testing(True, attempts=3):  # without its waits
        for _ in range(calls):
            try:
                down()
            except OSError:
                continue
    return attempts


def main() -> int:
    """Measure, print and compare with the limits; 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    every = runtime.guard(
        "every",
        deadline=60,
        retry=runtime.Retry(OSError),
        breaker=runtime.Breaker(),
        bulkhead=100,
    )
    calls = lowest(
        {
            "plain function": plain,
            "`guard`, everything on": every(plain),
            "`guard`, breaker only": runtime.guard("one", breaker=runtime.Breaker())(plain),
            "stamina `retry` alone": stamina.retry(on=OSError)(plain),
        },
        options.turns,
    )
    deadline_only = runtime.guard("later", deadline=60)
    everything = runtime.guard(
        "everything",
        deadline=60,
        retry=runtime.Retry(OSError),
        breaker=runtime.Breaker(),
        bulkhead=100,
    )
    awaited = asyncio.run(
        lowest_awaited(
            {
                "coroutine: `guard`, everything on": everything(plain_later),
                "coroutine: `guard`, deadline only": deadline_only(plain_later),
                "coroutine: `guard`, breaker only": runtime.guard(
                    "other", breaker=runtime.Breaker()
                )(plain_later),
                "coroutine: `asyncio.timeout` alone": in_time,
            },
            options.turns,
        )
    )
    hits = lowest(
        {
            "plain function": answer,
            "`cached`, a hit with its copy": runtime.cached("pickle", ttl=600)(answer),
            '`cached`, `copies="deepcopy"`': runtime.cached("deep", ttl=600, copies="deepcopy")(
                answer
            ),
            "cachetools `cached` with lock and deepcopy": copied_from_cachetools(),
        },
        options.turns,
    )
    guarded, hit = calls["`guard`, everything on"], hits["`cached`, a hit with its copy"]
    lines = ["| one call | µs | to ours |", "|---|--:|--:|"]
    later = awaited["coroutine: `guard`, everything on"]
    for found, ours in ((calls, guarded), (awaited, later), (hits, hit)):
        lines += [
            f"| {name} | {value:.2f} | {value / ours:.2f} |"
            for name, value in found.items()
            if name != "plain function"
        ]
    threads, tasks = executions_of_200()
    asked, burst = 20_000, RetryBudget().most
    attempts = attempts_where_all_fail(asked)
    required = {
        f"a guarded call that succeeds takes at most {GUARD_LIMIT_US:.0f} µs: {guarded:.2f} µs": (
            guarded <= GUARD_LIMIT_US
        ),
        f"a hit with its copy at most {HIT_LIMIT_US:.0f} µs: {hit:.2f} µs": hit <= HIT_LIMIT_US,
        f"200 threads that ask at once are one call: {threads}; 200 coroutines: {tasks}": (
            threads == tasks == 1
        ),
        f"where everything fails at most 1.1 attempts per call, and the {burst:.0f} retries that"
        f" are saved up at the start: {attempts:,} attempts of {asked:,} calls": (
            attempts <= asked * 1.1 + burst
        ),
    }
    return reported("guards", "\n".join(lines) + "\n", required, write=options.write_docs)


if __name__ == "__main__":
    sys.exit(main())
