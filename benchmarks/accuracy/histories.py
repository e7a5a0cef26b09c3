"""Histories with known change points: synthetic families, and resampled real asv series."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import lfilter

NOISE = 0.02
"""Standard deviation of the log of every synthetic family."""
STEPS = (0.02, 0.05, 0.1, 0.2)
STILL = ("lognormal", "heavy-tailed", "bimodal", "outliers", "skewed", "AR(.5)", "quantised")
DRIFTS = ("drift: line", "drift: ramp", "drift: sine", "drift: walk")
LENGTH = 300
MARGIN = 5
"""A reported index counts as found within this many points of the true one."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class History:
    """A series and the indices at which a new level begins."""

    values: Vector
    truth: tuple[int, ...]


def _still(family: str, n: int, rng: np.random.Generator) -> Vector:
    """Return log noise of standard deviation NOISE about zero (outliers come on top)."""
    match family:
        case "lognormal" | "quantised":
            return NOISE * rng.normal(size=n)
        case "heavy-tailed":  # Student t with 3 degrees of freedom
            return NOISE * rng.standard_t(3, size=n) / np.sqrt(3)
        case "bimodal":  # 30 % of the points in a second mode, 3.8 standard deviations off
            mode = np.where(rng.random(n) < 0.3, 1.6, -1.6 * 3 / 7)
            spread = np.sqrt(0.6**2 + 0.3 * 1.6**2 + 0.7 * (1.6 * 3 / 7) ** 2)
            return NOISE * (mode + 0.6 * rng.normal(size=n)) / spread
        case "outliers":  # 3 % of the points are slower by 30 % on average
            burst = np.where(rng.random(n) < 0.03, rng.exponential(0.3, size=n), 0.0)
            return NOISE * rng.normal(size=n) + burst
        case "skewed":  # gamma with shape 2
            return NOISE * (rng.gamma(2, size=n) - 2) / np.sqrt(2)
        case "AR(.5)":
            innovations = rng.normal(size=n + 50)
            return NOISE * np.sqrt(0.75) * lfilter([1], [1, -0.5], innovations)[50:]
        case _:
            raise ValueError(family)


def _drift(family: str, n: int, rng: np.random.Generator) -> Vector:
    """Return a slow movement of the log level, without noise."""
    t = np.arange(n) / n
    sign = rng.choice([-1.0, 1.0])
    match family:
        case "drift: line":  # 2 to 20 % over the whole series
            return sign * rng.uniform(0.02, 0.2) * t
        case "drift: ramp":  # the same over 30 to 100 % of it, level before and after
            start = rng.uniform(0, 0.5)
            end = rng.uniform(start + 0.3, 1)
            return sign * rng.uniform(0.02, 0.2) * np.clip((t - start) / (end - start), 0, 1)
        case "drift: sine":  # half a period to two, 1 to 6 % to either side
            phase = rng.uniform(0.5, 2) * t + rng.random()
            return rng.uniform(0.01, 0.06) * np.sin(2 * np.pi * phase)
        case "drift: walk":  # a random walk that is 2 to 12 % away at the end
            return np.cumsum(rng.normal(size=n)) * rng.uniform(0.02, 0.12) / np.sqrt(n)
        case _:
            raise ValueError(family)


def places(n: int, rng: np.random.Generator) -> list[int]:
    """Return one to three change points, 40 points apart and 20 from the ends."""
    count = int(rng.integers(1, 4))
    while True:
        found = sorted(rng.integers(20, n - 20, size=count).tolist())
        if all(b - a >= 40 for a, b in pairwise(found)):
            return found


def with_steps(
    log_values: Vector, truth: Sequence[int], step: float, rng: np.random.Generator
) -> Vector:
    """Return the values (not logs) with a step of ``step`` up or down at each place."""
    shifted = log_values.copy()
    for place in truth:
        shifted[place:] += rng.choice([-1.0, 1.0]) * np.log1p(step)
    return np.exp(shifted)


def synthetic(family: str, step: float, seed: int, index: int, n: int = LENGTH) -> History:
    """Return history ``index`` of a family; ``step`` 0 means change-free."""
    families = (*STILL, *DRIFTS)
    rng = np.random.default_rng([seed, families.index(family), round(step * 1000), index])
    if family in DRIFTS:
        log_values = _drift(family, n, rng) + NOISE * rng.normal(size=n)
    else:
        log_values = _still(family, n, rng)
    truth = places(n, rng) if step else []
    values = with_steps(log_values, truth, step, rng)
    if family == "quantised":  # a clock that ticks every 1 %
        values = np.round(values, 2)
    return History(values, tuple(truth))


def residuals(folder: Path, collection: str) -> Iterator[Vector]:
    """Yield the log residuals about a running median of 51 points, one real series at a time."""
    with gzip.open(folder / f"{collection}_i7.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            log_values = np.log(np.asarray(json.loads(line)["y"], dtype=np.float64))
            yield log_values - median_filter(log_values, size=51, mode="nearest")


def resampled(residual: Vector, step: float, key: Sequence[int], n: int = LENGTH) -> History:
    """Return a semi-real history: blocks of 20 residuals in random order, with known steps."""
    rng = np.random.default_rng(list(key))
    blocks = -(-n // 20)
    starts = rng.integers(0, residual.size - 20 + 1, size=blocks)
    log_values = np.concatenate([residual[start : start + 20] for start in starts])[:n]
    truth = places(n, rng) if step else []
    return History(with_steps(log_values, truth, step, rng), tuple(truth))


def excursion(seed: int, index: int, n: int = LENGTH) -> History:
    """Return a lognormal history whose level is 10 % higher for 10 points, somewhere inside."""
    rng = np.random.default_rng([seed, 66, index])
    log_values = NOISE * rng.normal(size=n)
    start = int(rng.integers(40, n - 50))
    log_values[start : start + 10] += np.log(1.1)
    return History(np.exp(log_values), (start, start + 10))
