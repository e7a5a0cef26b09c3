"""What different ways to stop early cost, in rounds, for the same false alarm rate.

All watch the same comparisons up to 20 rounds at alpha 0.01, with no floor, until they call a
change: perfkit's spending; equal shares for every look; one boundary for all looks, simulated from
the joint null distribution of the rank statistic (Pocock's design); and an e-process, betting on
the sign of each round's difference with the Krichevsky-Trofimov mixture.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import betaln

from perfkit.stats.first_sight import STUDENT
from perfkit.stats.hodges_lehmann import mann_whitney_cdf, signed_rank_cdf
from perfkit.stats.sequential import spending

Array = np.ndarray
ROUNDS, ALPHA = 20, 0.01
FIRST = 5


def costs(seed: int, n: int) -> Iterator[str]:
    """Mean rounds and power of each way, as a Markdown table."""
    random = np.random.default_rng([seed, 7])
    null = _p_values(*random.normal(0, 1, (2, 5 * n, ROUNDS)))
    pocock = np.full(ROUNDS, np.quantile(null.min(axis=1), ALPHA, method="lower"))
    pocock = np.nextafter(pocock, 0)
    equal = np.where(np.arange(1, ROUNDS + 1) >= FIRST, ALPHA / (ROUNDS - FIRST + 1), 0)
    fixed = np.where(np.arange(1, ROUNDS + 1) == ROUNDS, ALPHA, 0)
    ways = {
        "perfkit's shares": ALPHA * np.array(spending(ALPHA, ROUNDS)),
        "equal shares": equal,
        "one simulated boundary": pocock,
        "fixed 20 rounds": fixed,
    }
    yield f"### Ways to stop: mean rounds (and % called), {n} comparisons a row, unpaired rank test"
    yield ""
    names = [*ways, "e-process on signs"]
    yield f"| shift in standard deviations | {' | '.join(names)} |"
    yield f"|{' --- |' * (len(names) + 1)}"
    for shift in (0.0, 1.0, 1.5, 2.0, 3.0, 5.0):
        base, head = random.normal(0, 1, (2, n, ROUNDS))
        head += shift
        p_values = _p_values(base, head)
        alarms = [p_values <= np.maximum(levels, 1e-300) for levels in ways.values()]
        alarms.append(_wealth(head > base) >= 1 / ALPHA)
        cells = []
        for alarm in alarms:
            called = alarm.any(axis=1)
            rounds = np.where(called, alarm.argmax(axis=1) + 1, ROUNDS)
            cells.append(f"{rounds.mean():.1f} ({100 * called.mean():.1f})")
        yield f"| {shift:g} | {' | '.join(cells)} |"


def may_be_suspected(base: Array, head: Array) -> Array:
    """Which comparisons look changed at first sight, whatever the floor, shape (comparisons,)."""
    found = np.zeros(len(base), dtype=bool)
    for n, quantile in STUDENT.items():
        before, after = base[:, :n], head[:, :n]
        error = np.sqrt((before.var(axis=1, ddof=1) + after.var(axis=1, ddof=1)) / n)
        found |= np.abs(after.mean(axis=1) - before.mean(axis=1)) >= quantile * error
    return found


def may_alarm(base: Array, head: Array) -> Array:
    """Which comparisons any look of perfkit's rule could call changed, shape (comparisons,).

    True where the unpaired or the paired p, each at the full level of the look, is small enough:
    more than the rule itself would call, as it gives each form half where it uses both.
    """
    levels = np.maximum(ALPHA * np.array(spending(ALPHA, ROUNDS)), 1e-300)
    found = (_p_values(base, head) <= levels).any(axis=1)
    difference = head - base
    for k in range(1, ROUNDS + 1):
        first = difference[:, :k]
        rows, columns = np.triu_indices(k)
        above = np.count_nonzero(first[:, rows] + first[:, columns] > 0, axis=1)
        p_values = 2 * signed_rank_cdf(k)[np.minimum(above, len(rows) - above)]
        found |= p_values <= levels[k - 1]
    return found


def _p_values(base: Array, head: Array) -> Array:
    """Two-sided Mann-Whitney p after each round, shape (comparisons, rounds)."""
    above = head[:, :, None] > base[:, None, :]
    counts = np.stack([above[:, :k, :k].sum(axis=(1, 2)) for k in range(1, ROUNDS + 1)], axis=1)
    p_values = np.empty(counts.shape)
    for k in range(1, ROUNDS + 1):
        u = counts[:, k - 1]
        p_values[:, k - 1] = np.minimum(1, 2 * mann_whitney_cdf(k, k)[np.minimum(u, k * k - u)])
    return p_values


def _wealth(up: Array) -> Array:
    """Wealth of the Krichevsky-Trofimov bettor against a fair sign, after each round."""
    rounds = np.arange(1, ROUNDS + 1)
    ups = np.cumsum(up, axis=1)
    logs = betaln(ups + 0.5, rounds - ups + 0.5) - np.log(np.pi) + rounds * np.log(2)
    return np.exp(logs)
