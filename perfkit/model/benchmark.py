"""The identity of a benchmark."""

from dataclasses import dataclass

PEAK_MEMORY = ".peak_memory"
"""Ends the name of the memory that is recorded beside a time benchmark; asv knows no such name."""

ALLOCATIONS = ".allocations"
"""Ends the name of the allocations that are counted beside a time benchmark."""


@dataclass(frozen=True, slots=True, order=True)
class BenchmarkId:
    """One benchmark at one parameter combination, as asv names them.

    ``name`` is the dotted asv name (``suite.TimeCorrect.time_warm``); ``params`` are asv's
    own ``repr`` strings of the parameter values, empty for a benchmark without parameters.
    """

    name: str
    params: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return ``name`` or ``name(p1, p2)``, the form asv prints and users type."""
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(self.params)})"

    @property
    def peak_memory(self) -> "BenchmarkId":
        """The memory that is recorded beside this benchmark's time."""
        return BenchmarkId(self.name + PEAK_MEMORY, self.params)

    @property
    def allocations(self) -> "BenchmarkId":
        """The allocations that are counted beside this benchmark's time."""
        return BenchmarkId(self.name + ALLOCATIONS, self.params)

    @property
    def beside(self) -> "BenchmarkId | None":
        """The time benchmark beside which this is recorded; None for every other benchmark."""
        for suffix in (PEAK_MEMORY, ALLOCATIONS):
            if self.name.endswith(suffix):
                return BenchmarkId(self.name.removesuffix(suffix), self.params)
        return None
