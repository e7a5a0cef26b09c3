"""The CPU quota of a Linux control group, version 1 or 2 (cgroups(7), cpu.max and cpu.cfs_*)."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_MOUNT_FIELDS: Final = 6
"""Fields of /proc/self/mountinfo before the optional ones; root is the 4th, the place the 5th."""


def cpu_quota(root: Path) -> float | None:
    """Return the cores' worth of CPU time this process may use per period.

    The tightest limit of its control group and of every group around it that is visible;
    infinite where there is none, None where no control group of the CPU can be found. ``root``
    is ``/``, or a copy of its ``proc`` and ``sys``.
    """
    limits = [limit for group in _groups(root) if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def _groups(root: Path) -> Iterator[Path]:
    """The directories of this process's group and its ancestors, in every CPU hierarchy."""
    memberships = _lines(root / "proc/self/cgroup")
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        place = before.split()
        if len(place) < _MOUNT_FIELDS or not after:
            continue
        kind, *_, options = after.split()
        for membership in memberships:
            _, controllers, path = membership.split(":", 2)
            # Version 2 is the hierarchy without named controllers; version 1 has one per mount.
            if controllers:
                matches = kind == "cgroup" and "cpu" in {*controllers.split(",")} & {
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


def _limit(group: Path) -> float | None:
    """The group's own limit in cores; None where the directory has no such file."""
    if maximum := _lines(group / "cpu.max"):
        quota, period = maximum[0].split()
        return math.inf if quota == "max" else int(quota) / int(period)
    quota_us = _lines(group / "cpu.cfs_quota_us")
    period_us = _lines(group / "cpu.cfs_period_us")
    if not quota_us or not period_us:
        return None
    return math.inf if int(quota_us[0]) < 0 else int(quota_us[0]) / int(period_us[0])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
