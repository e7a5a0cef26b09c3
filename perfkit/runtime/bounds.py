"""How much a store keeps, and what it does when it is full."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from perfkit.runtime.windows import RESOLUTIONS

RETENTION: Mapping[int, int] = MappingProxyType({1: 6 * 3600, 60: 14 * 86_400, 3600: 400 * 86_400})
"""Resolution -> seconds that its intervals are kept: 6 hours, 14 days, 400 days."""

LEAST_KEPT: Mapping[int, int] = MappingProxyType({1: 3600, 60: 86_400, 3600: 31 * 86_400})
"""Resolution -> seconds below which alerts and objectives would read what is gone: they take
windows of up to 10 minutes from seconds, of up to 6 hours from minutes, of 30 days from hours."""

MOST_BYTES = 512 * 2**20

OnFull = Literal["drop-oldest", "stop"]


@dataclass(frozen=True)
class Bounds:
    """What a store may hold.

    ``max_bytes`` bounds the pages in use. At the bound, ``drop-oldest`` deletes the oldest
    intervals, finest first, and ``stop`` refuses what is new. ``retention`` is resolution ->
    seconds that its intervals are kept, at least :data:`LEAST_KEPT`; one that is left out is kept
    as :data:`RETENTION` says.

    Raises:
        ValueError: one of them makes no sense.
    """

    max_bytes: int = MOST_BYTES
    on_full: OnFull = "drop-oldest"
    retention: Mapping[int, float] = field(default_factory=lambda: RETENTION)

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"a store holds at least 1 byte, not {self.max_bytes}")
        if self.on_full not in get_args(OnFull):
            raise ValueError(f"on_full is one of {get_args(OnFull)}, not {self.on_full!r}")
        if unknown := set(self.retention) - set(RESOLUTIONS):
            raise ValueError(
                f"retention is by resolution, {RESOLUTIONS} seconds; none is {min(unknown)}"
            )
        for seconds, kept in self.retention.items():
            if not kept >= LEAST_KEPT[seconds]:  # or it is no number
                raise ValueError(
                    f"intervals of {seconds} s are kept for at least {LEAST_KEPT[seconds]} s, which"
                    f" alerts and objectives read; not for {kept} s"
                )
        object.__setattr__(self, "retention", {**RETENTION, **self.retention})
