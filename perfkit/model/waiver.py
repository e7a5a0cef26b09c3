"""What became of the exceptions that a configuration makes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from perfkit.status import Status


class WaiverState(StrEnum):
    """What became of a waiver or a quarantine in one report."""

    HOLDS = "holds"
    """It covers a measured benchmark, and nothing is beyond it."""
    EXPIRED = "expired"
    EXCEEDED = "exceeded"
    """A benchmark regressed beyond the ceiling."""
    UNMATCHED = "unmatched"
    """It covers no benchmark of the suite: a wrong name, or one that went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverResult:
    """A waiver or quarantine of the configuration, and whether it may stand.

    ``pattern`` and ``metric`` say what it is about (None: any metric), ``ceiling`` is a relative
    change, for a leak waiver bytes per iteration (None for a quarantine), ``expires`` an ISO date.
    ``reason`` and ``issue`` are the configuration's, ``found`` is one sentence on how the state was
    reached.
    """

    kind: Literal["waiver", "leak waiver", "quarantine"]
    pattern: str
    metric: str | None
    ceiling: float | None
    expires: str
    issue: str
    reason: str
    state: WaiverState
    found: str = ""

    @property
    def status(self) -> Status:
        """Failed unless it holds: an exception that nobody looks after hides what comes next."""
        return Status.PASSED if self.state is WaiverState.HOLDS else Status.FAILED
