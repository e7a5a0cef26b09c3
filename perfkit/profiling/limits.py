"""How often a target is called for one recording, and what its processes used of the processors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from perfkit.targets.ending import OutOfTime

if TYPE_CHECKING:
    from pyinstrument.session import Session

ENOUGH_SAMPLES = 1000
"""Samples at which ``--repeat auto`` stops: a share then has a standard error below 2 points."""


class Waits(Protocol):
    """The waits for samples of this thread; see :class:`~perfkit.profiling.dither.Dither`."""

    sampled: bool
    """Whether there was a sample since the last wait began."""

    def again(self) -> None:
        """Begin another wait, of another length."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often a target is called for one recording.

    ``calls`` None means batches of ``batch`` calls until there are enough samples, or ``seconds``
    have passed.
    """

    calls: int | None
    batch: int
    seconds: float

    @property
    def repeats(self) -> bool:
        """Whether the target may be called more than once."""
        return self.calls != 1

    def once(self, run: Callable[[], object], waits: Waits | None = None) -> int:
        """Call the target for one batch, and return how often that was.

        After a call with a sample the next of ``waits`` begins; None leaves the sampler alone.
        OutOfTime from within a call tells how many were completed.
        """
        number = self.calls or self.batch
        completed = 0
        try:
            if waits is None:
                for completed in range(number):  # noqa: B007 - read where the loop is left
                    run()
            else:
                for completed in range(number):  # noqa: B007 - likewise
                    run()
                    if waits.sampled:
                        waits.again()
        except OutOfTime as end:
            end.completed = completed
            raise
        return number

    def met(self, samples: int, seconds: float) -> bool:
        """Whether a recording of so many samples and seconds is enough."""
        return bool(self.calls) or samples >= ENOUGH_SAMPLES or seconds >= self.seconds


def children_seconds() -> float:
    """Processor seconds of all processes that this one started and waited for."""
    times = os.times()
    return times.children_user + times.children_system


def as_json(session: "Session") -> dict[str, Any]:
    """Return a session as JSON values; targets put more than text into ``sys.path``."""
    values: dict[str, Any] = session.to_json()
    return {**values, "sys_path": list(map(str, values["sys_path"]))}
