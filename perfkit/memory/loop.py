"""The loop that a target runs in: warm-up, calls, and marks between them.

A mark is a pause between two iterations, at which the caches of the standard library are empty and
garbage is collected, so that what is looked at is what the target keeps.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from perfkit.errors import MeasurementError
from perfkit.memory.caches import (
    LruCache,
    clear_stdlib_caches,
    fill_numpy_cache,
    lru_caches,
)

MARKS = 48 + 16
"""Marks of a run after the one at its start: four per segment of :mod:`perfkit.memory.growth`."""

WARM_UP = 2
"""Calls before the one that tells the cost: imports inside the target, first-call caches."""

LEAST_SHORTENED = 48
"""Iterations that a slow target gets at least: three in each segment of the growth test."""


@dataclass(frozen=True, slots=True)
class Looped:
    """What a run was: see :class:`perfkit.memory.series.Recording` for the fields.

    ``calls`` counts those of the warm-up as well.
    """

    marks: list[int]
    seconds_per_iteration: float
    filling_caches: list[tuple[str, int, int]]
    calls: int


def shortened(iterations: int, seconds: float | None, cost: float) -> int:
    """Return how many iterations of ``cost`` seconds fit into ``seconds``, in fours."""
    if seconds is None or iterations * cost <= seconds:
        return iterations
    return min(iterations, max(LEAST_SHORTENED, int(seconds / cost) // 4 * 4))


def schedule(iterations: int, marks: int = MARKS) -> list[int]:
    """Return the iteration counts to mark: 0, then evenly spaced, the last at ``iterations``.

    The first quarter, the half and the end are marks whenever four divides ``iterations``.
    """
    count = min(marks, iterations)
    return sorted({round(k * iterations / count) for k in range(count + 1)})


def loop(
    call: Callable[[], object],
    at_marks: Callable[[int], Callable[[int], None]],
    *,
    iterations: int,
    seconds: float | None = None,
) -> Looped:
    """Run ``call`` ``iterations`` times after a few calls of warm-up, and stop at every mark.

    Given ``seconds``, a slow target gets as many iterations as fit, but not less than
    :data:`LEAST_SHORTENED`. ``at_marks`` is told how many marks there will be, and returns what is
    called at each with its position; what it keeps must not grow from mark to mark.

    Raises:
        MeasurementError: The target raised, in a call that the sentence counts from 1.
    """
    for number in range(1, WARM_UP + 1):
        numbered_call(call, number)
    began = time.perf_counter()
    numbered_call(call, WARM_UP + 1)
    marks = schedule(shortened(iterations, seconds, time.perf_counter() - began))
    at_mark = at_marks(len(marks))
    cached: list[list[int]] = []
    stdlib, others = lru_caches()
    gc.collect()
    gc.freeze()
    done, spent = 0, 0.0
    numpy_is_full = False
    for position, mark in enumerate(marks):
        began = time.perf_counter()
        for number in range(done + 1, mark + 1):
            numbered_call(call, WARM_UP + 1 + number)
        spent += time.perf_counter() - began
        done = mark
        clear_stdlib_caches()
        for cache in stdlib:
            cache.cache_clear()
        numpy_is_full = numpy_is_full or fill_numpy_cache()
        gc.collect()
        at_mark(position)
        if position in (len(marks) // 4, len(marks) - 1):
            cached.append([cache.cache_info().currsize for cache in others])
    gc.unfreeze()
    return Looped(marks, spent / marks[-1], _filling(others, *cached), WARM_UP + 1 + done)


def numbered_call(call: Callable[[], object], number: int) -> None:
    """Call; a complaint names the call by its number, counted from 1."""
    try:
        call()
    except MeasurementError as error:
        raise MeasurementError(f"in call {number}, {error}") from error.__cause__


def leave() -> None:
    """End this process at once where threads of the target run on; Python would wait for them."""
    if threading.active_count() > 1:
        sys.stderr.flush()
        os._exit(0)


def _filling(
    caches: list[LruCache], before: list[int], after: list[int]
) -> list[tuple[str, int, int]]:
    """Return name, entries and bound of the caches that grew and are not yet full."""
    grown = []
    for cache, early, late in zip(caches, before, after, strict=True):
        bound = cache.cache_parameters()["maxsize"] or 0  # None: unbounded, it never fills up
        if early < late < bound:
            grown.append((f"{cache.__module__}.{cache.__qualname__}", late, bound))
    return grown
