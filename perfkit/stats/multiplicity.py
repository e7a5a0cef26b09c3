"""Many benchmarks at once: which verdicts survive that there were so many chances to be wrong.

With 200 benchmarks at alpha 0.01, two change verdicts are expected where nothing changed, and with
few rounds no p-value is small enough to be corrected for 200 tests. So there are two ways to hold
the false discovery rate at alpha over the whole suite:

* without confirmation, the p-values of all benchmarks are adjusted together;
* with confirmation, the suspects alone are measured again, on rounds that had no part in making
  them suspects. Given the first rounds, those measurements are independent of the selection, so
  the adjustment counts the few suspects instead of the whole suite.

Adjustment: Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995) 289. Where nothing changed at
all, the rate is the probability that any benchmark of the suite is called changed.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from perfkit.errors import UsageError
from perfkit.model import Shift, Verdict

Key = TypeVar("Key", bound=Hashable)

CHANGED = (Verdict.REGRESSED, Verdict.IMPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteVerdict:
    """One benchmark's verdict after the whole suite, with the adjusted p-value behind it.

    ``p_adjusted`` is adjusted over the suite, or over the suspects where ``confirmed`` rounds
    decided; None for exact metrics, which have no chance to adjust for.
    """

    verdict: Verdict
    p_adjusted: float | None
    confirmed: bool = False


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return the Benjamini-Hochberg adjusted p-values, in the order given; empty for none."""
    # scipy.stats.false_discovery_control, to which the tests hold this, costs every comparison a
    # second of importing scipy.stats.
    order = np.argsort(p_values)
    count = len(order)
    scaled = np.asarray(p_values, dtype=float)[order] * count / np.arange(1, count + 1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1)
    return [float(p) for p in adjusted]


def needs_confirmation(shifts: Mapping[Key, Shift]) -> tuple[Key, ...]:
    """Return the suspects: what changed, or looks like it, where chance has to be excluded."""
    return tuple(
        key
        for key, shift in shifts.items()
        if shift.apparent in CHANGED and shift.design != "exact"
    )


def judge_suite(
    shifts: Mapping[Key, Shift],
    *,
    alpha: float = 0.01,
    confirmations: Mapping[Key, Shift] | None = None,
) -> dict[Key, SuiteVerdict]:
    """Return the verdict of every benchmark of ``shifts``, holding ``alpha`` over the suite.

    ``confirmations`` holds, for every key of ``needs_confirmation(shifts)`` that could be measured
    again, the shift of those new rounds alone. None means nothing was measured again. A suspect
    keeps its verdict when its adjusted p-value is at most ``alpha`` and, where confirmations are
    given, its own confirms; a suspect whose confirmation is UNCHANGED becomes that, any other
    becomes INCONCLUSIVE.

    Raises:
        UsageError: a confirmation of something that is not a suspect.

    >>> from perfkit.stats import SequentialComparison
    >>> rule = SequentialComparison()
    >>> first = rule.look([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5])
    >>> needs_confirmation({"load": first})
    ('load',)
    >>> again = rule.look([1.1, 1.1, 1.3, 1.3, 1.4, 1.6], [2.1, 2.1, 2.2, 2.2, 2.3, 2.5])
    >>> judge_suite({"load": first}, confirmations={"load": again})["load"].verdict.value
    'regressed'
    """
    suspects = needs_confirmation(shifts)
    if confirmations is not None and (unasked := [k for k in confirmations if k not in suspects]):
        raise UsageError(f"{unasked[0]} was confirmed but is no suspect; confirm suspects only")
    chance = [key for key, shift in shifts.items() if shift.design != "exact"]
    by_suite = dict(zip(chance, adjust([shifts[key].p_value for key in chance]), strict=True))
    again = confirmations or {}
    # The direction was given beforehand, so half of the two-sided p is the p of a confirmation.
    one_sided = [
        shift.p_value / 2 if shift.verdict is shifts[key].apparent else 1.0
        for key, shift in again.items()
    ]
    by_suspects = dict(zip(again, adjust(one_sided), strict=True))
    judged: dict[Key, SuiteVerdict] = {}
    for key, shift in shifts.items():
        p_adjusted = by_suite.get(key)
        verdict = shift.verdict
        if key in again:
            p_adjusted = by_suspects[key]
            verdict = _confirmed(
                shift.apparent, again[key].verdict, significant=p_adjusted <= alpha
            )
        elif key in suspects and (confirmations is not None or by_suite[key] > alpha):
            verdict = Verdict.INCONCLUSIVE
        judged[key] = SuiteVerdict(verdict=verdict, p_adjusted=p_adjusted, confirmed=key in again)
    return judged


def _confirmed(first: Verdict, again: Verdict, *, significant: bool) -> Verdict:
    if again is first and significant:
        return first
    return Verdict.UNCHANGED if again is Verdict.UNCHANGED else Verdict.INCONCLUSIVE
