"""Which containers grow with the calls, and by what name a reader finds them.

Works inside the measured process, after the tracker has stopped: sizes of all containers are
taken before the run, after it, and after a few calls more. What grew at one rate over both spans
is still growing, and is looked up through the garbage collector's referrers.
"""

import functools
import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from perfkit.memory.naming import place
from perfkit.memory.series import Holder

SHOWN = 3
"""Holders that are named, the fastest growing first; each costs a few walks over the heap."""

_KEPT_PACE = 0.5
"""The slower of the two rates must be at least this share of the faster."""

_KINDS = (list, dict, set, deque)


def sizes() -> dict[int, int]:
    """Return the number of entries of every reachable container, by identity."""
    return {id(found): size for found, size in _containers()}


def growing(
    before: dict[int, int], after: dict[int, int], later: dict[int, int], calls: tuple[int, int]
) -> list[tuple[int, float]]:
    """Return identity and entries per call of the containers that grew steadily, fastest first.

    Args:
        before: Sizes before the run; a container that is missing was empty or not there.
        after: Sizes after it.
        later: Sizes after some calls more.
        calls: How many calls lie between the first and the second, the second and the third.
    """
    found = []
    for identity, size in later.items():
        if identity in after:
            first = (after[identity] - before.get(identity, 0)) / calls[0]
            second = (size - after[identity]) / calls[1]
            if 0 < _KEPT_PACE * max(first, second) <= min(first, second):
                found.append((identity, (first * calls[0] + second * calls[1]) / sum(calls)))
    return sorted(found, key=lambda entry: -entry[1])


def named(grown: Iterable[tuple[int, float]], ignore: Iterable[object] = ()) -> list[Holder]:
    """Return the first few of ``grown`` that still exist, with their names."""
    wanted = dict(grown)
    objects = {id(found): found for found, _ in _containers() if id(found) in wanted}
    unwanted = {id(found) for found in (wanted, objects, *ignore)}
    holders: list[Holder] = []
    for identity, rate in wanted.items():
        if len(holders) == SHOWN:
            break
        if identity in objects and identity not in unwanted:
            found = place(objects[identity], unwanted)
            if found is not None:
                holders.append(Holder(*found, rate))
    return holders


def _containers() -> Iterator[tuple[Any, int]]:
    measures: dict[type, Callable[[Any], int] | None] = {}
    objects = gc.get_objects()
    for found in objects:
        kind = type(found)
        if kind not in measures:
            measures[kind] = _measure(kind)
        measure = measures[kind]
        if measure is not None:
            yield found, measure(found)
    # A dict of plain values is unknown to the collector; its referrer is not.
    for found in gc.get_referents(*objects):
        if type(found) is dict and not gc.is_tracked(found):
            yield found, len(found)


def _measure(kind: type) -> Callable[[Any], int] | None:
    if issubclass(kind, functools._lru_cache_wrapper):  # noqa: SLF001 - the type has no other name
        return lambda cache: int(cache.cache_info().currsize)
    # The base's own length: a subclass may do anything in its __len__.
    return next((base.__len__ for base in _KINDS if issubclass(kind, base)), None)
