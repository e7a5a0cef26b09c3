"""A history as one HTML file that works offline: every series as a plot to zoom into."""

import base64
import json
from array import array
from importlib.resources import files
from typing import Any

from perfkit.reporting.history_text import day
from perfkit.stats.history import History, Trend

DATA_MARK = "@DATA@"

LARGEST = 3e38
"""Values are stored as 32 bit floats, which have seven digits and end here."""


def history_html(history: History) -> str:
    """Return the page: data, styles and program in it, and not a single request to elsewhere.

    The series with changes come first, each machine's together.
    """
    values = {
        "points": [
            [label, day(commit.date) if commit else "", commit.subject if commit else ""]
            for label in history.labels
            for commit in [history.commits.get(label)]
        ],
        "series": [_series(trend) for trend in history.trends],
        "events": [
            {
                "outlook": str(history.outlook(event)),
                "first": event.first,
                "series": [
                    [*member.benchmark, member.change.ratio and member.change.ratio.estimate]
                    for member in event.members
                ],
            }
            for event in history.events
        ],
        "notes": list(history.notes),
    }
    # In a script element only "<" could end the data.
    data = json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = (files("perfkit.reporting") / "templates" / "history.html").read_text(encoding="utf-8")
    return page.replace(DATA_MARK, data)


def _series(trend: Trend) -> dict[str, Any]:
    one = trend.series
    numbers = array("f", [value if abs(value) < LARGEST else float("nan") for value in one.values])
    return {
        "group": one.group,
        "name": one.name,
        "unit": str(one.unit),
        "better": one.better,
        "values": base64.b64encode(numbers.tobytes()).decode("ascii"),
        "changes": [
            {
                "kind": found.kind,
                "index": found.index,
                "end": found.end,
                "before": found.before,
                "after": found.after,
                "ratio": found.ratio
                and [_finite(found.ratio.low), found.ratio.estimate, _finite(found.ratio.high)],
            }
            for found in trend.analysis.change_points
        ],
        "notes": [*trend.analysis.notes, *one.notes],
    }


def _finite(bound: float) -> float | None:
    return bound if abs(bound) < LARGEST else None
