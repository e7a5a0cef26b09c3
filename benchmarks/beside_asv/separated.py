"""Every value of head above every value of base: how often is that called unchanged?

All sizes 2 <= n, m <= 30, one value per process, three spreads within a side.
"""

import argparse
from collections.abc import Iterator
from itertools import product

from beside import asv_rule, main, table

from perfkit.model import Verdict
from perfkit.stats import SequentialComparison, compare_samples

SIZES = list(product(range(2, 31), repeat=2))

ASV_FACTOR = 1.1
"""asv's default."""

EFFECTS = (5.0, 1.2, 1.02)
"""Head / base of the smallest value; the last is below perfkit's floor of 5 %."""


def sides(n: int, m: int, effect: float, spread: float) -> tuple[list[float], list[float]]:
    """Return base and head whose values lie evenly over ``spread``, head's all above base's."""
    base = [1 + spread * index / n for index in range(n)]
    head = [effect * (1 + spread) * (1 + spread * index / m) for index in range(m)]
    return base, head


def asv_unchanged(base: list[float], head: list[float]) -> bool:
    """Whether ``asv compare`` leaves the row without a mark."""
    return asv_rule(base, head, ASV_FACTOR) == 0


def perfkit_unchanged(base: list[float], head: list[float]) -> bool:
    """Whether any of perfkit's rules says UNCHANGED, in either direction."""
    for before, after in ((base, head), (head, base)):
        found = {compare_samples(before, after, design="sequential").verdict}
        if len(before) == len(after):
            found.add(compare_samples(before, after).verdict)
            found.add(SequentialComparison(max_rounds=30).look(before, after).verdict)
        if Verdict.UNCHANGED in found:
            return True
    return False


def lines(_: argparse.Namespace) -> Iterator[str]:
    """The section, line by line."""
    rows, never = [], []
    total = len({tuple(sorted(size)) for size in SIZES})
    for effect, spread in product(EFFECTS, (0.01, 0.05, 0.3)):
        drawn = {size: sides(*size, effect, spread) for size in SIZES}
        asv = {tuple(sorted(size)) for size in SIZES if asv_unchanged(*drawn[size])}
        ours = {tuple(sorted(size)) for size in SIZES if perfkit_unchanged(*drawn[size])}
        never.append(not ours)
        rows.append(
            [
                f"x{effect:g}",
                f"{100 * spread:g} %",
                "below its factor" if effect < ASV_FACTOR else f"{len(asv)} of {total}",
                f"{len(ours)} of {total}",
            ]
        )
        if (effect, spread) == (EFFECTS[0], 0.01):
            named = sorted(asv)
    yield from table(
        ["head / base", "spread in a side", "asv: no mark", "perfkit: unchanged"], rows
    )
    yield ""
    yield f"Sizes at which asv leaves x{EFFECTS[0]:g} without a mark, at a spread of 1 %:"
    yield f"{', '.join(map(str, named))}."
    yield ""
    met = "met" if all(never) else "NOT met"
    yield f"Required: perfkit never calls separated samples unchanged: {met}."


if __name__ == "__main__":
    main("separated", "Separated samples", lines, argparse.ArgumentParser())
