"""Runs of a target in fresh children: under memray, and without it."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfkit.memory.decide import SiteGrowth, site_growths
from perfkit.memory.places import own_code
from perfkit.memory.read import read_series
from perfkit.memory.series import Frame, Holder, Recording
from perfkit.memory.unplaced import Totals, totals_from
from perfkit.targets.child import run_child
from perfkit.targets.spec import Target

_NO_THREAD_CACHE = "glibc.malloc.tcache_count=0"
"""Chunks in malloc's per-thread cache count as handed out, and the cache fills for a thousand calls
of a target that takes ever other sizes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One run under memray, and how the lines behaved in it."""

    recording: Recording
    growths: list[SiteGrowth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How runs of one target are made; see :func:`perfkit.memory.find.find_leaks`."""

    target: Target
    cwd: Path
    timeout: float | None
    captures: Path | None
    native: bool
    environment: Mapping[str, str] | None
    progress: Callable[[str], None]

    def watched(self, length: int, seconds: float | None = None) -> Seen:
        """Run ``length`` calls under memray, or as many as fit into ``seconds``."""
        self.progress(f"running {self._words(length, seconds)} under memray")
        with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
            folder = self.captures or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            capture = folder.resolve() / f"leaks-{length}.bin"
            capture.unlink(missing_ok=True)
            answer = run_child(
                "perfkit.memory.capture",
                {
                    "target": self.target.to_json(),
                    "capture": str(capture),
                    "iterations": length,
                    "seconds": seconds,
                    "native": self.native,
                },
                cwd=self.cwd,
                name=str(self.target),
                timeout=self.timeout,
                environment=self.environment,
            )
            marks, stacks = read_series(
                capture, answer["marks"], direct=Frame("<call>", 0, str(self.target))
            )
        recording = Recording(
            marks=marks,
            stacks=stacks,
            seconds_per_iteration=answer["seconds_per_iteration"],
            filling_caches=tuple(
                (name, size, bound) for name, size, bound in answer["filling_caches"]
            ),
            holders=tuple(Holder(**held) for held in answer["holders"]),
            notes=tuple(answer["notes"]),
        )
        return Seen(recording, site_growths(recording, own_code(answer["own_roots"])))

    def counted(self, length: int, seconds: float | None = None) -> Totals:
        """Run ``length`` calls without memray, or as many as fit into ``seconds``."""
        self.progress(f"running {self._words(length, seconds)} without memray")
        environment = {**os.environ, **(self.environment or {})}
        tunables = [*filter(None, [environment.get("GLIBC_TUNABLES")]), _NO_THREAD_CACHE]
        environment["GLIBC_TUNABLES"] = ":".join(tunables)
        answer = run_child(
            "perfkit.memory.totals",
            {"target": self.target.to_json(), "iterations": length, "seconds": seconds},
            cwd=self.cwd,
            name=str(self.target),
            timeout=self.timeout,
            environment=environment,
        )
        return totals_from(answer)

    def _words(self, length: int, seconds: float | None) -> str:
        return f"{self.target} {'up to ' if seconds else ''}{length} times"
