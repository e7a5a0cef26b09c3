"""Series and what happened in them: the value behind ``perfkit history``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perfkit.model import Series
from perfkit.stats.change_points import SeriesAnalysis, analyze_many
from perfkit.stats.events import Event, group_events
from perfkit.stats.suspects import Suspect, suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One series with its change points, and its newest points where they look like a change."""

    series: Series
    analysis: SeriesAnalysis
    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All trends, and the events that explain changes of several series at once.

    ``subjects`` says more about the points that an event names, by label: the first line of a
    commit's message. Empty for files.
    """

    trends: tuple[Trend, ...]
    events: tuple[Event[tuple[str, str]], ...]
    subjects: dict[str, str]


def history_of(
    series: Sequence[Series],
    *,
    alpha: float,
    min_effect: float,
    subject_of: Callable[[str], str] = lambda _: "",
) -> History:
    """Analyse every series and group the changes; members are keyed by (group, name).

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
    events = group_events(
        {(trend.series.group, trend.series.name): trend.analysis.change_points for trend in trends}
    )
    labels = series[0].labels if series else ()
    named = {labels[event.first] for event in events}
    return History(
        trends=trends,
        events=tuple(events),
        subjects={label: subject for label in named if (subject := subject_of(label))},
    )
