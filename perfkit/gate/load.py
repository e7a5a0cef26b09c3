"""What other programs did while it was measured: one sentence, whose figures shards can add up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LOADED = (
    "other programs used half of the processors or more during {} of {} measurements, which adds"
    " noise: stop them, or wait for a quieter machine"
)
WAITED_TOO = " (perfkit waited {} s)"
WAITED = "measuring waited {} s for other programs to stop using the processors"


def _pattern(sentence: str) -> str:
    return re.escape(sentence).replace(r"\{\}", r"(\d+)")


OF_LOAD = re.compile(f"{_pattern(LOADED)}(?:{_pattern(WAITED_TOO)})?")
OF_WAITING = re.compile(_pattern(WAITED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many of the measured pairs were under load, and the seconds that measuring waited."""

    loaded: int = 0
    pairs: int = 0
    waited: int = 0

    def __str__(self) -> str:
        """Return the sentence, as :meth:`of` reads it; empty where nothing was loaded or waited."""
        if self.loaded:
            waited = WAITED_TOO.format(self.waited) if self.waited else ""
            return LOADED.format(self.loaded, self.pairs) + waited
        return WAITED.format(self.waited) if self.waited else ""

    @classmethod
    def of(cls, warning: str) -> "Load | None":
        """Return what a warning of a report says of it; None where it is about something else."""
        if found := OF_LOAD.fullmatch(warning):
            return cls(loaded=int(found[1]), pairs=int(found[2]), waited=int(found[3] or 0))
        if found := OF_WAITING.fullmatch(warning):
            return cls(waited=int(found[1]))
        return None


def together(loads: Iterable[Load]) -> Load:
    """Return the sum.

    >>> together([Load(loaded=1, pairs=4, waited=2), Load(loaded=2, pairs=6)])
    Load(loaded=3, pairs=10, waited=2)
    """
    found = list(loads)
    return Load(
        loaded=sum(one.loaded for one in found),
        pairs=sum(one.pairs for one in found),
        waited=sum(one.waited for one in found),
    )
