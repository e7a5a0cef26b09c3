"""Every request of a load as CSV, so that anyone can compute other figures."""

import csv
import io

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
