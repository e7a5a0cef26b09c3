"""What a rehearsed disaster showed."""

from dataclasses import dataclass

from perfkit.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """A backup taken, damaged on purpose, detected, and the true one restored and compared.

    ``recovery_seconds`` (RTO) is what restoring and checking took, ``lost_seconds`` (RPO) the age
    of the backup when the disaster was declared: what was written since is lost.
    """

    sources: tuple[str, ...]
    files: int
    size: int
    rows: int
    """Rows of all databases in it."""
    backup_seconds: float
    damages: int
    """Damages done to copies on purpose."""
    detected: int
    """Those that were noticed."""
    recovery_seconds: float
    lost_seconds: float
    same: bool
    """Whether what was restored has the digest of what was backed up."""
    digest: str
    missing: tuple[str, ...]
    """What the sources held when the backup was made and it does not hold, a clause each."""
    longest_recovery: float | None
    longest_loss: float | None
    status: Status
    reasons: tuple[str, ...]
