"""A comparison that may be looked at after every round, and stops as soon as it knows.

Alpha is spent: look k has the share ``w(k)`` of it, fixed before any data and summing to one, and
judges at level ``alpha * w(k)``. By the union bound the probability that any look is wrong stays at
or below alpha, whatever the noise, the dependence between looks and the rule that stops earlier.
The same holds for the intervals (repeated confidence intervals, Jennison and Turnbull, J. R.
Statist. Soc. B 51 (1989) 305) and for ``p_value``, which is the look's p divided by its share.

Why not an e-process or a simulated joint boundary: docs/statistics/two-sample.md has the simulated
costs. With rank tests the early looks are limited by how few arrangements exist, not by the bound.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from perfkit.errors import UsageError
from perfkit.model import Shift
from perfkit.stats.first_sight import first_sight
from perfkit.stats.hodges_lehmann import smallest_p
from perfkit.stats.sides import Better, Sides, Values
from perfkit.stats.two_sample import Design, check_levels, judge, rank_shift

FINAL_SHARE = 0.3
"""Share of alpha kept for the last look: the effects too small for the early ones are seen there.
Chosen by simulation between rounds for large effects and power for small ones."""

EARLY_SHARE = 0.3
"""The most of alpha that the first look able to decide may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialComparison:
    """The rule of one adaptive comparison; :meth:`look` applies it to all rounds so far.

    ``alpha`` bounds the probability of ever calling REGRESSED or IMPROVED without a difference,
    over all looks up to ``max_rounds``, and equally that of ever excluding the true ratio.
    ``steady`` is as for :func:`perfkit.stats.compare_samples`.

    >>> from perfkit.model import Verdict
    >>> rule = SequentialComparison(max_rounds=20)
    >>> noise = [0.00, 0.01, -0.01, 0.02, 0.01, 0.00, -0.02, 0.01]
    >>> base, head = [], []
    >>> for wobble in noise:  # each round measures both sides, in an order drawn anew
    ...     base.append([1.0 + wobble])
    ...     head.append([1.1 - wobble])
    ...     shift = rule.look(base, head)
    ...     if shift.verdict is not Verdict.INCONCLUSIVE or len(base) == rule.max_rounds:
    ...         break
    >>> shift.verdict.value, len(base)
    ('regressed', 6)
    """

    floor: float = 0.05
    alpha: float = 0.01
    better: Better = "lower"
    design: Design = "interleaved"
    max_rounds: int = 20
    steady: bool = False

    def __post_init__(self) -> None:
        check_levels(floor=self.floor, alpha=self.alpha)
        if self.max_rounds < 1:
            raise UsageError(f"max_rounds is {self.max_rounds}; wanted 1 or more")

    def look(self, base: Values, head: Values) -> Shift:
        """Return what the rounds so far show; not INCONCLUSIVE means decided, and may stop.

        ``base`` and ``head`` hold all processes so far, as for
        :func:`perfkit.stats.compare_samples`. ``ratio`` and ``p_value`` are valid however often
        and whenever one looks. Looks that come too early to decide may name a suspect.

        Raises:
            UsageError: as ``compare_samples`` does, and when there are more than ``max_rounds``.
        """
        sides = Sides.of(base, head, floor=self.floor, better=self.better)
        rounds = min(len(sides.base), len(sides.head))
        if rounds > self.max_rounds:
            raise UsageError(
                f"round {rounds} of a comparison planned for {self.max_rounds}: its alpha is "
                "spent; plan more rounds from the start"
            )
        share = spending(self.alpha, self.max_rounds)[rounds - 1]
        level = max(self.alpha * share, NOTHING)
        rank = rank_shift(sides, self.design, level)
        shift = judge(
            sides,
            rank,
            min(1.0, rank.p_value / share) if share > 0 else 1.0,
            design=self.design,
            floor=self.floor,
            alpha=self.alpha,
            confidence=1 - self.alpha,
            steady=self.steady,
        )
        if share > 0:
            return shift
        return replace(shift, suspected=first_sight(sides, rank, steady=self.steady))


NOTHING = 1e-300
"""Level of a look that has no share: no finite number of rounds reaches it."""


@lru_cache(maxsize=64)
def spending(alpha: float, max_rounds: int) -> tuple[float, ...]:
    """Return the share of alpha for looks 1 ... ``max_rounds``; they sum to 1 at most.

    Looks that cannot decide, because even full separation has too large a p, get nothing. The
    first that can at ``EARLY_SHARE``, and the one after it, get what full separation needs there;
    the last gets ``FINAL_SHARE``; what remains is spread evenly between.
    """
    shares = [0.0] * max_rounds
    spendable = 1 - 1e-9  # leaves room for rounding in the shares and in the levels
    reach = [smallest_p(n, n, paired=False) / alpha for n in range(1, max_rounds)]
    first = next((look for look, share in enumerate(reach) if share <= EARLY_SHARE), None)
    if first is None:
        shares[-1] = spendable
        return tuple(shares)
    early = reach[first : first + 2]
    shares[first : first + len(early)] = [share * (1 + 1e-9) for share in early]
    between = range(first + len(early), max_rounds - 1)
    left = spendable - sum(shares)
    shares[-1] = FINAL_SHARE if between else left
    for look in between:
        shares[look] = (left - FINAL_SHARE) / len(between)
    return tuple(shares)
