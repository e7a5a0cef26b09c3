"""What can go wrong on purpose, and for which share of requests or connections. Pure.

The words of the network faults are those of ``perfkit chaos inject``; Toxiproxy's toxic of the same
effect stands beside each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from perfkit.config.units import parse_duration, parse_ratio, parse_size
from perfkit.errors import UsageError


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault with its measure; what its kind does not use is ignored.

    ``delay`` and ``jitter`` in seconds (latency is ``delay`` plus or minus up to ``jitter``),
    ``rate`` in bytes a second (slow), ``size`` in bytes (memory, enospc), ``share`` of the requests
    or connections that are hit.
    """

    kind: FaultKind
    delay: float = 0.2
    jitter: float = 0.0
    status: int = 503
    rate: int = 1024
    size: int = 0
    share: float = 1.0

    def __str__(self) -> str:
        """Return the fault with its measure, as people say it."""
        some = "" if self.share >= 1 else f" of {self.share:.0%}"
        match self.kind:
            case FaultKind.LATENCY:
                return f"latency of {self.delay:g} s{some}"
            case FaultKind.ERROR:
                return f"status {self.status}{some}"
            case FaultKind.SLOW:
                return f"{self.rate} B/s{some}"
            case FaultKind.MEMORY:
                return f"memory limited to {self.size} B"
            case FaultKind.ENOSPC:
                return f"a disk of {self.size} B"
            case _:
                return f"{self.kind}{some}"


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


def fault_of(kind: str, measures: Mapping[str, str]) -> Fault:
    """Return a fault from what people write: ``latency`` with ``{"delay": "200ms"}``.

    Raises UsageError for an unknown kind, a measure that it has not, or one without its unit.
    """
    if kind not in list(FaultKind):
        raise UsageError(f"found fault {kind!r}, wanted one of {', '.join(FaultKind)}")
    chosen = FaultKind(kind)
    if unknown := sorted(set(measures) - MEASURES[chosen]):
        known = ", ".join(sorted(MEASURES[chosen])) or "nothing"
        raise UsageError(f"{kind} has no {unknown[0]}; it takes {known}")
    fault = Fault(kind=chosen)
    for name, text in measures.items():
        match name:
            case "delay":
                fault = replace(fault, delay=parse_duration(text))
            case "jitter":
                fault = replace(fault, jitter=parse_duration(text))
            case "share":
                fault = replace(fault, share=min(1.0, parse_ratio(text)))
            case "rate":
                fault = replace(fault, rate=parse_size(text.removesuffix("/s")))
            case "size":
                fault = replace(fault, size=parse_size(text))
            case _:
                fault = replace(fault, status=_status(text))
    if chosen in {FaultKind.ENOSPC, FaultKind.MEMORY} and not fault.size:
        raise UsageError(f"{kind} needs its size, such as size=64MiB")
    return fault


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 400 <= int(text) <= 599):  # noqa: PLR2004
        raise UsageError(f"found status {text!r}, wanted 400 to 599")
    return int(text)
