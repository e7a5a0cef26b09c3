"""What people recognise a commit by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """``date`` is the author date in milliseconds since 1970 (UTC), as asv stores it.

    ``subject`` is the first line of the message.
    """

    date: int
    subject: str
