"""A circuit breaker: stop calling what keeps failing, and ask now and then whether it is back."""

import threading
import time
from collections.abc import Callable
from enum import Enum

BUCKETS = 10
"""Parts of the rolling window; what it looks back at moves on by a tenth at a time."""


class State(Enum):
    """Whether calls go through."""

    CLOSED = "closed"
    """All do."""
    OPEN = "open"
    """None does."""
    HALF_OPEN = "half_open"
    """One does, and its end decides."""


class Breaker:
    """Opens when, over the last ``window`` seconds, ``ratio`` of at least ``least`` calls failed.

    After ``cool_down`` seconds one call, the probe, goes through: if it succeeds the breaker
    closes, if it fails it opens again. A probe that never reports is given up after
    another ``cool_down``. ``changed`` is called with the new state.

    A caller asks :meth:`enter` for a ticket and gives it back with the outcome. Thread-safe.
    """

    def __init__(
        self,
        ratio: float = 0.5,
        *,
        window: float = 10.0,
        least: int = 20,
        cool_down: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[State], None] = lambda _: None,
    ) -> None:
        if not 0 < ratio <= 1 or window <= 0 or least < 1 or cool_down < 0:
            raise ValueError(
                "a breaker has a ratio above 0 and up to 1, a window above 0 s, at least one call"
                f" and a cool-down of 0 s or more, not {ratio}, {window}, {least}, {cool_down}"
            )
        self._ratio = ratio
        self._least = least
        self._cool_down = cool_down
        self._width = window / BUCKETS
        self._clock = clock
        self.changed = changed
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._since = clock()
        self._ticket = 0
        self._buckets: dict[int, list[int]] = {}
        self._bucket = [0, 0]
        self._bucket_ends = float("-inf")

    @property
    def state(self) -> State:
        """The state as the last call left it; an open one changes when a call asks."""
        return self._state

    @property
    def refusing(self) -> bool:
        """Whether a call would be refused now."""
        since, state = self._since, self._state
        return state is not State.CLOSED and self._clock() - since < self._cool_down

    def enter(self) -> int | None:
        """Return a ticket for a call, or None where it must not be made.

        Tickets of one period are equal; :meth:`leave` ignores those of an earlier one.
        """
        if self._state is State.CLOSED:
            return self._ticket
        with self._lock:
            if self.state is State.CLOSED:
                return self._ticket
            if self._clock() - self._since < self._cool_down:
                return None
            # Open for long enough, or half open and the probe is lost.
            self._become(State.HALF_OPEN)
            return self._ticket

    def leave(self, ticket: int, *, failed: bool) -> None:
        """Note how a call ended."""
        if ticket != self._ticket:
            return  # it began before the state changed, and says nothing about now
        with self._lock:
            if ticket != self._ticket:
                return
            if self._state is State.HALF_OPEN:
                self._become(State.OPEN if failed else State.CLOSED)
                return
            now = self._clock()
            if now >= self._bucket_ends:
                self._next_bucket(now)
            self._bucket[failed] += 1
            if failed and self._too_many():
                self._become(State.OPEN)

    def _next_bucket(self, now: float) -> None:
        number = int(now / self._width)
        self._bucket_ends = (number + 1) * self._width
        self._bucket = self._buckets[number] = [0, 0]
        for old in [n for n in self._buckets if n <= number - BUCKETS]:
            del self._buckets[old]

    def _too_many(self) -> bool:
        calls = sum(sum(bucket) for bucket in self._buckets.values())
        failures = sum(bucket[1] for bucket in self._buckets.values())
        return calls >= self._least and failures >= self._ratio * calls

    def _become(self, state: State) -> None:
        self._state = state
        self._since = self._clock()
        self._ticket += 1
        self._buckets.clear()
        self._bucket_ends = float("-inf")
        self.changed(state)
