"""Every request of a load as CSV, so that anyone can compute other figures."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from perfkit.reliability.arrivals import Floats, Stage
from perfkit.reliability.record import LoadRecord, Outcome

COLUMNS = ("stage", "due_s", "sent_s", "done_s", "latency_s", "service_s", "outcome")


def samples_csv(record: LoadRecord) -> str:
    """Return a line for each request that was due; seconds, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    names = [stage.name for stage in record.stages]
    columns = (record.due, record.sent, record.done, record.latency, record.service)
    for stage, outcome, *times in zip(record.stage, record.outcome, *columns, strict=True):
        if outcome != Outcome.UNSENT:
            # NaN is the only number that differs from itself.
            numbers = ["" if one != one else f"{one:.9f}" for one in times]  # noqa: PLR0124
            writer.writerow([names[stage], *numbers, Outcome(outcome).name.lower()])
    return text.getvalue()


def read_samples(text: str, stages: Sequence[Stage], errors: Mapping[str, int]) -> LoadRecord:
    """Return the record that :func:`samples_csv` wrote, of a load with these ``stages``.

    When a failed request ended is not in the text: it is taken to be when it was due.

    Raises:
        ValueError: it is not such a text.
        KeyError: a column or a stage is another one.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    at = {stage.name: index for index, stage in enumerate(stages)}

    def column(name: str) -> Floats:
        return np.array([float(row[name]) if row[name] else np.nan for row in rows])

    due, done = column("due_s"), column("done_s")
    ended = np.where(np.isfinite(done), done, due)
    return LoadRecord(
        due=due,
        sent=column("sent_s"),
        done=done,
        ended=ended,
        outcome=np.array([Outcome[row["outcome"].upper()] for row in rows], dtype=np.int8),
        stage=np.array([at[row["stage"]] for row in rows], dtype=np.int64),
        stages=tuple(stages),
        errors=errors,
        seconds=float(ended.max(initial=0.0)),
        cpu_seconds=0.0,
    )
