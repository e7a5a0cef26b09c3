"""How often the kernel ended a process for lack of memory, as it counts that itself."""

from pathlib import Path

from perfkit.machine.control_groups import groups_of, lines_of

FILES = ("memory.events", "memory.oom_control")
"""Of a control group, version 2 (processes of groups below included) and version 1."""


def memory_kills(root: Path = Path("/")) -> int | None:
    """Return the kills counted so far; None where the system counts none.

    Those of this process's own control group, and of the whole system (``oom_kill`` in
    /proc/vmstat, proc(5)). Only a difference means anything: one that grew while a process died by
    SIGKILL is evidence of why. ``root`` is ``/``, or a copy of its ``proc`` and ``sys``.
    """
    own = [group / name for group in groups_of("memory", root) for name in FILES]
    files = [root / "proc/vmstat", *[file for file in own if file.exists()][:1]]
    counts = [
        int(words[1])
        for file in files
        for line in lines_of(file)
        if (words := line.split())[:1] == ["oom_kill"] and words[1:2] and words[1].isdecimal()
    ]
    return sum(counts) if counts else None
