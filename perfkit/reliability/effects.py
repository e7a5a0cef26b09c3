"""From when faults happened and how requests ended, to what clients saw of each. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.model import FaultEffect
from perfkit.reliability.record import LoadRecord, Outcome


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault as it was done: seconds of the method at its begin and its end.

    ``hits`` are the requests, connections or calls that it hit; 1 where it was done to a process.
    """

    fault: str
    begun: float
    ended: float
    hits: int


def effects(record: LoadRecord, happened: Sequence[Happened]) -> Iterator[FaultEffect]:
    """Yield what clients saw of each fault, in the order in which they began.

    Where no real answer came after the last of those, the service had not recovered.

    A request that failed or was degraded counts for the fault that began last before its end;
    those before the first count for none.
    """
    order = sorted(happened, key=lambda one: one.begun)
    ended, failed = record.ended[record.unavailable], record.failed[record.unavailable]
    begins = np.array([one.begun for one in order])
    owner = np.searchsorted(begins, ended, side="right") - 1
    good = record.ended[record.outcome == Outcome.OK]
    for index, one in enumerate(order):
        until = order[index + 1].begun if index + 1 < len(order) else np.inf
        answered = good[(good >= one.begun) & (good < until)]
        own, lost = ended[owner == index], int(np.count_nonzero(failed[owner == index]))
        yield FaultEffect(
            fault=one.fault,
            at=one.begun,
            lasted=one.ended - one.begun,
            hits=one.hits,
            failed=lost,
            degraded=len(own) - lost,
            detected_after=float(own.min()) - one.begun if len(own) else None,
            recovered_after=float(own.max()) - one.begun
            if len(own) and answered.max(initial=-np.inf) > own.max()
            else None,
        )
