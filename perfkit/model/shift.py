"""The four answers of a comparison, and the evidence that travels with them."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal


class Verdict(StrEnum):
    """What is known about one benchmark after a comparison. Never a bool."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    """Affirmative: the whole interval lies inside the band of the floor."""
    INCONCLUSIVE = "inconclusive"
    DIFFERENT_WORK = "different work"
    """The benchmark's declared outcome moved, so its time says nothing."""
    FAILED = "failed"
    """Crashed, timed out, or gave an invalid value."""
    MISSING = "missing"
    """Known on the base side, not answered for on the head side."""
    NEW = "new"
    """Only on the head side."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval ``low <= estimate <= high`` at ``confidence`` in (0, 1).

    Bounds may be infinite (nothing is known on that side), never NaN.
    """

    # JSON has no infinities; pydantic reads this where a report is written or read.
    __pydantic_config__: ClassVar = {"ser_json_inf_nan": "strings"}

    low: float
    estimate: float
    high: float
    confidence: float

    def __post_init__(self) -> None:
        if any(math.isnan(value) for value in (self.low, self.estimate, self.high)):
            message = f"an interval cannot hold NaN: {self.low}, {self.estimate}, {self.high}"
            raise ValueError(message)
        if not self.low <= self.estimate <= self.high:
            message = f"interval out of order: {self.low} <= {self.estimate} <= {self.high}"
            raise ValueError(message)
        if not 0 < self.confidence < 1:
            message = f"confidence must lie in (0, 1), found {self.confidence}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far head lies from base, with everything needed to believe it.

    ``ratio`` is head / base (dimensionless; above 1 means a larger value, which is worse where
    lower is better). ``floor`` is the relative effect below which a change is not reported, for
    example 0.05. ``smallest_visible_effect`` is the relative effect this data could have shown,
    ``rounds_needed`` the rounds per side that would decide (None: unknown or already decided).
    ``suspected`` is REGRESSED or IMPROVED where an INCONCLUSIVE shift has too few rounds to be
    judged, but looks like that: reason enough to measure again, no verdict.
    """

    __pydantic_config__: ClassVar = {"ser_json_inf_nan": "strings"}

    verdict: Verdict
    ratio: Interval
    p_value: float
    floor: float
    n_base: int
    n_head: int
    design: Literal["interleaved", "sequential", "exact"]
    scale: Literal["log", "linear"] = "log"
    smallest_visible_effect: float | None = None
    rounds_needed: int | None = None
    suspected: Verdict | None = None
    notes: tuple[str, ...] = ()

    @property
    def apparent(self) -> Verdict:
        """The verdict, or what it looks like where there is none yet."""
        return self.suspected or self.verdict
