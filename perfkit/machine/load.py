"""How much of the processors other programs use: all busy time but that of this process's own.

A load average says that something was running in the last minute, the benchmark included. The
kernel's counters (proc(5), /proc/stat) are exact over any interval, and what this process and its
finished children used is known (times(2)), so the rest is everybody else.
"""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

BUSY_FIELDS = (0, 1, 2, 5, 6, 7)
"""user, nice, system, irq, softirq, steal. Guests are part of user; time stolen by the host's
other machines is missing to us as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTime:
    """Seconds since some moment, read at one moment.

    ``busy`` is of ``processors`` processors together, ``own`` of this process and its finished
    children, ``at`` on a clock.
    """

    busy: float
    own: float
    at: float
    processors: int


def read_cpu_time(
    processors: Collection[int] | None = None, root: Path = Path("/")
) -> CpuTime | None:
    """Read the counters of ``processors`` (all by default); None where the system keeps none.

    ``root`` is ``/``, or a copy of its ``proc``.
    """
    try:
        text = (root / "proc/stat").read_text(encoding="ascii")
    except OSError:
        return None
    ticks = []
    for line in text.splitlines():
        name, *fields = line.split()
        number = name.removeprefix("cpu")
        if (
            name.startswith("cpu")
            and number.isdecimal()
            and (processors is None or int(number) in processors)
        ):
            # Old kernels have fewer fields, and no steal.
            ticks.append(sum(int(fields[index]) for index in BUSY_FIELDS if index < len(fields)))
    if not ticks:
        return None
    own = os.times()
    return CpuTime(
        busy=sum(ticks) / os.sysconf("SC_CLK_TCK"),
        own=own.user + own.system + own.children_user + own.children_system,
        at=time.monotonic(),
        processors=len(ticks),
    )


def used_by_others(before: CpuTime, after: CpuTime) -> float:
    """Return the share (0 to 1) of the processors that other programs used between two readings.

    ValueError where no time lies between them.
    """
    available = (after.at - before.at) * after.processors
    if available <= 0:
        message = f"no time between {before.at} and {after.at}"
        raise ValueError(message)
    others = (after.busy - before.busy) - (after.own - before.own)
    return min(1.0, max(0.0, others / available))
