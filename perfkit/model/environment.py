"""The machine and interpreter a measurement was made on."""

import hashlib
from dataclasses import dataclass

FINGERPRINT = (
    "cpu",
    "cpu_flags",
    "cores",
    "quota_cores",
    "governor",
    "system",
    "kernel",
    "libc",
    "python",
)
"""The facts that make one place another: where one differs, timings may differ for no other reason.

The name of the machine, its memory, its load and the installed packages are none of them; packages
have a digest of their own, as they change with the project.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Facts that change timings; equal facts, comparable numbers.

    ``label`` is the human name of the machine and proves nothing. ``load`` is the one-minute load
    average when measuring began (None where the system has none). ``python`` is the version and
    build of the interpreter that was measured, ``BASE -> HEAD`` where the sides have two.
    ``packages_digest`` is over the installed packages and their versions. ``cpu_flags`` is a
    digest of the processor's instruction sets and features. ``image`` is the name and version of
    a hosted runner's image. ``affinity`` are the processors that measured processes were
    restricted to, None where they were not.
    """

    label: str
    cpu: str
    cores: int
    memory_bytes: int
    system: str
    kernel: str
    libc: str
    python: str
    governor: str | None
    quota_cores: float | None
    packages_digest: str
    load: float | None
    # What later versions added, so that reports and results of earlier ones are still read.
    cpu_flags: str | None = None
    image: str | None = None
    affinity: tuple[int, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that stand for all facts of ``FINGERPRINT`` together."""
        facts = "|".join(f"{name}={getattr(self, name)}" for name in FINGERPRINT)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDifference:
    """A fact that makes times of both sides incomparable: its name and its text on each side."""

    fact: str
    base: str
    head: str
