"""Looking by a Python callable, in a process of its own: one that hangs can be ended."""

import json
import os
import sys
from typing import get_args

from perfkit.monitoring.probes.attempt import ProbeFailedError, Reason
from perfkit.monitoring.probes.command import CommandAttempt


class FunctionAttempt:
    """Calls ``pkg.mod:function`` without arguments; raising, or returning False, is a failure."""

    def __init__(self, name: str, *, timeout: float) -> None:
        self._name = name
        self._timeout = timeout
        self._command: CommandAttempt | None = None

    def __call__(self) -> float:
        """Return the seconds of the call alone: no start of an interpreter is in them.

        Raises:
            ProbeFailedError: it cannot be imported, failed, or took too long.
        """
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as said:
            try:
                self._command = CommandAttempt(
                    [sys.executable, "-m", _CHILD, str(writing), self._name], timeout=self._timeout
                )
                code = self._command.run(pass_fds=[writing])
            finally:
                os.close(writing)
            # Nobody else holds the other end any more: the process group is ended.
            text = said.read(MOST_SAID)
        try:
            found = json.loads(text)
            reason, detail, seconds = found["reason"], str(found["detail"]), float(found["seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProbeFailedError("error", f"its process ended with {code}") from error
        if reason is None:
            return seconds
        if reason not in get_args(Reason):
            reason = "error"
        raise ProbeFailedError(reason, detail)

    def stop(self) -> None:
        """End its process."""
        if self._command is not None:
            self._command.stop()


MOST_SAID = 4096
_CHILD = "perfkit.monitoring.probes.child"
