"""Events: change points of many benchmarks that one commit explains."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from perfkit.errors import UsageError
from perfkit.stats.change_points import ChangePoint
from perfkit.stats.multiplicity import adjust

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Generic[Name]):
    """One benchmark's part in an event.

    ``p_adjusted`` is the benchmark's p-value after Benjamini-Hochberg over all benchmarks tested.
    ``went_away`` is the index of the later step that took at least half of the shift back, None
    while it stands.
    """

    benchmark: Name
    change: ChangePoint
    p_adjusted: float
    went_away: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[Name]):
    """Change points of one kind within a few commits of each other.

    ``first`` and ``last`` are the lowest and highest ``index`` of the members. Those that still
    stand come first, of these the ones to the worse, then by the size of their shift, largest
    first: the first one says what the event is. ``p_adjusted`` is the smallest of its members'.
    """

    kind: Literal["step", "drift"]
    first: int
    last: int
    members: tuple[Member[Name], ...]

    @property
    def p_adjusted(self) -> float:
        """The strongest member's adjusted p-value."""
        return min(member.p_adjusted for member in self.members)

    @property
    def went_away(self) -> bool:
        """Whether no member's shift still stands."""
        return all(member.went_away is not None for member in self.members)

    @property
    def is_alarm(self) -> bool:
        """Whether this is a step that still stands for at least one benchmark."""
        return self.kind == "step" and not self.went_away


def group_events(
    changes: Mapping[Name, Sequence[ChangePoint]],
    *,
    within: int = 2,
    false_discovery_rate: float = 0.05,
    is_worse: Callable[[Name, ChangePoint], bool] = lambda _, change: change.after > change.before,
) -> list[Event[Name]]:
    """Return the events of a suite, in order of commit.

    Args:
        changes: per benchmark its change points, indexed in one common order of commits (give
            gaps as NaN, not by leaving them out). Benchmarks without any change belong in too:
            they count for the multiplicity.
        within: the largest distance in commits between two members of one event.
        false_discovery_rate: the expected share of false benchmarks among those kept, in (0, 1].
            Each benchmark enters with the p-value of its strongest change, which already accounts
            for the search along the series; Benjamini and Hochberg (JRSS B 57, 1995).
        is_worse: whether a change of a benchmark is one to the worse, for the order of members;
            by default, whether it rises.

    Raises:
        UsageError: a parameter lies outside its range.
    """
    if within < 0:
        raise UsageError(f"within must be zero or more commits, found {within}: 2 is usual")
    if not 0 < false_discovery_rate <= 1:
        raise UsageError(
            f"false_discovery_rate must lie in (0, 1], found {false_discovery_rate}: 0.05 is usual"
        )
    adjusted = _adjusted(changes)
    members = [
        Member(
            benchmark=name,
            change=change,
            p_adjusted=adjusted[name],
            went_away=_reverted_at(change, found[place + 1 :]),
        )
        for name, found in changes.items()
        if adjusted[name] <= false_discovery_rate
        for place, change in enumerate(found)
    ]
    events = []
    for kind in ("step", "drift"):
        same = sorted(
            (member for member in members if member.change.kind == kind),
            key=lambda member: member.change.index,
        )
        events += [_event(kind, group, is_worse) for group in _close(same, within)]
    return sorted(events, key=lambda event: (event.first, event.kind == "drift"))


def _adjusted(changes: Mapping[Name, Sequence[ChangePoint]]) -> dict[Name, float]:
    """Return each benchmark's smallest p-value (1 without a change), adjusted over all."""
    smallest = [
        min((change.p_value for change in found), default=1.0) for found in changes.values()
    ]
    return dict(zip(changes, adjust(smallest), strict=True))


def _reverted_at(change: ChangePoint, later: Sequence[ChangePoint]) -> int | None:
    """Return where a later step brings the level back past the middle of ``change``."""
    middle = (
        math.sqrt(change.before * change.after)
        if change.scale == "log"
        else (change.before + change.after) / 2
    )
    for other in later:
        back = other.after < middle if change.after > change.before else other.after > middle
        if back:
            return other.index
    return None


def _close(members: list[Member[Name]], within: int) -> list[list[Member[Name]]]:
    """Cut members, sorted by index, into groups that span at most ``within`` commits."""
    groups: list[list[Member[Name]]] = []
    for member in members:
        if groups and member.change.index - groups[-1][0].change.index <= within:
            groups[-1].append(member)
        else:
            groups.append([member])
    return groups


def _event(
    kind: Literal["step", "drift"],
    group: list[Member[Name]],
    is_worse: Callable[[Name, ChangePoint], bool],
) -> Event[Name]:
    indices = [member.change.index for member in group]

    def weight(member: Member[Name]) -> tuple[bool, bool, float]:
        gone = member.went_away is not None
        return gone, not is_worse(member.benchmark, member.change), -_size(member.change)

    return Event(
        kind=kind, first=min(indices), last=max(indices), members=tuple(sorted(group, key=weight))
    )


def _size(change: ChangePoint) -> float:
    """Return the size of a shift for ordering: |log ratio|, infinite where there is no ratio."""
    if change.ratio is None or change.ratio.estimate <= 0:
        return math.inf
    return abs(math.log(change.ratio.estimate))
