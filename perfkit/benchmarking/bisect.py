"""The search for the first bad commit: pure, with the measuring as an argument."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Probe(StrEnum):
    """What measuring one commit against the good end said about it."""

    GOOD = "good"
    BAD = "bad"
    UNBUILDABLE = "does not build"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """How far the search came.

    ``suspects`` are the commits one of which is the first bad one, oldest first: exactly one when
    the search succeeded. All but the last of several could not be judged. ``probed`` holds what
    was measured, in order.
    """

    suspects: tuple[str, ...]
    probed: tuple[tuple[str, Probe], ...]

    @property
    def found(self) -> bool:
        """Whether a single commit is left."""
        return len(self.suspects) == 1


def search(
    commits: Sequence[str],
    probe: Callable[[str], Probe],
    *,
    on_probe: Callable[[str, int], None],
) -> Narrowed:
    """Return the first bad commit of ``commits``, or the few among which it must be.

    ``commits`` are in order, the first one after the good end first, the known bad end last. A
    commit that does not build or cannot be decided is passed over: its nearest neighbours, first
    towards the middle of what is left, are probed instead. ``on_probe`` is told each commit
    before it is measured, and how many are still suspect.
    """
    low, high = 0, len(commits) - 1  # commits[high] is bad, everything before low is good
    unusable: set[int] = set()
    probed: list[tuple[str, Probe]] = []
    while low < high:
        middle = _nearest((low + high - 1) // 2, low, high, unusable)
        if middle is None:
            break
        on_probe(commits[middle], high - low + 1)
        answer = probe(commits[middle])
        probed.append((commits[middle], answer))
        match answer:
            case Probe.GOOD:
                low = middle + 1
            case Probe.BAD:
                high = middle
            case Probe.UNBUILDABLE | Probe.UNDECIDED:
                unusable.add(middle)
    return Narrowed(suspects=tuple(commits[low : high + 1]), probed=tuple(probed))


def _nearest(wanted: int, low: int, high: int, unusable: set[int]) -> int | None:
    """Return the usable index in [low, high) closest to ``wanted``; None when there is none."""
    usable = [index for index in range(low, high) if index not in unusable]
    return min(usable, key=lambda index: (abs(index - wanted), index), default=None)
