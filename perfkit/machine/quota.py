"""The CPU quota of a Linux control group, version 1 or 2 (cgroups(7), cpu.max and cpu.cfs_*)."""

import math
from pathlib import Path

from perfkit.machine.control_groups import groups_of, lines_of


def cpu_quota(root: Path) -> float | None:
    """Return the cores' worth of CPU time this process may use per period.

    The tightest limit of its control group and of every group around it that is visible;
    infinite where there is none, None where no control group of the CPU can be found. ``root``
    is ``/``, or a copy of its ``proc`` and ``sys``.
    """
    limits = [limit for group in groups_of("cpu", root) if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def _limit(group: Path) -> float | None:
    """The group's own limit in cores; None where the directory has no such file."""
    if maximum := lines_of(group / "cpu.max"):
        quota, period = maximum[0].split()
        return math.inf if quota == "max" else int(quota) / int(period)
    quota_us = lines_of(group / "cpu.cfs_quota_us")
    period_us = lines_of(group / "cpu.cfs_period_us")
    if not quota_us or not period_us:
        return None
    return math.inf if int(quota_us[0]) < 0 else int(quota_us[0]) / int(period_us[0])
