"""From when faults happened and which requests failed, to what clients saw of each. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.model import FaultEffect
from perfkit.reliability.record import LoadRecord


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault as it was done: seconds of the method at its begin and its end."""

    fault: str
    begun: float
    ended: float


def effects(record: LoadRecord, happened: Sequence[Happened]) -> Iterator[FaultEffect]:
    """Yield what clients saw of each fault, in the order in which they began.

    A failure counts for the fault that began last before it; those before the first for none.
    """
    order = sorted(happened, key=lambda one: one.begun)
    ended = record.ended[record.failed]
    begins = np.array([one.begun for one in order])
    owner = np.searchsorted(begins, ended, side="right") - 1
    for index, one in enumerate(order):
        own = ended[owner == index]
        yield FaultEffect(
            fault=one.fault,
            at=one.begun,
            lasted=one.ended - one.begun,
            failed=len(own),
            detected_after=float(own.min()) - one.begun if len(own) else None,
            recovered_after=float(own.max()) - one.begun if len(own) else None,
        )
