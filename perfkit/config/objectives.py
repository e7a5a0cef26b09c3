"""Service level objectives: what share of calls has to be good."""

from typing import Literal

from pydantic import field_validator

from perfkit.config.fields import PositiveDuration, Ratio, Text
from perfkit.config.section import Section

DAY_SECONDS = 86400.0


class Objective(Section):
    """A share of calls that has to be good over a rolling window."""

    name: Text
    """What the objective is called in reports, rules and dashboards; unique."""
    component: Text
    """The component whose calls count."""
    call: Text | None = None
    """Only calls of this name; all of the component by default."""
    target: Ratio
    """Share of calls that has to be good, above 0% and below 100%: 100% leaves no error budget."""
    within: PositiveDuration | None = None
    """A good call also ends within this time; left out, every call that did its work is good."""
    degraded: Literal["bad", "good"] = "bad"
    """Whether a degraded answer, such as a stale or a shortened one, is good."""
    window: PositiveDuration = 30 * DAY_SECONDS
    """How far back calls count."""
    why: str = ""
    """Where the objective comes from."""

    @field_validator("target")
    @classmethod
    def _leaves_a_budget(cls, target: float) -> float:
        if not 0 < target < 1:
            message = f"found {target * 100:g}%, wanted more than 0% and less than 100%"
            raise ValueError(message)
        return target
