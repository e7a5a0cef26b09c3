"""A report as the JSON that shields.io makes a badge of (its "endpoint" badge)."""

import json

from perfkit.model import Report, Status
from perfkit.reporting.headline import counts

COLOUR = {
    Status.PASSED: "brightgreen",
    Status.FAILED: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.ERROR: "lightgrey",
}
"""Grey where there is no verdict: nothing that was not measured looks green."""


def report_badge(report: Report) -> str:
    """Return the document: the gravest count as the message, in the colour of the status."""
    found = counts(report)
    message = next((f"{count} {verdict}" for verdict, count in found.items()), str(report.status))
    whole = {row.status for row in report.comparisons}
    if report.interrupted:
        message = "interrupted"
    elif report.status not in whole:
        # The verdict comes from budgets, leak checks or waivers.
        message = str(report.status)
    values = {
        "schemaVersion": 1,
        "label": "performance",
        "message": message,
        "color": COLOUR[Status.ERROR if report.interrupted else report.status],
    }
    return json.dumps(values) + "\n"
