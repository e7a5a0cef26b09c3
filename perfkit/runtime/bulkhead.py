"""A bulkhead: at most so many calls at once; what is above is turned away at once, not queued."""

from collections import deque


class Bulkhead:
    """Room for ``most`` calls at once, of threads or coroutines."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"a bulkhead has room for at least one call, not {most}")
        self.most = most
        # To take from a deque and to put into it are each whole for all threads, without a lock.
        self._places = deque([None] * most)

    @property
    def inside(self) -> int:
        """The number of calls that are in it."""
        return self.most - len(self._places)

    def enter(self) -> bool:
        """Take a place; False where there is none."""
        try:
            self._places.pop()
        except IndexError:
            return False
        return True

    def leave(self) -> None:
        """Give the place back."""
        self._places.append(None)
