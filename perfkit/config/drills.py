"""Backups: what has to hold of them, and what is backed up."""

from perfkit.config.fields import PositiveDuration, Text
from perfkit.config.section import Section


class DrillLimits(Section):
    """How fast a backup has to come back, and how old it may be."""

    rto: PositiveDuration | None = None
    """Longest time that restoring may take (recovery time objective)."""
    rpo: PositiveDuration | None = None
    """Oldest that a backup may be (recovery point objective)."""
    why: str = ""
    """Where the limits come from."""


class DrillWatch(Section):
    """What perfkit drill rehearses, where no argument says it."""

    sources: tuple[Text, ...] = ()
    """Files, folders and databases that are backed up, from the current folder; left out, the
    telemetry store, baselines and config, those that exist."""
    archive: Text | None = None
    """The backup that is rehearsed with; left out, a new one."""
    tell: tuple[Text, ...] = ()
    """Who has to be told, for the runbook."""
