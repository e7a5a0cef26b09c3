"""Where the Linux control groups of this process are, version 1 or 2 (cgroups(7))."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_MOUNT_FIELDS: Final = 6
"""Fields of /proc/self/mountinfo before the optional ones; root is the 4th, the place the 5th."""


def groups_of(controller: str, root: Path) -> Iterator[Path]:
    """Yield the directories of this process's group and its ancestors, the own one first.

    Those of every hierarchy that ``controller`` (``cpu``, ``memory``) may belong to. ``root`` is
    ``/``, or a copy of its ``proc`` and ``sys``.
    """
    memberships = lines_of(root / "proc/self/cgroup")
    for line in lines_of(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        place = before.split()
        if len(place) < _MOUNT_FIELDS or not after:
            continue
        kind, *_, options = after.split()
        for membership in memberships:
            _, controllers, path = membership.split(":", 2)
            # Version 2 is the hierarchy without named controllers; version 1 has one per mount.
            if controllers:
                matches = kind == "cgroup" and controller in {*controllers.split(",")} & {
                    *options.split(",")
                }
            else:
                matches = kind == "cgroup2"
            if matches:
                mounted, top = root / place[4].lstrip("/"), PurePosixPath(place[3])
                inner = PurePosixPath(path)
                # Inside a container the path may be told as the host sees it.
                below = inner.relative_to(top) if inner.is_relative_to(top) else PurePosixPath()
                yield from (mounted / part for part in (below, *below.parents))


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file of the kernel's, none where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
