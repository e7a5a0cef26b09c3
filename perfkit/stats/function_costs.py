"""Which functions cost more on one side than on the other, from repeated sampled profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.errors import UsageError
from perfkit.stats.max_t import max_t
from perfkit.stats.size_factors import size_factors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALPHA = 0.02
"""Chance that any function is named where none differs. A wrong name sends somebody into the wrong
file, and a planted tenth of the time is still named by five sessions at this."""

FEWEST_SESSIONS = 5
"""Sessions a side from which anything can be significant: five have 252 relabellings, and the
smallest two-sided p is 2 / 252. Four have 70, and 2 / 70 is above :data:`ALPHA`."""

LEAST_SAMPLES = 0.5
"""Samples per session, over both sides, below which a function is not tested: it can neither be
told from chance nor matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCosts:
    """What each function costs on both sides, in the order of the columns.

    ``base`` and ``head`` are mean costs per call in units of base's whole cost, so that those of
    base add up to 1; session speed is taken out of both. ``p_adjusted`` is the chance of a
    difference as large as this in any function if no function differed; 1 where not tested.
    ``speed`` is the ratio of the size factors, head over base: what changed for all functions
    alike. ``relabellings`` is how many the test looked at.
    """

    base: tuple[float, ...]
    head: tuple[float, ...]
    p_adjusted: tuple[float, ...]
    speed: float
    references: float
    relabellings: int

    @property
    def change(self) -> float:
        """Head's whole cost minus base's, in units of base's."""
        return sum(self.head) - sum(self.base)

    @property
    def named(self) -> tuple[int, ...]:
        """The columns that differ for certain, those that cost more by most first."""
        found = [index for index, p in enumerate(self.p_adjusted) if p <= ALPHA]
        return tuple(sorted(found, key=lambda index: self.base[index] - self.head[index]))


def compare_costs(
    base: Sequence[Sequence[float]],
    head: Sequence[Sequence[float]],
    *,
    quantum_base: Sequence[float],
    quantum_head: Sequence[float],
    seed: int = 0,
) -> FunctionCosts:
    """Compare what functions cost in repeated sessions of two sides.

    Args:
        base: Sessions x functions, each function's own time per call; at least two sessions.
        head: The same functions in the sessions of the other side.
        quantum_base: What one sample stands for in each session of base, in the same unit: the
            length of the interval over the calls.
        quantum_head: Likewise.
        seed: Of the relabellings, where there are too many to look at all.

    A function's variance is taken to be at least that of counting its samples (Poisson).

    Raises:
        UsageError: fewer than two sessions on a side, or a base without any time.
    """
    import numpy as np

    if min(len(base), len(head)) < 2:  # noqa: PLR2004  # a variance takes two values
        raise UsageError(f"found {len(base)} and {len(head)} sessions, wanted two a side or more")
    costs = np.array([*base, *head], dtype=float)
    quantum = np.array([*quantum_base, *quantum_head], dtype=float)
    factors, references = size_factors(costs, quantum)
    costs = costs / factors[:, None]
    quantum = quantum / factors
    split = len(base)
    low, high = costs[:split], costs[split:]
    whole = float(low.sum(axis=1).mean())
    if whole <= 0:
        raise UsageError("the sessions of base hold no time, so nothing can be compared with them")
    p_adjusted = np.ones(costs.shape[1])
    tested = (costs / quantum[:, None]).mean(axis=0) >= LEAST_SAMPLES
    looked = 0
    if tested.any():
        counting = costs[:, tested].mean(axis=0) * quantum.mean()
        p_adjusted[tested], looked = max_t(low[:, tested], high[:, tested], counting, seed=seed)
    logs = np.log(factors)
    return FunctionCosts(
        base=_values(low.mean(axis=0) / whole),
        head=_values(high.mean(axis=0) / whole),
        p_adjusted=_values(p_adjusted),
        speed=float(np.exp(logs[split:].mean() - logs[:split].mean())),
        references=references,
        relabellings=looked,
    )


def _values(numbers: "NDArray[np.float64]") -> tuple[float, ...]:
    return tuple(float(number) for number in numbers)
