"""The answer for one row or for a whole report; the word beside the exit code."""

from enum import StrEnum


class Status(StrEnum):
    """What a row or a report comes to."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    """The measurement failed; nothing was decided."""
