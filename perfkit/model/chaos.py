"""What an experiment with faults found."""

from dataclasses import dataclass

from perfkit.model.load import LoadResult
from perfkit.model.shift import Interval
from perfkit.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEffect:
    """One fault and what clients saw of it; seconds from its begin, None where nothing failed."""

    fault: str
    at: float
    lasted: float
    failed: int
    """Requests that failed from its begin until the next fault began."""
    detected_after: float | None
    """Until the first of them failed: a client's time to detect."""
    recovered_after: float | None
    """Until the last of them failed: a client's time to recover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosResult:
    """The load before, with the faults, and after; later ones are None where it ended earlier."""

    name: str
    before: LoadResult
    meanwhile: LoadResult | None
    after: LoadResult | None
    availability: Interval | None
    """Share of the requests of the method that did not fail, with its interval."""
    effects: tuple[FaultEffect, ...]
    status: Status
    reason: str
    interrupted: bool = False
