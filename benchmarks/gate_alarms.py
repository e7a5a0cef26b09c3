"""How often the whole gate alarms where nothing changed: simulated A/A suites.

Every suite has ``--benchmarks`` benchmarks, each with noise of its own size and shape (normal,
heavy-tailed, skewed, drifting with the rounds). Both sides are drawn from the same distribution
and go through what a comparison goes through: a look after every round from ``min_rounds`` on until
decided, suspects measured again on new rounds, and the gate's own ``judge``. Prints how many suites
have any regressed row, beside what is allowed; exits 1 when it is more.
"""

import argparse
import sys
import time
from datetime import date

import numpy as np

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence
from perfkit.model import BenchmarkId, Sample, Shift, Unit, Verdict
from perfkit.stats import needs_confirmation

ALLOWED = 0.05
"""Share of suites without a change that may have any regressed row."""

RULES = Thresholds()
Sides = tuple[Sample, Sample]


def main() -> int:
    """Simulate and print; return 0 when the rate is within what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", type=int, default=1000)
    parser.add_argument("--benchmarks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    alarmed = suspected = 0
    for suite in range(options.suites):
        regressed, suspects = simulated(
            options.benchmarks, np.random.default_rng([options.seed, suite])
        )
        alarmed += regressed > 0
        suspected += suspects > 0
    rate = alarmed / options.suites
    print(
        f"{options.suites} A/A suites of {options.benchmarks} benchmarks: {suspected} had suspects,"
        f" {alarmed} a regressed row, in {time.monotonic() - started:.0f} s"
    )
    met = "met" if rate <= ALLOWED else "not met"
    print(f"required: at most {ALLOWED:.0%} of suites; measured: {rate:.1%}; {met}")
    return 0 if rate <= ALLOWED else 1


def simulated(
    benchmarks: int, random: np.random.Generator, *, slower: float = 1.0
) -> tuple[int, int]:
    """Return how many rows of one suite are regressed, and how many were suspects.

    The head of the first benchmark takes ``slower`` times as long; 1 is an A/A suite.
    """
    rule = RULES.regression
    identities = [BenchmarkId(f"suite.time_{index:03d}") for index in range(benchmarks)]
    noises = {identity: Noise(random) for identity in identities}
    noises[identities[0]].slower = slower
    first = {one: measured(one, noises[one], random) for one in identities}
    shifts = {one: shift_of(*sides) for one, sides in first.items()}
    suspects = needs_confirmation(shifts)
    again = {one: measured(one, noises[one], random) for one in suspects}
    rows = judge(
        Evidence(
            base={one: base for one, (base, _) in first.items()},
            head={one: head for one, (_, head) in first.items()},
            expected=frozenset(identities),
            base_again={one: base for one, (base, _) in again.items()} if suspects else None,
            head_again={one: head for one, (_, head) in again.items()} if suspects else None,
        ),
        RULES,
        today=date(2025, 1, 1),
        shift_of=shift_of,
    )
    assert len(rows) == benchmarks  # noqa: S101  # a simulation that loses rows says nothing
    assert rule.alpha == 0.01  # noqa: S101  # the figure in the docs is for the default
    return sum(row.verdict is Verdict.REGRESSED for row in rows), len(suspects)


class Noise:
    """The noise of one benchmark, the same on both sides."""

    def __init__(self, random: np.random.Generator) -> None:
        self.sigma = float(np.exp(random.uniform(np.log(0.005), np.log(0.1))))
        self.slower = 1.0
        self.kind = str(random.choice(["normal", "heavy", "skewed", "drift"]))

    def values(self, rounds: int, random: np.random.Generator) -> tuple[list[float], list[float]]:
        """Return both sides of so many rounds, in seconds."""
        size = (2, rounds)
        if self.kind == "heavy":
            logs = self.sigma * random.standard_t(3, size)
        elif self.kind == "skewed":
            logs = self.sigma * random.exponential(1.5, size)
        else:
            logs = self.sigma * random.standard_normal(size)
        if self.kind == "drift":
            logs = logs + self.sigma * np.cumsum(random.standard_normal(rounds))
        base, head = np.exp(logs)
        return base.tolist(), (self.slower * head).tolist()


def measured(identity: BenchmarkId, noise: Noise, random: np.random.Generator) -> Sides:
    """Return both sides after as many rounds as deciding takes."""
    rule = RULES.regression
    base, head = noise.values(rule.max_rounds, random)
    sides = samples(identity, base[: rule.min_rounds], head[: rule.min_rounds])
    for rounds in range(rule.min_rounds, rule.max_rounds + 1):
        sides = samples(identity, base[:rounds], head[:rounds])
        if shift_of(*sides).verdict is not Verdict.INCONCLUSIVE:
            break
    return sides


def samples(identity: BenchmarkId, base: list[float], head: list[float]) -> Sides:
    """Return one process per value."""

    def side(values: list[float]) -> Sample:
        return Sample(
            benchmark=identity,
            unit=Unit.SECONDS,
            processes=tuple((value,) for value in values),
            rounds=tuple(range(len(values))),
        )

    return side(base), side(head)


def shift_of(base: Sample, head: Sample) -> Shift:
    """Return the gate's own shift."""
    return shift_between(base, head, RULES)


if __name__ == "__main__":
    sys.exit(main())
