"""How often the whole gate alarms where nothing changed: simulated A/A suites.

Every suite has ``--benchmarks`` benchmarks, each with noise of its own size and shape (normal,
heavy-tailed, skewed, drifting with the rounds) in its time, and of another in the peak memory
beside it (pages, steps of malloc, proportional, none). Both sides are drawn from the same
distribution and go through what a comparison goes through: a look after every round from the third
on until suspected or decided, suspects measured again on new rounds, memory that only these suspect
once more, and the gate's own ``judge``. Prints how many suites have any regressed row, of time or
of memory, beside what is allowed; exits 1 when it is more.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.confirming import confirmed, memory_confirmed, memory_to_confirm, suspects_of
from perfkit.gate.evidence import Evidence
from perfkit.gate.memory import with_memory
from perfkit.model import BenchmarkId, Sample, Shift, Unit, Verdict
from perfkit.stats.first_sight import FEWEST

ALLOWED = 0.05
"""Share of suites without a change that may have any regressed row."""

RULES = Thresholds()
Sides = tuple[Sample, Sample]
Pair = tuple[dict[BenchmarkId, Sample], dict[BenchmarkId, Sample]]
"""The samples of base, and those of head."""


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
    """Return how many rows of one suite are regressed, and how many benchmarks were suspects.

    The head of the first benchmark takes ``slower`` times as long; 1 is an A/A suite.
    """
    rule = RULES.regression
    identities = [BenchmarkId(f"suite.time_{index:03d}") for index in range(benchmarks)]
    noises = {identity: Noise(random) for identity in identities}
    noises[identities[0]].slower = slower
    times, peaks = measured(noises, dict.fromkeys(identities, ()), random)
    evidence = Evidence(base=times[0], head=times[1], expected=frozenset(identities))
    evidence = with_memory(evidence, *peaks)
    suspects = suspects_of(evidence, shift_of)
    if suspects:
        again = measured({one: noises[one] for one in suspects}, suspects, random)
        evidence = confirmed(evidence, *again, shift_of)
        beside = memory_to_confirm(evidence, shift_of)
        if beside:
            enough = max(rule.min_rounds, *beside.values())
            asked = {one: (one.peak_memory,) for one in beside}
            more = measured({one: noises[one] for one in beside}, asked, random, enough)
            evidence = memory_confirmed(evidence, *more)
    rows = judge(evidence, RULES, today=date(2025, 1, 1), shift_of=shift_of)
    assert len(rows) == 2 * benchmarks  # noqa: S101  # a simulation that loses rows says nothing
    assert rule.alpha == 0.01  # noqa: S101  # the figure in the docs is for the default
    return sum(row.verdict is Verdict.REGRESSED for row in rows), len(suspects)


class Noise:
    """The noise of one benchmark, the same on both sides."""

    def __init__(self, random: np.random.Generator) -> None:
        self.sigma = float(np.exp(random.uniform(np.log(0.005), np.log(0.1))))
        self.slower = 1.0
        self.kind = str(random.choice(["normal", "heavy", "skewed", "drift"]))
        self.peak = float(np.exp(random.uniform(np.log(4), np.log(400)))) * 2**20
        self.memory = str(random.choice(["pages", "steps", "relative", "none"]))

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

    def peaks(self, rounds: int, random: np.random.Generator) -> list[list[float]]:
        """Return the peak memory of both sides of so many rounds, in bytes."""
        size = (2, rounds)
        more: Any
        match self.memory:
            case "pages":
                more = 4096.0 * random.poisson(5, size)
            case "steps":
                more = 2.0**20 * random.binomial(3, 0.3, size)
            case "relative":
                more = self.peak * np.expm1(self.sigma / 4 * random.standard_normal(size))
            case _:
                more = np.zeros(size)
        return [[float(value) for value in side] for side in self.peak + more]


def measured(
    noises: Mapping[BenchmarkId, Noise],
    in_question: Mapping[BenchmarkId, Sequence[BenchmarkId]],
    random: np.random.Generator,
    least: int = RULES.regression.min_rounds,
) -> tuple[Pair, Pair]:
    """Return the times and the peak memory of both sides, after as many rounds as deciding takes.

    A benchmark is decided when what is ``in_question`` of it is: empty in the first rounds, where
    the time is, and where a suspicion is enough.
    """
    times: Pair = ({}, {})
    peaks: Pair = ({}, {})
    for identity, noise in noises.items():
        asked = in_question[identity]
        values = noise.values(RULES.regression.max_rounds, random)
        bytes_ = noise.peaks(RULES.regression.max_rounds, random)
        rounds = least if asked else FEWEST
        while True:
            time = samples(identity, Unit.SECONDS, values, rounds)
            memory = samples(identity.peak_memory, Unit.BYTES, bytes_, rounds)
            if rounds == RULES.regression.max_rounds or (
                settled(time, memory, asked) if asked else seen(time, early=rounds < least)
            ):
                break
            rounds += 1
        for side in (0, 1):
            times[side][identity], peaks[side][identity] = time[side], memory[side]
    return times, peaks


def seen(time: Sides, *, early: bool) -> bool:
    """Whether the first rounds are enough: a suspicion, or from ``min_rounds`` on a verdict."""
    shift = shift_of(*time)
    decided = not early and shift.verdict is not Verdict.INCONCLUSIVE
    return decided or shift.suspected is not None


def settled(time: Sides, memory: Sides, asked: Sequence[BenchmarkId]) -> bool:
    """Whether all of ``asked`` is decided."""
    sides = [time if one.beside is None else memory for one in asked]
    return all(shift_of(*one).verdict is not Verdict.INCONCLUSIVE for one in sides)


def samples(
    identity: BenchmarkId, unit: Unit, values: Sequence[Sequence[float]], rounds: int
) -> Sides:
    """Return both sides of the first rounds, one process per value."""
    base, head = (
        Sample(
            benchmark=identity,
            unit=unit,
            processes=tuple((value,) for value in side[:rounds]),
            rounds=tuple(range(rounds)),
        )
        for side in values
    )
    return base, head


def shift_of(base: Sample, head: Sample) -> Shift:
    """Return the gate's own shift."""
    return shift_between(base, head, RULES)


if __name__ == "__main__":
    sys.exit(main())
