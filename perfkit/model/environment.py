"""The machine and interpreter a measurement was made on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Facts that change timings; equal facts, comparable numbers.

    ``label`` is the human name of the machine and proves nothing. ``load`` is the one-minute load
    average when measuring began (None where the system has none).
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
