"""What alert rules ask of telemetry, whoever keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Selector:
    """Calls of a component: of one name, or of all."""

    component: str
    call: str | None = None


class Outcome(NamedTuple):
    """A series of calls: their name and how they ended (ok, error, degraded)."""

    name: str
    outcome: str


class Telemetry(Protocol):
    """Rates and values over the window (seconds) that ends at a time (seconds since 1970).

    A series that does not exist, or has too few points to tell, is absent; it is not zero.
    """

    def calls(self, selector: Selector, window: float, at: float) -> Mapping[Outcome, float]:
        """Calls per second of each series."""
        ...

    def finished(self, selector: Selector, window: float, at: float) -> Mapping[str, float]:
        """Calls per second whose duration is known, by name."""
        ...

    def within(
        self, selector: Selector, limit: float, window: float, at: float
    ) -> Mapping[str, float]:
        """Calls per second that took at most ``limit`` seconds, by name."""
        ...

    def quality(self, component: str, name: str, window: float, at: float) -> float | None:
        """Mean of the quality values of the window."""
        ...

    def memory(
        self, component: str, window: float, at: float
    ) -> Sequence[Sequence[tuple[float, float]]]:
        """Resident memory of each process: (time, bytes), ascending in time."""
        ...
