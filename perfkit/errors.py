"""The exit codes of every verb, and the errors that lead to them.

An error's message is one sentence for the person at the terminal: the place, what was found,
what was wanted, and what to do. Only the rim (:mod:`perfkit.__main__`) turns an error into
output and a code.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a perfkit process says with its exit status; the same for every verb."""

    PASSED = 0
    """Done; every gate passed."""
    FAILED = 1
    """A gate failed: regression, leak, budget or objective exceeded."""
    USAGE = 2
    """Usage or configuration error."""
    INCONCLUSIVE = 3
    """The measurement could not decide, and ``--strict`` was given."""
    MEASUREMENT = 4
    """The measurement failed: crashed target, missing benchmark, nothing measured."""
    INTERNAL = 70
    """perfkit itself failed (a bug); EX_SOFTWARE of sysexits.h."""
    INTERRUPTED = 130
    """Interrupted; what was measured so far is saved. 128 + SIGINT, as shells count."""


class PerfkitError(Exception):
    """Base of every error that perfkit raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.MEASUREMENT


class UsageError(PerfkitError):
    """The command line, or what it names, cannot be used as given."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class ConfigError(UsageError):
    """A configuration file cannot be used; the message starts with file:line:column."""


class MeasurementError(PerfkitError):
    """Something that had to be measured could not be."""

    exit_code: ClassVar[ExitCode] = ExitCode.MEASUREMENT


class OutOfTimeError(MeasurementError):
    """The target did not end within the time it was given."""


class PostingError(PerfkitError):
    """A comment or a check run could not be written; the message names what to change.

    It is told as a warning beside the verdict: what GitHub or GitLab answers says nothing about
    performance.
    """


class InterruptedMeasurementError(PerfkitError):
    """The user interrupted; the message says what was kept."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED
