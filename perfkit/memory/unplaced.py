"""What the counts of a whole process say that no line of the target accounts for."""

from collections.abc import Mapping
from dataclasses import dataclass

from perfkit.memory.growth import Growth, Shape, growth, segment_minima
from perfkit.model import LeakState

LEAST_RESIDENT_RISE = 2**20
"""Rise of the resident size, over three quarters of a run, below which nothing is said of it:
Python takes memory from the system in arenas of this size."""

LEAST_BLOCK_BYTES = 16
"""What a block of Python's own allocator takes at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One run without memray, counted at marks as :class:`perfkit.memory.series.Recording` is.

    ``blocks`` are those of Python's own allocator. ``malloc_bytes`` and ``resident_bytes`` are None
    where the system or the allocator does not tell.
    """

    marks: tuple[int, ...]
    seconds_per_iteration: float
    blocks: tuple[int, ...]
    malloc_bytes: tuple[int, ...] | None
    resident_bytes: tuple[int, ...] | None

    @property
    def iterations(self) -> int:
        """How many calls the run made after its warm-up."""
        return self.marks[-1]


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Growth that the counts show: CLEAN where they show none above the ceiling."""

    state: LeakState
    bytes_per_iteration: float
    reason: str


def unplaced(totals: Totals, ceiling: float) -> Unplaced:
    """Return what the counts of a run show, the gravest first.

    Growth of a count is judged as that of a line is: see :mod:`perfkit.memory.growth`.
    """
    n = totals.iterations
    blocks = growth(totals.marks, totals.blocks)
    malloc = _growth(totals.marks, totals.malloc_bytes)
    resident = _growth(totals.marks, totals.resident_bytes)
    taken = malloc.per_iteration if _grows(malloc) else 0.0
    if _grows(blocks):
        taken += LEAST_BLOCK_BYTES * blocks.per_iteration
    if taken > ceiling:
        what = [
            *(["memory taken from malloc"] if _grows(malloc) else []),
            *(["blocks of Python's allocator"] if _grows(blocks) else []),
        ]
        if not (malloc.held or blocks.held):
            kept = max(found.pace for found in (malloc, blocks) if _grows(found))
            return Unplaced(
                LeakState.INCONCLUSIVE,
                taken,
                f"{' and '.join(what)} still grew at the end of {n} iterations without memray, at"
                f" {kept:.0%} of the slope before, and memray saw no line of it: look longer with"
                " --iterations",
            )
        return Unplaced(
            LeakState.NATIVE,
            taken,
            f"{' and '.join(what)} grew at a held slope over {n} iterations without memray, and"
            " memray saw no line of it: compiled code keeps it",
        )
    rise = resident.per_iteration * n * 3 / 4
    if _grows(resident) and resident.per_iteration > ceiling and rise >= LEAST_RESIDENT_RISE:
        return Unplaced(
            LeakState.RSS_ONLY,
            resident.per_iteration,
            f"the resident size grew over {n} iterations without memray, but neither Python's nor"
            " malloc's count of what is in use did: fragmentation, or memory mapped past malloc",
        )
    return Unplaced(LeakState.CLEAN, 0.0, _steps(totals, malloc))


def _steps(totals: Totals, malloc: Growth) -> str:
    """Return what is said of memory that rose, though not from call to call."""
    if malloc.shape is not Shape.FILLING or totals.malloc_bytes is None:
        return ""
    minima = segment_minima(totals.marks, totals.malloc_bytes)
    risen = minima[-1] - minima[0]
    if risen < LEAST_RESIDENT_RISE:
        return ""
    return f"while memory taken from malloc rose by {risen / 2**20:.1f} MiB in a few steps"


def totals_from(answer: Mapping[str, object]) -> Totals:
    """Return the run that :func:`perfkit.memory.totals.measure` described."""
    series: Mapping[str, list[int]] = answer["series"]  # type: ignore[assignment]
    optional = {
        f"{name}_bytes": tuple(series[name]) if name in series else None
        for name in ("malloc", "resident")
    }
    return Totals(
        marks=tuple(answer["marks"]),  # type: ignore[arg-type]
        seconds_per_iteration=answer["seconds_per_iteration"],  # type: ignore[arg-type]
        blocks=tuple(series["blocks"]),
        **optional,
    )


def _growth(marks: tuple[int, ...], values: tuple[int, ...] | None) -> Growth:
    return growth(marks, values or (0,) * len(marks))


def _grows(found: Growth) -> bool:
    return found.shape is Shape.GROWING
