"""What can go wrong on purpose, and for which share of requests or connections. Pure.

The words of the network faults are those of ``perfkit chaos inject``; Toxiproxy's toxic of the same
effect stands beside each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from perfkit.config.units import parse_duration, parse_ratio, parse_size
from perfkit.errors import UsageError
from perfkit.runtime.failpoints import NAME


class FaultKind(StrEnum):
    """What is done to requests, connections or a process."""

    LATENCY = "latency"
    """Answers come later (latency)."""
    ERROR = "error"
    """HTTP only: an error status instead of the server's answer."""
    RESET = "reset"
    """The connection is reset (reset_peer)."""
    DOWN = "down"
    """Nobody listens (down)."""
    HANG = "hang"
    """The request is taken and never answered (timeout)."""
    SLOW = "slow"
    """Answers trickle (bandwidth)."""
    TRUNCATE = "truncate"
    """Answers end in their middle (limit_data)."""
    KILL = "kill"
    """SIGKILL to the process, which is then started anew."""
    STOP = "stop"
    """SIGSTOP to the process, and SIGCONT when the fault ends."""
    ENOSPC = "enospc"
    """A full disk below the process's scratch folder."""
    MEMORY = "memory"
    """A limit on the process's address space."""


NETWORK = frozenset(
    {
        FaultKind.LATENCY,
        FaultKind.ERROR,
        FaultKind.RESET,
        FaultKind.DOWN,
        FaultKind.HANG,
        FaultKind.SLOW,
        FaultKind.TRUNCATE,
    }
)
"""Faults between a client and its server; the others are a process's."""

NO_STATUS = "a TCP connection has no status: error needs an http address"

AT_FAILPOINTS = frozenset({FaultKind.LATENCY, FaultKind.ERROR, FaultKind.HANG})
"""Faults that can be done at a named place of a program as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault with its measure; what its kind does not use is ignored.

    ``delay`` and ``jitter`` in seconds (latency is ``delay`` plus or minus up to ``jitter``),
    ``rate`` in bytes a second (slow), ``size`` in bytes (memory, enospc), ``share`` of the requests
    or connections that are hit. With ``failpoint`` it happens at that place of the program
    (:mod:`perfkit.runtime.failpoints`), to a share of the calls there, ``count`` at most.
    """

    kind: FaultKind
    delay: float = 0.2
    jitter: float = 0.0
    status: int = 503
    rate: int = 1024
    size: int = 0
    share: float = 1.0
    failpoint: str = ""
    count: int | None = None

    @property
    def between(self) -> bool:
        """Whether it happens between a client and its server."""
        return self.kind in NETWORK and not self.failpoint

    def __str__(self) -> str:
        """Return the fault with its measure, as people say it."""
        some = "" if self.share >= 1 else f" of {self.share:.0%}"
        where = f" at {self.failpoint}" if self.failpoint else ""
        match self.kind:
            case FaultKind.LATENCY:
                return f"latency of {self.delay:g} s{some}{where}"
            case FaultKind.ERROR if not self.failpoint:
                return f"status {self.status}{some}"
            case FaultKind.SLOW:
                return f"{self.rate} B/s{some}"
            case FaultKind.MEMORY:
                return f"memory limited to {self.size} B"
            case FaultKind.ENOSPC:
                return f"a disk of {self.size} B"
            case _:
                return f"{self.kind}{some}{where}"


MEASURES: Mapping[FaultKind, frozenset[str]] = {
    FaultKind.LATENCY: frozenset({"delay", "jitter", "share"}),
    FaultKind.ERROR: frozenset({"status", "share"}),
    FaultKind.RESET: frozenset({"share"}),
    FaultKind.DOWN: frozenset(),
    FaultKind.HANG: frozenset({"share"}),
    FaultKind.SLOW: frozenset({"rate", "share"}),
    FaultKind.TRUNCATE: frozenset({"share"}),
    FaultKind.KILL: frozenset(),
    FaultKind.STOP: frozenset(),
    FaultKind.ENOSPC: frozenset({"size"}),
    FaultKind.MEMORY: frozenset({"size"}),
}
"""What each kind can be told."""


def fault_of(kind: str, measures: Mapping[str, str], failpoint: str = "") -> Fault:
    """Return a fault from what people write: ``latency`` with ``{"delay": "200ms"}``.

    Raises UsageError for an unknown kind, a measure that it has not, or one without its unit, and
    for a kind that does not happen at a ``failpoint``.
    """
    if kind not in list(FaultKind):
        raise UsageError(f"found fault {kind!r}, wanted one of {', '.join(FaultKind)}")
    chosen = FaultKind(kind)
    takes = MEASURES[chosen]
    if failpoint:
        _check_failpoint(chosen, failpoint)
        takes = takes - {"status"} | {"count"}
    if unknown := sorted(set(measures) - takes):
        known = ", ".join(sorted(takes)) or "nothing"
        place = " at a failpoint" if failpoint else ""
        raise UsageError(f"{kind}{place} has no {unknown[0]}; it takes {known}")
    fault = Fault(kind=chosen, failpoint=failpoint)
    read: dict[str, Any] = {name: _READ[name](text) for name, text in measures.items()}
    fault = replace(fault, **read)
    if chosen in {FaultKind.ENOSPC, FaultKind.MEMORY} and not fault.size:
        raise UsageError(f"{kind} needs its size, such as size=64MiB")
    return fault


def _check_failpoint(kind: FaultKind, name: str) -> None:
    if kind not in AT_FAILPOINTS:
        wanted = ", ".join(sorted(AT_FAILPOINTS))
        raise UsageError(f"{kind} does not happen at a failpoint, only {wanted} do")
    if not NAME.fullmatch(name):
        raise UsageError(
            f"found failpoint {name!r}, wanted letters, digits, dots, dashes and underscores"
        )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(f"found count {text!r}, wanted a number of calls from 1 on")
    return int(text)


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 400 <= int(text) <= 599):  # noqa: PLR2004
        raise UsageError(f"found status {text!r}, wanted 400 to 599")
    return int(text)


_READ: Mapping[str, Callable[[str], float]] = {
    "delay": parse_duration,
    "jitter": parse_duration,
    "share": lambda text: min(1.0, parse_ratio(text)),
    "rate": lambda text: parse_size(text.removesuffix("/s")),
    "size": parse_size,
    "count": _count,
    "status": _status,
}
"""Measure -> what its text says."""
