"""What an experiment with faults found."""

from dataclasses import dataclass

from perfkit.model.load import LoadResult
from perfkit.model.shift import Interval
from perfkit.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEffect:
    """One fault and what clients saw of it; seconds from its begin."""

    fault: str
    at: float
    lasted: float
    hits: int
    """Requests, connections or calls that it hit; 1 for what is done to a process."""
    failed: int
    """Requests that failed from its begin until the next fault began."""
    degraded: int
    """Requests that got a degraded answer in that time."""
    detected_after: float | None
    """Until the first of both: a client's time to detect. None where every answer was real."""
    recovered_after: float | None
    """Until the last of both: a client's time to recover. None where every answer was real, and
    where no real one came after it before the next fault or the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosResult:
    """The load before, with the faults, and after; later ones are None where it ended earlier."""

    name: str
    before: LoadResult
    meanwhile: LoadResult | None
    after: LoadResult | None
    availability: Interval | None
    """Share of the method's requests that got the real answer, with its interval."""
    effects: tuple[FaultEffect, ...]
    status: Status
    reason: str
    interrupted: bool = False
