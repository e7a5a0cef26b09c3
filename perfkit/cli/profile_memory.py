"""What ``perfkit profile --memory`` does: one call under memray, or several of two builds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from perfkit.model import AllocationChange, PeakMemory
    from perfkit.profiling.capture import Where
    from perfkit.targets.spec import Target

SESSIONS = 3
"""Runs of each side: allocations hardly vary, and three show whether these do."""


def peak_shown(
    invocation: Invocation, target: "Target", *, warmup: int, timeout: float | None, top: int
) -> "tuple[RenderableType, dict[str, object]]":
    """Return what one call of the working tree's target holds, as text and as JSON values."""
    from dataclasses import asdict

    from perfkit.profiling.capture import Where
    from perfkit.reporting.memory_text import peak_text

    saying(invocation)(f"recording the memory of {target}")
    found = _peak(target, Where(cwd=Path.cwd()), warmup=warmup, timeout=timeout)
    return peak_text(found, top=top), {"memory": asdict(found)}


def changes_of(
    invocation: Invocation,
    target: "Target",
    sides: "tuple[Where, Where]",
    *,
    warmup: int,
    timeout: float | None,
) -> "tuple[AllocationChange, ...]":
    """Return what the two sides hold differently, recorded in turns."""
    from perfkit.memory.changes import allocation_changes

    saying(invocation)(f"recording the memory of {target}: {SESSIONS} runs of each side, in turns")
    taken = [
        [_peak(target, where, warmup=warmup, timeout=timeout) for where in sides]
        for _ in range(SESSIONS)
    ]
    return allocation_changes([one[0] for one in taken], [one[1] for one in taken])


def _peak(target: "Target", where: "Where", *, warmup: int, timeout: float | None) -> "PeakMemory":
    from perfkit.memory.peak import peak_memory

    def run(child: str, request: dict[str, Any]) -> "Mapping[str, Any]":
        return where.run(target, request, timeout, child=child)

    folders = [folder for folder in (where.site, where.cwd) if folder is not None]
    return peak_memory(target, run, folders=folders, warmup=warmup)
