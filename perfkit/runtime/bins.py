"""Durations counted in log-linear bins: 32 of equal width in every power of two.

A duration is a whole number of nanoseconds. Below 64 ns every value has a bin of its own; above,
a bin is 1/32 to 1/64 of its values wide. A quantile is therefore known to within 3.125 %, from
nanoseconds to centuries, in some hundred counts, and two sets of bins add up without any loss.
"""

import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Self

SUB_BITS = 5
"""2**5 bins in every power of two: no bin is wider than 1/32 of its lowest value."""

_EXACT = 2 ** (SUB_BITS + 1)
_COUNTS = {1: "H", 2: "I", 3: "Q"}
"""Format -> type of a count, as struct names it; a bin is always an H."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bin that a quantile fell into; the true value lies within, both ends included."""

    low_ns: int
    high_ns: int

    @property
    def middle_ns(self) -> float:
        """The value in the middle, at most 1.6 % away from the true one."""
        return (self.low_ns + self.high_ns) / 2


def bin_of(nanoseconds: int) -> int:
    """Return the number of the bin that holds a duration; a negative one counts as 0."""
    if nanoseconds < _EXACT:
        return max(nanoseconds, 0)
    shift = nanoseconds.bit_length() - SUB_BITS - 1
    return (shift << SUB_BITS) + (nanoseconds >> shift)


def bounds_of(number: int) -> Bounds:
    """Return the lowest and the highest duration of a bin, the inverse of :func:`bin_of`."""
    if number < _EXACT:
        return Bounds(number, number)
    shift = (number >> SUB_BITS) - 1
    low = (number - (shift << SUB_BITS)) << shift
    return Bounds(low, low + (1 << shift) - 1)


class Bins:
    """How many durations fell into each bin. Equal bins compare equal; not thread-safe."""

    __slots__ = ("_counts",)

    def __init__(self, durations_ns: Iterable[int] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.add_all(durations_ns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bins) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # bins change

    def __repr__(self) -> str:
        return f"Bins({self.count} durations in {len(self._counts)} bins)"

    @property
    def count(self) -> int:
        """The number of durations in all bins."""
        return sum(self._counts.values())

    @property
    def counts(self) -> dict[int, int]:
        """Bin number -> durations in it, in ascending order, empty bins left out."""
        return dict(sorted(self._counts.items()))

    def add(self, nanoseconds: int, times: int = 1) -> None:
        """Count a duration."""
        number = bin_of(nanoseconds)
        self._counts[number] = self._counts.get(number, 0) + times

    def add_all(self, durations_ns: Iterable[int]) -> None:
        """Count many durations; quick where few distinct values are among them."""
        for nanoseconds, times in Counter(durations_ns).items():
            self.add(nanoseconds, times)

    def merge(self, other: "Bins") -> None:
        """Add what another one counted."""
        counts = self._counts
        for number, times in other._counts.items():  # noqa: SLF001  # unsorted, of the same class
            counts[number] = counts.get(number, 0) + times

    def quantile(self, q: float) -> Bounds | None:
        """Return the bin of the nearest-rank quantile, ``0 <= q <= 1``; None where nothing is.

        Raises:
            ValueError: ``q`` is no share.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        rank = max(1, ceil(q * self.count))
        seen = 0
        for number, times in self.counts.items():
            seen += times
            if seen >= rank:
                return bounds_of(number)
        return None

    def above(self, nanoseconds: int) -> int:
        """Return how many durations lie in bins above that of ``nanoseconds``."""
        limit = bin_of(nanoseconds)
        return sum(times for number, times in self._counts.items() if number > limit)

    def to_bytes(self) -> bytes:
        """Return the counts as bytes: a format number, the bins, then their counts, little-endian.

        A bin takes two bytes, a count two, four or eight, as the largest needs.
        """
        counts = self.counts
        most = max(counts.values(), default=0)
        kind = next(
            kind for kind, code in _COUNTS.items() if most < 256 ** struct.calcsize(f"<{code}")
        )
        packed = struct.pack(_layout(kind, len(counts)), *counts, *counts.values())
        return bytes([kind]) + packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the bins of :meth:`to_bytes`.

        Raises:
            ValueError: the bytes are not whole, or of another format.
        """
        if (wrong := damage(data)) is not None:
            raise ValueError(wrong)
        kind = data[0]
        number = (len(data) - 1) // _BYTES[kind]
        values = struct.unpack_from(_layout(kind, number), data, 1)
        bins = cls()
        bins._counts = dict(zip(values[:number], values[number:], strict=True))
        return bins


def _layout(kind: int, number: int) -> str:
    return f"<{number}H{number}{_COUNTS[kind]}"


_BYTES = {kind: struct.calcsize(_layout(kind, 1)) for kind in _COUNTS}
"""Format -> bytes of a bin with its count."""


def damage(data: object) -> str | None:
    """Return why bytes are not those of :meth:`Bins.to_bytes`; None where they are whole."""
    if not isinstance(data, bytes):
        return f"bins that are no bytes, but {type(data).__name__}"
    kind = data[0] if data else 0
    if kind not in _BYTES:
        return f"bins of format {kind}, this reads {list(_BYTES)}"
    if (len(data) - 1) % _BYTES[kind]:
        return f"bins that end within a count: {len(data)} bytes"
    return None
