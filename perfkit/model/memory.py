"""What one call of a target held at its peak."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocator:
    """One Python function whose allocations were live at the peak.

    ``place`` is ``file:line`` of its line with the most bytes; ``blocks`` counts allocations.
    """

    function: str
    place: str
    file: str
    bytes: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMemory:
    """The heap of one call at its peak, in bytes over what was live before the call."""

    target: str
    peak_bytes: int
    allocators: tuple[Allocator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationChange:
    """One function's live bytes at the peak on two sides: medians, with least and most."""

    function: str
    place: str
    before: float
    after: float
    before_range: tuple[float, float]
    after_range: tuple[float, float]

    @property
    def apart(self) -> bool:
        """Whether no session of one side reaches those of the other."""
        return (
            self.before_range[1] < self.after_range[0] or self.after_range[1] < self.before_range[0]
        )
