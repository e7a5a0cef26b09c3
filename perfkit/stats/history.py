"""Series and what happened in them: the value behind ``perfkit history``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from perfkit.model import Commit, Series
from perfkit.stats.change_points import ChangePoint, SeriesAnalysis, analyze_many
from perfkit.stats.events import Event, group_events
from perfkit.stats.suspects import Suspect, suspects

SeriesName = tuple[str, str]
"""Group and name of a series, which together are unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One series with its change points, and its newest points where they look like a change."""

    series: Series
    analysis: SeriesAnalysis
    suspects: tuple[Suspect, ...]


class Outlook(StrEnum):
    """What an event means today."""

    REGRESSION = "regression"
    """A step to the worse that still stands, for one of its series at least."""
    IMPROVEMENT = "improvement"
    WENT_AWAY = "went away"
    """A later step took at least half of it back."""
    DRIFT = "drift"
    """Slow; reported and never an alarm."""


@dataclass(frozen=True, kw_only=True)
class History:
    """All trends, and the events that explain changes of several series at once.

    ``commits`` says more about the points, by label; empty for files. ``notes`` say what the
    reader must know about the whole.
    """

    trends: tuple[Trend, ...]
    events: tuple[Event[SeriesName], ...]
    commits: Mapping[str, Commit] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The points that all series share."""
        return self.trends[0].series.labels if self.trends else ()

    @cached_property
    def by_name(self) -> Mapping[SeriesName, Series]:
        """Every series by the name that events use."""
        return {(trend.series.group, trend.series.name): trend.series for trend in self.trends}

    def outlook(self, event: Event[SeriesName]) -> Outlook:
        """Return what ``event`` means today."""
        if event.kind == "drift":
            return Outlook.DRIFT
        standing = [member for member in event.members if member.went_away is None]
        if not standing:
            return Outlook.WENT_AWAY
        if any(is_worse(member.change, self.by_name[member.benchmark]) for member in standing):
            return Outlook.REGRESSION
        return Outlook.IMPROVEMENT

    def since(self, first: int) -> "History":
        """Return the same trends with the events that happened at ``first`` or later."""
        return replace(self, events=tuple(one for one in self.events if one.last >= first))


def is_worse(change: ChangePoint, series: Series) -> bool:
    """Whether the level after ``change`` is worse than the one before."""
    return (change.after > change.before) == (series.better == "lower")


def history_of(series: Sequence[Series], *, alpha: float, min_effect: float) -> History:
    """Analyse every series and group the changes.

    All series share their labels, so that an index means the same commit in each of them.
    """
    analyses = analyze_many([one.values for one in series], alpha=alpha, min_effect=min_effect)
    trends = tuple(
        Trend(
            series=one,
            analysis=analysis,
            suspects=tuple(suspects(one.values, alpha=alpha, min_effect=min_effect)),
        )
        for one, analysis in zip(series, analyses, strict=True)
    )
    by_name = {(one.group, one.name): one for one in series}
    events = group_events(
        {(trend.series.group, trend.series.name): trend.analysis.change_points for trend in trends},
        is_worse=lambda name, change: is_worse(change, by_name[name]),
    )
    return History(trends=trends, events=tuple(events))
