"""What was measured for one benchmark on one side."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from perfkit.model.benchmark import BenchmarkId


class Unit(StrEnum):
    """The unit of a measured value; base units only, prefixes are a matter of display."""

    SECONDS = "s"
    BYTES = "B"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The values of one benchmark on one side, process by process, in order of execution.

    ``processes[i]`` holds the values of the i-th process (``unit`` each; seconds are per call of
    the benchmarked function); the process is the unit of replication. ``rounds[i]`` is the round
    that process belonged to, which pairs the two sides of an interleaved comparison. ``outcome``
    is the digest of what the benchmark says it did; None where it declares nothing. ``failure``
    is one sentence when the benchmark crashed, timed out or gave an invalid value; a failed
    sample may still hold the processes that worked.
    """

    benchmark: BenchmarkId
    unit: Unit
    processes: tuple[tuple[float, ...], ...] = ()
    rounds: tuple[int, ...] = ()
    outcome: str | None = None
    failure: str | None = None
    better: Literal["lower", "higher"] = "lower"
    exact: bool = False
    """True for deterministic metrics, which compare at n = 1."""
    source_hash: str | None = None
    """asv's version hash of the benchmark's source."""
    loops: tuple[int, ...] = ()
    """Calls behind each value, process by process; empty where that is not known."""
    warmup: float | None = None
    """Seconds of unmeasured calls before the first value of every process; None where the kind of
    benchmark has none."""
    loaded: tuple[int, ...] = ()
    """Rounds in which the benchmark was measured although other programs used the machine."""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if len(self.rounds) != len(self.processes):
            message = f"{len(self.processes)} processes but {len(self.rounds)} round numbers"
            raise ValueError(message)
        if self.loops and len(self.loops) != len(self.processes):
            message = f"{len(self.processes)} processes but {len(self.loops)} counts of loops"
            raise ValueError(message)
