"""In which order processes run: seeded, interleaved, balanced."""

import random
from collections.abc import Sequence
from typing import Literal

from perfkit.model import BenchmarkId

SideName = Literal["base", "head"]

ORDERS: tuple[tuple[SideName, SideName], tuple[SideName, SideName]] = (
    ("base", "head"),
    ("head", "base"),
)


def round_order(
    identities: Sequence[BenchmarkId], round_number: int, seed: int
) -> list[tuple[BenchmarkId, tuple[SideName, SideName]]]:
    """Return one round: every benchmark once per side, both sides next to each other.

    Rounds 2k and 2k + 1 form a block: whichever side is first in one is second in the other
    (ABBA or BAAB), so that a linear drift of the machine cancels within a block. Which it is, and
    the order of the benchmarks, is drawn from ``seed``; the same seed gives the same order.
    """
    block, half = divmod(round_number, 2)
    order = list(identities)
    random.Random(f"{seed}-{round_number}").shuffle(order)
    planned = []
    for identity in order:
        first = random.Random(f"{seed}-{block}-{identity}").randrange(2)
        planned.append((identity, ORDERS[first ^ half]))
    return planned
