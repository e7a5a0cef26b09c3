"""When a store may forget: decided by two clocks, since one of them can be set."""

from collections.abc import Callable

PRUNE_SECONDS = 600.0
"""From one pruning to the next, and from the start of a process to its first."""

JUMP_SECONDS = 60.0
"""By so much the wall clock runs ahead of or behind the monotonic one before it has jumped."""

AFTER_JUMP_SECONDS = 3600.0
"""After a jump nothing is deleted for so long: time to notice a clock that was set wrongly."""


class Pruning:
    """Tells when to delete what is too old for the wall clock.

    That clock alone is no evidence that time has passed: set a year ahead for a moment, it would
    make everything too old. So it has to run evenly beside the monotonic clock, which nobody can
    set. Where a machine sleeps the monotonic clock may stand still; that counts as a jump.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._next = monotonic() + PRUNE_SECONDS
        self._ahead = wall() - monotonic()

    def due(self) -> bool:
        """Return whether to prune now; asked about once a second."""
        now = self._monotonic()
        ahead = self._wall() - now
        if abs(ahead - self._ahead) > JUMP_SECONDS:
            self._ahead = ahead
            self._next = now + AFTER_JUMP_SECONDS
        if now < self._next:
            return False
        self._next = now + PRUNE_SECONDS
        return True
