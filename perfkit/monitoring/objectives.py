"""Error budgets and what can be said about an objective, from two counts.

The mathematics stands in docs/statistics/proportions.md. Nothing here knows where counts are from.
"""

from dataclasses import dataclass
from enum import StrEnum

from perfkit.errors import ExitCode, UsageError
from perfkit.model import Interval
from perfkit.stats.proportion import fewest_to_show, judge_share, share_interval
from perfkit.status import Status


class State(StrEnum):
    """The answer about one objective."""

    MET = "met"
    """Were the share of bad calls at its limit, so few of them would be a rare accident."""
    EXCEEDED = "exceeded"
    """Were the share of bad calls within its limit, so many of them would be a rare accident."""
    INCONCLUSIVE = "inconclusive"
    """The traffic is too small to tell."""
    NO_DATA = "no data"
    """No call was seen, which is no evidence of anything."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What two counts say about an objective."""

    state: State
    total: int
    """Calls in the window."""
    bad: int
    """Those that were not good."""
    target: float
    """Share of calls that has to be good, in (0, 1)."""
    good: Interval | None
    """Share of good calls, with Wilson's interval; None without calls."""
    budget: float
    """Bad calls that the target allows for this many calls; not rounded."""
    budget_left: float | None
    """Share of the budget that is left, below 0 where more was spent; None without calls."""
    burn: float | None
    """Bad calls relative to the allowed ones: 1 spends exactly the budget; None without calls."""
    needed: int
    """Calls without a bad one that it takes to show that this target is met."""


def assess(total: int, bad: int, target: float) -> Assessment:
    """Judge ``bad`` of ``total`` calls against a target, a share in (0, 1).

    Raises:
        UsageError: another target, a negative count, or more bad calls than calls.

    >>> assess(2994, 0, 0.999).state.value, assess(2995, 0, 0.999).state.value
    ('inconclusive', 'met')
    """
    needed = fewest_to_show(target)
    if not 0 < target < 1 or needed is None:
        raise UsageError(f"the target is {target}; wanted a share between 0 and 1, such as 0.999")
    if not 0 <= bad <= total:
        raise UsageError(f"found {bad} bad calls of {total}; wanted at least 0 and at most all")
    if total == 0:
        return Assessment(State.NO_DATA, 0, 0, target, None, 0.0, None, None, needed)
    share = bad / total
    allowed = 1 - target
    return Assessment(
        state=_STATES[judge_share(bad, total, target)],
        total=total,
        bad=bad,
        target=target,
        good=share_interval(bad, total),
        budget=allowed * total,
        budget_left=1 - share / allowed,
        burn=share / allowed,
        needed=needed,
    )


def exit_code(states: list[State], *, strict: bool) -> ExitCode:
    """The exit code of several objectives: the worst finding decides."""
    if State.EXCEEDED in states:
        return ExitCode.FAILED
    if State.NO_DATA in states or not states:
        return ExitCode.MEASUREMENT
    if strict and State.INCONCLUSIVE in states:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED


_STATES = {
    Status.PASSED: State.MET,
    Status.FAILED: State.EXCEEDED,
    Status.INCONCLUSIVE: State.INCONCLUSIVE,
}
