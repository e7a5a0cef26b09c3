"""Faults as they are done: each begins, is undone, and counts what it hit."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from perfkit.errors import UsageError
from perfkit.reliability.failpoint_file import FailpointFile
from perfkit.reliability.faults import Fault, FaultKind
from perfkit.reliability.victim import Victim


class Act(Protocol):
    """One fault; ``begin`` and ``end`` are called once each, in this order.

    Both raise PerfkitError or OSError where it cannot be done.
    """

    async def begin(self) -> None:
        """Do it."""

    async def end(self) -> None:
        """Undo it, also where it began in part only."""

    @property
    def hits(self) -> int:
        """Requests, connections or calls that it hit; 1 where it was done to a process."""


class Proxy(Protocol):
    """What stands between a client and its server."""

    hits: Counter[FaultKind]

    async def set(self, fault: Fault | None) -> None:
        """Begin a fault, or end it with None."""


@dataclass
class Between:
    """A fault of the proxy."""

    proxy: Proxy
    fault: Fault
    _before: int = 0

    async def begin(self) -> None:
        """Let requests or connections go wrong."""
        self._before = self.proxy.hits.total()
        await self.proxy.set(self.fault)

    async def end(self) -> None:
        """Let them pass."""
        await self.proxy.set(None)

    @property
    def hits(self) -> int:
        """Requests or connections since its begin."""
        return self.proxy.hits.total() - self._before


@dataclass
class Killed:
    """SIGKILL, and a new start where ``again``."""

    victim: Victim
    again: bool
    hits: int = 0

    async def begin(self) -> None:
        """Kill."""
        self.victim.kill()
        self.hits = 1

    async def end(self) -> None:
        """Start anew what was killed."""
        if self.again and self.hits:
            self.victim.start()


@dataclass
class Stopped:
    """SIGSTOP, and SIGCONT."""

    victim: Victim
    hits: int = 0

    async def begin(self) -> None:
        """Stop."""
        self.victim.stop()
        self.hits = 1

    async def end(self) -> None:
        """Go on."""
        if self.victim.running:
            self.victim.go_on()


@dataclass
class AtFailpoint:
    """A fault at a named place of the program."""

    file: FailpointFile
    fault: Fault
    lasts: float | None
    _before: int = 0

    async def begin(self) -> None:
        """Let the place fail."""
        self._before = self.file.hits
        self.file.begin(self.fault, self.lasts)

    async def end(self) -> None:
        """Let it work."""
        self.file.end()

    @property
    def hits(self) -> int:
        """Calls since its begin."""
        return self.file.hits - self._before


def act_of(
    fault: Fault,
    *,
    lasts: float | None,
    proxy: Proxy | None,
    victim: Victim | None,
    failpoints: FailpointFile | None,
    again: bool,
) -> Act:
    """Return what does ``fault``, with what it is done to; ``again`` restarts what is killed.

    Raises UsageError where that is missing.
    """
    if fault.failpoint:
        if failpoints is not None:
            return AtFailpoint(failpoints, fault, lasts)
    elif fault.kind is FaultKind.KILL and victim is not None:
        return Killed(victim, again)
    elif fault.kind is FaultKind.STOP and victim is not None:
        return Stopped(victim)
    elif proxy is not None:
        return Between(proxy, fault)
    raise UsageError(f"{fault}: there is nothing to do it to")
