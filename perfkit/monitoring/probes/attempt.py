"""One run of a probe, and what came of it."""

from dataclasses import dataclass
from typing import Literal, Protocol

Reason = Literal["connection", "status", "body", "protocol", "tool", "exit", "error", "timeout"]
"""Why a run failed: nobody answered, the HTTP status or body was not the wanted one, the answer was
none of MCP, the tool said it failed, the command's exit code, the callable raised, time ran out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long a run took, and why it failed; no reason where it did not."""

    seconds: float
    reason: Reason | None = None
    detail: str = ""


class ProbeFailedError(Exception):
    """What was looked at does not do its work."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class Attempt(Protocol):
    """One kind of looking. It is run by one thread at a time, and ended by another."""

    def __call__(self) -> float | None:
        """Look once; return the seconds that it took where the caller cannot know them.

        Raises:
            ProbeFailedError: it does not answer as it should.
        """
        ...

    def stop(self) -> None:
        """End a run that goes on, from another thread; whether it obeys is not known."""
        ...
