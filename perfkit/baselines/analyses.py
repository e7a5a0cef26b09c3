"""Analyses kept beside the index: asking again about the same numbers costs nothing."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perfkit import stats
from perfkit.baselines import asv_json
from perfkit.baselines.index import FOLDER, replace_file
from perfkit.model import Interval, Series
from perfkit.stats import ChangePoint, Event, Member, SeriesAnalysis, Suspect
from perfkit.stats.history import History, Trend, history_of

log = logging.getLogger("perfkit.baselines")

KEPT = 8
"""Histories kept, the newest: one per choice of benchmarks and options in use."""


def kept_history(
    folder: Path, series: Sequence[Series], *, alpha: float, min_effect: float
) -> History:
    """Return :func:`perfkit.stats.history.history_of`, from the index of ``folder`` where it is.

    It is found by a digest of every value, the options and the sources of the statistics, so that
    another version of perfkit analyses anew.
    """
    place = folder / FOLDER
    path = place / f"{_digest(series, alpha, min_effect)}.history"
    try:
        found = _read(asv_json.parse(path.read_bytes()), series)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, LookupError) as error:
        log.info("%s: ignored, the series are analysed anew: %s", path, error)
    else:
        return found
    history = history_of(series, alpha=alpha, min_effect=min_effect)
    try:
        replace_file(path, json.dumps(_values(history)).encode())
        for old in sorted(place.glob("*.history"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.info("%s: not written: %s", path, error.strerror)
    return history


def _digest(series: Sequence[Series], alpha: float, min_effect: float) -> str:
    digest = hashlib.sha256(f"{alpha!r} {min_effect!r} {np.__version__}".encode())
    for source in sorted(Path(stats.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for one in series:
        digest.update(f"\0{one.group}\0{one.name}\0{one.better}\0{len(one.values)}\0".encode())
        digest.update(np.array(one.values).tobytes())
    return digest.hexdigest()[:32]


def _values(history: History) -> dict[str, Any]:
    position = {
        (trend.series.group, trend.series.name): index for index, trend in enumerate(history.trends)
    }
    return {
        "trends": [
            (
                dataclasses.asdict(trend.analysis),
                [dataclasses.asdict(one) for one in trend.suspects],
            )
            for trend in history.trends
        ],
        "events": [
            {
                "kind": event.kind,
                "first": event.first,
                "last": event.last,
                "members": [
                    (
                        position[member.benchmark],
                        history.trends[position[member.benchmark]].analysis.change_points.index(
                            member.change
                        ),
                        member.p_adjusted,
                        member.went_away,
                    )
                    for member in event.members
                ],
            }
            for event in history.events
        ],
    }


def _read(values: Mapping[str, Any], series: Sequence[Series]) -> History:
    trends = tuple(
        Trend(
            series=one,
            analysis=SeriesAnalysis(
                **{
                    **analysis,
                    "change_points": tuple(map(_change_point, analysis["change_points"])),
                    "notes": tuple(analysis["notes"]),
                }
            ),
            suspects=tuple(Suspect(**suspect) for suspect in suspects),
        )
        for one, (analysis, suspects) in zip(series, values["trends"], strict=True)
    )
    events = tuple(
        Event(
            kind=event["kind"],
            first=event["first"],
            last=event["last"],
            members=tuple(
                Member(
                    benchmark=(series[index].group, series[index].name),
                    change=trends[index].analysis.change_points[change],
                    p_adjusted=p_adjusted,
                    went_away=went_away,
                )
                for index, change, p_adjusted, went_away in event["members"]
            ),
        )
        for event in values["events"]
    )
    return History(trends=trends, events=events)


def _change_point(values: Mapping[str, Any]) -> ChangePoint:
    ratio = values["ratio"]
    return ChangePoint(**{**values, "ratio": None if ratio is None else Interval(**ratio)})
