"""Which functions made a target slower, or faster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """One function whose cost differs between two sides.

    Its cost is the time in the function itself, in the compiled functions that it calls and in the
    libraries that it calls, since a library is not what the change can mend. ``base`` and ``head``
    are that cost per call in units of base's whole profiled time, so 1 is all of it. ``explained``
    is its part of the whole change, None where the whole did not become slower. ``p_adjusted`` is
    the chance of such a difference in any function if none differed.
    """

    function: str
    place: str
    """``file:line`` on head; on base where head has no such function."""
    base: float
    head: float
    explained: float | None
    p_adjusted: float
    significant: bool
    through: str = ""
    """The library function that most of the added time was seen in; empty for the own code."""
    former: str = ""
    """``file:line name`` on base, where it was called or stood otherwise; empty where not."""

    @property
    def change(self) -> float:
        """Head minus base."""
        return self.head - self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two sides of one target, each profiled several times.

    ``rows`` holds every function that could be tested, the most added time first; ``change`` is
    head's whole profiled time per call minus base's in units of base's; ``speed`` is what changed
    for all functions alike, head over base. ``base_seconds`` and ``head_seconds`` are medians per
    call without a profiler, None where only profiles were taken.
    """

    target: str
    base: str
    head: str
    sessions: tuple[int, int]
    samples: tuple[int, int]
    change: float
    speed: float
    relabellings: int
    rows: tuple[Culprit, ...]
    base_seconds: float | None = None
    head_seconds: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def slower(self) -> tuple[Culprit, ...]:
        """The functions that cost more for certain, the most added time first."""
        return tuple(row for row in self.rows if row.significant and row.change > 0)

    @property
    def culprits(self) -> tuple[Culprit, ...]:
        """:attr:`slower`; else the three that added most, none of them significant."""
        return self.slower or tuple(row for row in self.rows if row.change > 0)[:GUESSES]


GUESSES = 3
"""Functions that are shown where none is significant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceNode:
    """One call path on both sides; a tree is its nodes in pre-order.

    ``base`` and ``head`` are its cost per call with what it calls, in units of base's whole time.
    """

    depth: int
    function: str
    place: str
    base: float
    head: float
