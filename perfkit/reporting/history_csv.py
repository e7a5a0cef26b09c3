"""The points of a history as CSV, one row per point, for spreadsheets and data frames."""

import csv
import io
import math

from perfkit.reporting.history_text import day
from perfkit.stats.history import History

HEADER = ("group", "series", "unit", "commit", "date", "value")


def history_csv(history: History) -> str:
    """Return every point with a value, with a header line; values in the base unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for trend in history.trends:
        one = trend.series
        for label, value in zip(one.labels, one.values, strict=True):
            if math.isfinite(value):
                commit = history.commits.get(label)
                date = day(commit.date) if commit else ""
                writer.writerow((one.group, one.name, str(one.unit), label, date, repr(value)))
    return text.getvalue()
