"""The file through which a running program is told which of its failpoints are on."""

import time
from collections.abc import Callable
from pathlib import Path

from perfkit.reliability.faults import Fault, FaultKind
from perfkit.runtime.failpoints import HITS, VARIABLE, parse_failpoints

LONGEST = 3600.0
"""Seconds after which a fault ends by itself, also where perfkit was killed and cannot end it."""


class FailpointFile:
    """Begins and ends faults at named places of a program that was started with its variable."""

    def __init__(
        self, folder: Path, *, seed: int = 0, now: Callable[[], float] = time.time
    ) -> None:
        self._path = folder / "failpoints"
        self._seed, self._now = seed, now

    @property
    def environ(self) -> dict[str, str]:
        """What the program has to find in its environment."""
        return {VARIABLE: f"@{self._path}"}

    @property
    def hits(self) -> int:
        """Calls that were hit until now."""
        try:
            return (self._path.with_name(self._path.name + HITS)).read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def begin(self, fault: Fault, lasts: float | None) -> None:
        """Let it happen, for ``lasts`` seconds at most: the program itself ends it then."""
        until = self._now() + (LONGEST if lasts is None else lasts)
        text = spoken(fault, seed=self._seed, until=until)
        parse_failpoints(text)  # what the program could not read would be no fault
        # Whole or not at all for the program that looks; nothing here has to outlive the machine.
        aside = self._path.with_name("next")
        aside.write_text(text, "utf-8")
        aside.replace(self._path)

    def end(self) -> None:
        """Let it happen no more."""
        self._path.unlink(missing_ok=True)


def spoken(fault: Fault, *, seed: int, until: float) -> str:
    """Return a fault in the words of PERFKIT_FAILPOINTS; pure."""
    words = [f"{fault.failpoint}:", fault.kind, f"share={fault.share:%}", f"seed={seed}"]
    if fault.kind is FaultKind.LATENCY:
        words += [f"delay={fault.delay:.9f}s", f"jitter={fault.jitter:.9f}s"]
    if fault.count is not None:
        words.append(f"count={fault.count}")
    return " ".join([*words, f"until={until:.3f}"])
