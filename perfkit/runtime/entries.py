"""What a cache holds: values with the times until which they are fresh, and usable at all."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

from perfkit.runtime.copies import Frozen


class Entry(NamedTuple):
    """A value and its times, in seconds of the cache's clock."""

    frozen: Frozen
    fresh_until: float
    usable_until: float


class Entries:
    """At most ``max_items`` entries; the least recently used goes first (cachetools). Thread-safe.

    An entry is fresh for ``ttl`` seconds and may stand in for an error for ``stale_if_error`` more.
    """

    def __init__(
        self,
        ttl: float,
        *,
        stale_if_error: float = 0.0,
        max_items: int = 1024,
        clock: Callable[[], float] = time.monotonic,
        evicted: Callable[[], None] = lambda: None,
    ) -> None:
        from cachetools import LRUCache

        if ttl <= 0 or stale_if_error < 0 or max_items < 1:
            raise ValueError(
                "a cache has a ttl above 0 s, a stale_if_error of 0 s or more and room for at least"
                f" one item, not {ttl}, {stale_if_error} and {max_items}"
            )
        self._ttl = ttl
        self._stale = stale_if_error
        self._clock = clock
        self._evicted = evicted
        self._kept: LRUCache[Hashable, Entry] = LRUCache(max_items)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable) -> tuple[Entry | None, bool]:
        """Return a usable entry or None, and whether it is fresh."""
        with self._lock:
            try:
                entry = self._kept[key]
            except KeyError:
                return None, False
            now = self._clock()
            if now < entry.fresh_until:
                return entry, True
            if now < entry.usable_until:
                return entry, False
            del self._kept[key]
            return None, False

    def store(self, key: Hashable, frozen: Frozen) -> None:
        """Keep a value from now on."""
        fresh_until = self._clock() + self._ttl
        with self._lock:
            full = len(self._kept) >= self._kept.maxsize and key not in self._kept
            self._kept[key] = Entry(frozen, fresh_until, fresh_until + self._stale)
        if full:
            self._evicted()

    def clear(self) -> None:
        """Forget all entries."""
        with self._lock:
            self._kept.clear()
