"""Bins of many intervals added up at once: a frame of a dashboard reads thousands.

The same figures as merging :class:`perfkit.runtime.bins.Bins` one by one, some ten times faster.
"""

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from perfkit.runtime.bins import Bounds, bounds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BINS: Final = 2048
"""Bins up to 2**63 nanoseconds have smaller numbers."""

_BYTES: Final = {1: 2, 2: 4, 3: 8}
"""Format of the bytes of bins -> bytes of a count; the number of a bin always takes two."""


class Decoded:
    """The bins of one interval: their numbers, and how many durations are in each."""

    __slots__ = ("counts", "numbers")

    def __init__(self, encoded: bytes) -> None:
        """Read what ``Bins.to_bytes`` wrote.

        Raises:
            ValueError: it is something else.
        """
        import numpy as np

        size = _BYTES.get(encoded[0] if encoded else 0)
        if size is None or (len(encoded) - 1) % (2 + size):
            message = f"bins of an unknown format, {len(encoded)} bytes"
            raise ValueError(message)
        number = (len(encoded) - 1) // (2 + size)
        self.numbers = np.frombuffer(encoded, "<u2", number, 1)
        self.counts = np.frombuffer(encoded, f"<u{size}", number, 1 + 2 * number)


class BinsSum:
    """A sum of bins; what is added is added up when it is asked for."""

    def __init__(self, parts: Iterable[Decoded] = ()) -> None:
        self._parts = list(parts)

    def add(self, one: Decoded) -> None:
        """Add the bins of an interval."""
        self._parts.append(one)

    def merge(self, other: "BinsSum") -> None:
        """Add those of another sum."""
        self._parts += other._parts  # noqa: SLF001  # of the same class

    def quantiles(self, *shares: float) -> list[Bounds]:
        """Return the bin of the nearest-rank quantile of each share; nothing without durations.

        Raises:
            ValueError: a bin has a number that none has.
        """
        totals = self._totals()
        seen = None if totals is None else totals.cumsum()
        if seen is None or not seen[-1]:
            return []
        ranks = [max(1, ceil(share * int(seen[-1]))) for share in shares]
        return [bounds_of(int(number)) for number in seen.searchsorted(ranks)]

    def _totals(self) -> "NDArray[Any] | None":
        """Durations of each bin; whole numbers up to 2**53 are exact."""
        import numpy as np

        if not self._parts:
            return None
        numbers = np.concatenate([one.numbers for one in self._parts])
        counts = np.concatenate([one.counts for one in self._parts])
        if numbers.size and int(numbers.max()) >= MOST_BINS:
            message = f"a bin of the number {numbers.max()}, which none has"
            raise ValueError(message)
        return np.bincount(numbers, weights=counts, minlength=MOST_BINS)
