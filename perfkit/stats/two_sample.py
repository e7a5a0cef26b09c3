"""Two sides, one shift, one verdict: the comparison of base and head.

The mathematics and its measured properties: docs/statistics/two-sample.md.
"""

import math
from typing import Literal

import numpy as np

from perfkit.errors import UsageError
from perfkit.model import Interval, Shift, Verdict
from perfkit.stats.hodges_lehmann import (
    RankShift,
    interleaved_shift,
    smallest_p,
    unpaired_shift,
)
from perfkit.stats.sides import Better, Sides, Values

Design = Literal["interleaved", "sequential"]
"""``interleaved``: ``base[i]`` and ``head[i]`` ran in round i, in an order that favours neither;
``sequential``: one whole side was measured after the other."""

MOST_ROUNDS = 1000
"""A ``rounds_needed`` above this is not advice anyone can follow, and is left out."""

ROUNDING = 1e-12
"""Rounding allowed when an estimate is held against the floor, relative to the values."""


def compare_samples(
    base: Values,
    head: Values,
    *,
    design: Design = "interleaved",
    floor: float = 0.05,
    alpha: float = 0.01,
    confidence: float | None = None,
    better: Better = "lower",
    exact: bool = False,
    steady: bool = False,
) -> Shift:
    """Return how far ``head`` lies from ``base``, with a verdict.

    Each side is a sequence of processes, each a sequence of its values (the process is the unit
    of replication and is represented by its 0.1 quantile from the better end), or a flat sequence
    with one value per process.

    The shift is the Hodges-Lehmann ratio of head to base with its rank interval at ``confidence``
    (default ``1 - alpha``). The verdict is REGRESSED (IMPROVED) when the interval lies beyond 1 on
    the worse (better) side, the ratio is at or beyond ``1 + floor`` (or its inverse) and
    ``p_value <= alpha``; UNCHANGED when the whole interval lies inside the band between the two
    and the sides overlap; else INCONCLUSIVE. A single process, or sides without any variation, are
    never REGRESSED or IMPROVED. With ``steady`` the latter may be: sizes of memory come in pages
    and often repeat, which is no coarse clock, and ranks judge them by their number. With ``exact``
    the values are deterministic: one per side is enough, any difference is real, and only the floor
    is asked.

    Values of zero or below have no logarithm: the comparison is then made on the linear scale,
    relative to the mean of the two absolute medians, and says so in ``notes``.

    Raises:
        UsageError: a side without values, a value that is not finite, sides of unequal length
            under the interleaved design, or a parameter outside its range.

    >>> base = [1.00, 1.01, 0.99, 1.02, 1.00, 1.01]
    >>> shift = compare_samples(base, [1.1 * value for value in base])
    >>> shift.verdict.value, round(shift.ratio.estimate, 3)
    ('regressed', 1.1)
    """
    check_levels(floor=floor, alpha=alpha, confidence=confidence)
    confidence = 1 - alpha if confidence is None else confidence
    sides = Sides.of(base, head, floor=floor, better=better)
    if exact:
        return _exact_shift(sides, floor=floor, confidence=confidence)
    rank = rank_shift(sides, design, 1 - confidence)
    return judge(
        sides,
        rank,
        rank.p_value,
        design=design,
        floor=floor,
        alpha=alpha,
        confidence=confidence,
        steady=steady,
    )


def check_levels(*, floor: float, alpha: float, confidence: float | None = None) -> None:
    """Raise :class:`UsageError` unless ``floor`` >= 0 and the probabilities lie in (0, 1)."""
    if not (math.isfinite(floor) and floor >= 0):
        raise UsageError(f"the floor is {floor}; wanted a relative effect such as 0.05, 0 or more")
    if not 0 < alpha < 1:
        raise UsageError(f"alpha is {alpha}; wanted a probability between 0 and 1, such as 0.01")
    if confidence is not None and not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; wanted a number in (0, 1), such as 0.99")


def rank_shift(sides: Sides, design: Design, level: float) -> RankShift:
    """Return the shift in the unit of ``sides``, with the rank test that fits ``design``.

    Raises:
        UsageError: sides of unequal length under the interleaved design.
    """
    check_rounds(sides, design)
    shift_of = interleaved_shift if design == "interleaved" else unpaired_shift
    return shift_of(sides.base, sides.head, level)


def check_rounds(sides: Sides, design: Design) -> None:
    """Raise :class:`UsageError` where an interleaved design lacks one side of a round."""
    n_base, n_head = len(sides.base), len(sides.head)
    if design == "interleaved" and n_base != n_head:
        raise UsageError(
            f"base has {n_base} rounds and head {n_head}; an interleaved comparison wants both "
            "sides of every round: leave incomplete rounds out, or use the sequential design"
        )


def judge(
    sides: Sides,
    rank: RankShift,
    p_value: float,
    *,
    design: Design,
    floor: float,
    alpha: float,
    confidence: float,
    steady: bool = False,
    notes: tuple[str, ...] = (),
) -> Shift:
    """Return the shift with the verdict that interval, floor and ``p_value`` allow."""
    notes += sides.notes
    if sides.constant and rank.estimate != 0 and not steady:
        p_value = 1.0
        notes += ("neither side varies, so chance cannot be judged: coarse clock or cache?",)
    verdict = _verdict(sides, rank, significant=p_value <= alpha)
    visible, rounds = None, None
    if math.isfinite(rank.half_width) and not sides.constant:
        visible = max(floor, sides.ratio(rank.half_width) - 1)
    if verdict is Verdict.INCONCLUSIVE:
        if sides.separated and _inside(rank, sides.edge):
            notes += ("every value differs between the sides, but by less than the floor",)
        else:
            rounds = _rounds_needed(sides, rank, alpha)
    if design == "sequential":
        notes += ("sides not interleaved: drift of the machine would look like a change",)
    return Shift(
        verdict=verdict,
        ratio=_interval(sides, rank, confidence),
        p_value=p_value,
        floor=floor,
        n_base=len(sides.base),
        n_head=len(sides.head),
        design=design,
        scale=sides.scale,
        smallest_visible_effect=visible,
        rounds_needed=rounds,
        notes=notes,
    )


def _verdict(sides: Sides, rank: RankShift, *, significant: bool) -> Verdict:
    up, down = (
        (Verdict.REGRESSED, Verdict.IMPROVED)
        if sides.sign > 0
        else (Verdict.IMPROVED, Verdict.REGRESSED)
    )
    slack = ROUNDING * sides.centre
    if significant and rank.low > 0 and rank.estimate >= sides.edge - slack:
        return up
    if significant and rank.high < 0 and rank.estimate <= slack - sides.edge:
        return down
    if _inside(rank, sides.edge) and not sides.separated:
        return Verdict.UNCHANGED
    return Verdict.INCONCLUSIVE


def _inside(rank: RankShift, edge: float) -> bool:
    """Whether the whole interval lies inside the band; no difference at all lies in any band."""
    return (-edge < rank.low and rank.high < edge) or rank.low == rank.high == 0


def _rounds_needed(sides: Sides, rank: RankShift, alpha: float) -> int | None:
    """Rounds per side after which this estimate and this noise would decide.

    The half width of the interval shrinks with the square root of n; it has to fit between the
    estimate and the nearer thing it must exclude: no shift, or the edge of the band.
    """
    n = min(len(sides.base), len(sides.head))
    enough = next(size for size in range(2, 1100) if smallest_p(size, size, paired=False) <= alpha)
    if n < enough:
        return enough
    if sides.constant or not math.isfinite(rank.half_width):
        return None
    distance = abs(rank.estimate)
    room = distance if distance >= sides.edge else sides.edge - distance
    if room <= rank.half_width * math.sqrt(n / MOST_ROUNDS):
        return None
    return max(n + 1, math.ceil(n * (rank.half_width / room) ** 2))


def _interval(sides: Sides, rank: RankShift, confidence: float) -> Interval:
    low, middle, high = (sides.ratio(value) for value in (rank.low, rank.estimate, rank.high))
    return Interval(min(low, middle), middle, max(high, middle), confidence)


def _exact_shift(sides: Sides, *, floor: float, confidence: float) -> Shift:
    """Compare deterministic values: the interval spans what was seen, and chance has no part."""
    base, head = sides.base, sides.head
    low, high = float(head.min() - base.max()), float(head.max() - base.min())
    middle = min(max(float(np.median(head) - np.median(base)), low), high)
    rank = RankShift(middle, low, high, 0.0 if low > 0 or high < 0 else 1.0)
    notes = list(sides.notes)
    if np.ptp(base) > 0 or np.ptp(head) > 0:
        notes.append("exact, but repeated values differ: the interval spans what was seen")
    verdict = _verdict(sides, rank, significant=rank.p_value == 0)
    if verdict is Verdict.INCONCLUSIVE and _inside(rank, sides.edge):
        verdict = Verdict.UNCHANGED
    return Shift(
        verdict=verdict,
        ratio=_interval(sides, rank, confidence),
        p_value=rank.p_value,
        floor=floor,
        n_base=len(base),
        n_head=len(head),
        design="exact",
        scale=sides.scale,
        notes=tuple(notes),
    )
