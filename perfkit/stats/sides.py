"""Two sides of a comparison as one value per process, on the scale they are compared on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfkit.errors import UsageError
from perfkit.stats.hodges_lehmann import Array

Values = Sequence[float] | Sequence[Sequence[float]]
"""One value per process, or the values of each process; in order of execution, any unit."""

Better = Literal["lower", "higher"]
"""Which direction of the metric is an improvement."""

LOW_QUANTILE = 0.1
"""Quantile that stands for a process, from the better end: near the minimum, which contention can
only raise, but depending less on how many values the process gave."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Base and head, one value per process, logarithms where ``scale`` is ``log``.

    ``edge`` is the floor in the unit of the values: ``log(1 + floor)``, or the floor times
    ``centre`` (the mean of the two absolute medians) on the linear scale. ``sign`` is 1 where a
    larger value is worse and -1 where it is better.
    """

    base: Array
    head: Array
    scale: Literal["log", "linear"]
    edge: float
    centre: float
    sign: Literal[1, -1]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        base: Values,
        head: Values,
        *,
        floor: float,
        better: Better,
        quantile: float = LOW_QUANTILE,
    ) -> "Sides":
        """Check both sides, represent each process by its ``quantile`` and choose the scale.

        The quantile counts from the better end: 0.99 is the slow tail of a time and the low tail
        of a throughput.

        Raises:
            UsageError: a side or a process without values, or a value that is not finite.
        """
        from_below = quantile if better == "lower" else 1 - quantile
        before = per_process(base, "base", from_below)
        after = per_process(head, "head", from_below)
        sign: Literal[1, -1] = 1 if better == "lower" else -1
        if min(before.min(), after.min()) > 0:
            edge = math.log1p(floor)
            return cls(np.log(before), np.log(after), "log", edge, 1.0, sign, ())
        centre = (abs(float(np.median(before))) + abs(float(np.median(after)))) / 2
        note = "values of zero or below: compared on the linear scale, relative to the median"
        return cls(before, after, "linear", floor * centre, centre, sign, (note,))

    def ratio(self, shift: float) -> float:
        """Return the ratio head / base that ``shift`` means; infinite bounds stay unbounded."""
        if self.scale == "log":
            return math.exp(shift) if shift < math.log(np.finfo(float).max) else math.inf
        if shift == 0:
            return 1.0
        return 1 + shift / self.centre if self.centre > 0 else math.copysign(math.inf, shift)

    @property
    def separated(self) -> bool:
        """Whether every value of one side is above every value of the other."""
        return bool(self.base.max() < self.head.min() or self.head.max() < self.base.min())

    @property
    def constant(self) -> bool:
        """Whether neither side varies at all."""
        return bool(np.ptp(self.base) == 0 and np.ptp(self.head) == 0)


def representatives(side: Values, name: str, better: Better) -> Array:
    """Return the value that stands for each process in a comparison, shape (processes,).

    It is the :data:`LOW_QUANTILE` from the better end. Raises as :func:`per_process`.
    """
    return per_process(side, name, LOW_QUANTILE if better == "lower" else 1 - LOW_QUANTILE)


def per_process(side: Values, name: str, quantile: float) -> Array:
    """Return the ``quantile`` of each process of a side, shape (processes,).

    Raises:
        UsageError: no process, a process without values, or a value that is not finite.
    """
    if len(side) == 0:
        raise UsageError(f"{name} has no values; wanted one process at least")
    found = np.empty(len(side))
    processes: Sequence[float | Sequence[float]] = side
    for index, process in enumerate(processes):
        values = (process,) if isinstance(process, float | int | np.number) else process
        if len(values) == 0:
            raise UsageError(f"{name}, process {index}: no values; leave failed processes out")
        if not all(map(math.isfinite, values)):
            raise UsageError(
                f"{name}, process {index}: a value is not finite; leave failed processes out"
            )
        found[index] = values[0] if len(values) == 1 else np.quantile(values, quantile)
    return found
