"""How detections are scored: matches, precision, recall, F1, and bootstrap intervals."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from histories import MARGIN, History, Vector

SEED = 20
"""Seeds 1 to 3 and the numpy histories were used for tuning; the figures are of other seeds and,
where the requirement is about real histories, of scipy."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes of one tool on one history, times ``weight``."""

    hits: int
    false: int
    missed: int
    points: int
    weight: float = 1.0


def compare(history: History, found: Sequence[int]) -> tuple[int, int, int]:
    """Return hits, false alarms and misses; each place and each alarm is matched at most once."""
    pairs = sorted(
        (abs(true - alarm), true, alarm)
        for true in history.truth
        for alarm in found
        if abs(true - alarm) <= MARGIN
    )
    places: set[int] = set()
    alarms: set[int] = set()
    for _, true, alarm in pairs:
        if true not in places and alarm not in alarms:
            places.add(true)
            alarms.add(alarm)
    return len(places), len(found) - len(alarms), len(history.truth) - len(places)


def f_score(counts: Iterable[Counts]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of weighted counts."""
    rows = np.array([(c.weight * c.hits, c.weight * c.false, c.weight * c.missed) for c in counts])
    hits, false, missed = rows.sum(axis=0)
    return (
        hits / max(hits + false, 1e-9),
        hits / (hits + missed),
        2 * hits / (2 * hits + false + missed),
    )


def bootstrap(counts: dict[str, list[Counts]], draws: int = 1000) -> dict[str, Vector]:
    """Return F1 per tool over ``draws`` resamplings of the histories, the same for every tool."""
    rng = np.random.default_rng(SEED)
    size = len(next(iter(counts.values())))
    chosen = rng.multinomial(size, np.full(size, 1 / size), size=draws)
    scores = {}
    for tool, rows in counts.items():
        table = np.array([(c.weight * c.hits, c.weight * (c.false + c.missed)) for c in rows])
        hits, wrong = (chosen @ table).T
        scores[tool] = 2 * hits / (2 * hits + wrong)
    return scores


def interval(values: Vector) -> str:
    """Return the 95 % interval of bootstrap values as text."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.3f} to {high:.3f}"


@dataclass
class Outcome:
    """All counts of one kind of history, by key (family or collection, step) and tool."""

    counts: dict[tuple[str, float], dict[str, list[Counts]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, key: tuple[str, float], judged: dict[str, Counts], weight: float) -> None:
        """Keep the counts of one history."""
        for tool, c in judged.items():
            self.counts[key][tool].append(Counts(c.hits, c.false, c.missed, c.points, weight))

    def pooled(self, wanted: Callable[[str, float], bool]) -> dict[str, list[Counts]]:
        """Return the counts of all keys for which ``wanted(family, step)`` holds."""
        found: dict[str, list[Counts]] = defaultdict(list)
        for (family, step), by_tool in self.counts.items():
            if wanted(family, step):
                for tool, rows in by_tool.items():
                    found[tool] += rows
        return found
