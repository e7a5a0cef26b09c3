"""The noise floor of one benchmark: the effect below which a change is not worth a word.

Both forms take |log ratio| of measurements of code that did not change and set the floor at the
outer Tukey fence, Q3 + 3 IQR: normal noise exceeds it about once in 3 700 times, and a quarter of
the values may be anything before the fence moves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfkit.errors import UsageError
from perfkit.stats.hodges_lehmann import Array
from perfkit.stats.sides import Sides, Values

FEWEST = 8
"""Ratios below which quartiles are guesses; fewer raise an error rather than give a floor."""

RELABELLINGS = 200
"""Random relabellings of A/A rounds; the error of a quartile is then below 10 % of the spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """A relative effect (0.03 is 3 %), where it came from in words, and from how many ratios."""

    value: float
    provenance: str
    n: int


def calibrate_history(values: Sequence[float]) -> NoiseFloor:
    """Return the floor for comparing two single values of a series measured on one machine.

    ``values`` are in commit order, NaN where nothing was measured; a ratio is taken between
    neighbours that both exist. True changes are few among them and hardly move quartiles.

    Raises:
        UsageError: fewer than 8 neighbours, or a value that is infinite, zero or negative.
    """
    series = np.asarray(values, dtype=float)
    if np.isinf(series).any() or (series <= 0).any():
        raise UsageError("a history to calibrate from wants positive finite values, NaN for gaps")
    logs = np.diff(np.log(series))
    ratios = np.abs(logs[~np.isnan(logs)])
    if len(ratios) < FEWEST:
        raise UsageError(
            f"{len(ratios)} neighbouring values in the history; wanted {FEWEST} to calibrate from"
        )
    fence = _fence(ratios)
    return NoiseFloor(
        value=fence, provenance=f"history: {len(ratios)} neighbours, Q3 + 3 IQR", n=len(ratios)
    )


def calibrate_rounds(
    base: Values, head: Values, *, rounds: int | None = None, seed: int = 0
) -> NoiseFloor:
    """Return the floor for comparisons of ``rounds`` rounds, from A/A rounds of the same code.

    ``base[i]`` and ``head[i]`` are of round i, and equal code, so their labels may trade places:
    each ratio is the Hodges-Lehmann shift of as many rounds drawn from these, relabelled at
    random. ``rounds`` defaults to the number given. ``seed`` fixes the draws.

    Raises:
        UsageError: fewer than 8 rounds, sides of unequal length, or values not positive.
    """
    sides = Sides.of(base, head, floor=0.0, better="lower")
    n = len(sides.base)
    if n != len(sides.head):
        raise UsageError(f"A/A rounds want both sides of each: found {n} and {len(sides.head)}")
    if n < FEWEST:
        raise UsageError(f"{n} A/A rounds; wanted {FEWEST} to calibrate from")
    if sides.scale != "log":
        raise UsageError("A/A rounds to calibrate from want positive values")
    random = np.random.default_rng(seed)
    pairs = np.column_stack([sides.base, sides.head])
    size = n if rounds is None else rounds
    drawn = random.permuted(pairs[random.integers(n, size=(RELABELLINGS, size))], axis=2)
    # The Hodges-Lehmann shift of each draw: the median of all differences between its sides.
    differences = drawn[:, :, np.newaxis, 1] - drawn[:, np.newaxis, :, 0]
    found = np.abs(np.median(differences.reshape(RELABELLINGS, -1), axis=1))
    return NoiseFloor(
        value=_fence(found),
        provenance=f"{n} A/A rounds, Q3 + 3 IQR of shifts over {size}",
        n=n,
    )


def _fence(ratios: Array) -> float:
    lower, upper = np.quantile(ratios, [0.25, 0.75])
    return math.expm1(float(upper + 3 * (upper - lower)))
