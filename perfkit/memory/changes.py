"""Peak memory of two sides, function by function."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from perfkit.model import AllocationChange, PeakMemory

SMALLEST_BYTES = 1024.0
"""Changes below this are left out: a dict's first resize is of that size."""


def allocation_changes(
    base: Sequence[PeakMemory], head: Sequence[PeakMemory]
) -> tuple[AllocationChange, ...]:
    """Return the functions whose live bytes at the peak changed, the largest change first.

    Functions are matched by name and by the file's place, so that one that moved in its file is
    the same. A function that a side has not counts as 0 bytes there.
    """
    sides = [[_by_function(one) for one in peaks] for peaks in (base, head)]
    names = {key for side in sides for session in side for key in session}
    places = {
        _key(one.function, one.place): one.place
        for peaks in (base, head)
        for peak in peaks
        for one in peak.allocators
    }
    found = []
    for name in names:
        before, after = ([session.get(name, 0) for session in side] for side in sides)
        change = AllocationChange(
            function=name[0],
            place=places[name],
            before=statistics.median(before),
            after=statistics.median(after),
            before_range=(min(before), max(before)),
            after_range=(min(after), max(after)),
        )
        if abs(change.after - change.before) >= SMALLEST_BYTES:
            found.append(change)
    return tuple(sorted(found, key=lambda one: (-abs(one.after - one.before), one.function)))


def _by_function(peak: PeakMemory) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for one in peak.allocators:
        key = _key(one.function, one.place)
        found[key] = found.get(key, 0) + one.bytes
    return found


def _key(function: str, place: str) -> tuple[str, str]:
    return function, str(PurePath(place.rpartition(":")[0] or place))
