"""How often the right function is named: `python benchmarks/culprits/simulated.py`.

Sessions of a program of 50 functions are drawn, with noise as real ones have it (`real.py` beside
this file measures it): shares that fall like 1 / rank, a speed of its own for every session, a
factor of its own for every function in every session (memory layout, caches), now and then a burst
that hits one function, and samples that fall by chance. One function, drawn anew each trial, gets a
slowdown of a known part of the whole time. Printed: in how many trials the first name is the right
one (and significant), and in how many trials without any slowdown anybody is named.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfkit.stats import compare_costs

FUNCTIONS = 50
SAMPLES = 1000
SPEED = 0.08
"""Standard deviation of the log of a session's speed."""
LAYOUT = 0.05
"""Standard deviation of the log of one function's factor in one session."""
BURST = 0.02
"""Chance of a session to have one function hit by something, for a tenth of the whole time."""


@dataclass(frozen=True)
class Figure:
    """One required rate, the setting it is for, and what was measured."""

    sessions: int
    slowdown: float
    required: float
    measured: float

    @property
    def met(self) -> bool:
        """Whether the rate is as required: at most, where nothing was planted."""
        if self.slowdown:
            return self.measured >= self.required
        return self.measured <= self.required


REQUIRED = ((10, 0.05, 0.90), (10, 0.10, 0.95), (10, 0.30, 0.99), (5, 0.10, 0.95))
NOBODY = ((10, 0.0, 0.05), (5, 0.0, 0.05))


def session(
    shares: NDArray[np.float64], generator: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Return one session's own seconds per call of every function, and seconds per sample."""
    true = shares * np.exp(generator.normal(0.0, LAYOUT, len(shares)))
    if generator.random() < BURST:
        true[generator.integers(len(shares))] += 0.1
    true *= np.exp(generator.normal(0.0, SPEED))
    counted = generator.multinomial(SAMPLES, true / true.sum())
    quantum = true.sum() / SAMPLES
    return counted * quantum, quantum


def trial(sessions: int, slowdown: float, generator: np.random.Generator) -> tuple[int, int | None]:
    """Return the planted function and the first that is named significant, None for nobody."""
    shares = 1 / np.arange(1, FUNCTIONS + 1)
    shares /= shares.sum()
    planted = int(generator.integers(FUNCTIONS))
    slower = shares.copy()
    slower[planted] += slowdown
    base = [session(shares, generator) for _ in range(sessions)]
    head = [session(slower, generator) for _ in range(sessions)]
    found = compare_costs(
        [costs.tolist() for costs, _ in base],
        [costs.tolist() for costs, _ in head],
        quantum_base=[quantum for _, quantum in base],
        quantum_head=[quantum for _, quantum in head],
        seed=int(generator.integers(2**31)),
    )
    return planted, found.named[0] if found.named else None


def rate(sessions: int, slowdown: float, trials: int, seed: int) -> float:
    """Return the share of trials that named the planted function first, or anybody at all."""
    generator = np.random.default_rng([seed, sessions, round(slowdown * 1000)])
    found = [trial(sessions, slowdown, generator) for _ in range(trials)]
    if slowdown:
        return sum(planted == first for planted, first in found) / trials
    return sum(first is not None for _, first in found) / trials


def figures(trials: int, seed: int) -> list[Figure]:
    """Return every required figure."""
    return [
        Figure(sessions, slowdown, required, rate(sessions, slowdown, trials, seed))
        for sessions, slowdown, required in (*REQUIRED, *NOBODY)
    ]


def main() -> None:
    """Print the table; exit 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{options.trials} trials each, {FUNCTIONS} functions, {SAMPLES} samples per session")
    print(f"{'slowdown':<18}{'sessions':>9}{'required':>11}{'measured':>10}  met")
    found = figures(options.trials, options.seed)
    for one in found:
        what = f"{one.slowdown:.0%} of the time" if one.slowdown else "none, anybody"
        sign = ">=" if one.slowdown else "<="
        print(
            f"{what:<18}{one.sessions:>9}{sign:>5}{one.required:>6.0%}{one.measured:>10.2%}"
            f"  {'yes' if one.met else 'NO'}"
        )
    sys.exit(not all(one.met for one in found))


if __name__ == "__main__":
    main()
