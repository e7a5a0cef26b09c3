"""The answer for one row or for a whole report; the word beside the exit code."""

from enum import StrEnum
from typing import assert_never

from perfkit.errors import ExitCode


class Status(StrEnum):
    """What a row or a report comes to."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    """The measurement failed; nothing was decided."""

    def exit_code(self, *, strict: bool = False, interrupted: bool = False) -> ExitCode:
        """Return the code of a verb that came to this; ``strict`` lets what is open fail.

        >>> Status.INCONCLUSIVE.exit_code(strict=True)
        <ExitCode.INCONCLUSIVE: 3>
        """
        if interrupted:
            return ExitCode.INTERRUPTED
        match self:
            case Status.PASSED:
                return ExitCode.PASSED
            case Status.FAILED:
                return ExitCode.FAILED
            case Status.INCONCLUSIVE:
                return ExitCode.INCONCLUSIVE if strict else ExitCode.PASSED
            case Status.ERROR:
                return ExitCode.MEASUREMENT
            case _:
                assert_never(self)
