"""Where the rounds of the two-sample evaluation come from: families of noise, and real processes.

A source draws ``(base, head)`` of one A/A comparison: logarithms of process times, shape (rounds,)
each, measured interleaved with the order within a round drawn anew.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Array = np.ndarray
Source = Callable[[np.random.Generator, int], tuple[Array, Array]]

WORKLOADS = {
    "sort": "import random; r = random.Random(1); d = [r.random() for _ in range(2000)]\n"
    "def f(): sorted(d)",
    "dict": "def f():\n d = {}\n for i in range(3000): d[str(i)] = i",
    "json": "import json; t = {str(i): [i] * 5 for i in range(150)}\n"
    "def f(): json.loads(json.dumps(t))",
}
"""Small workloads; a fresh process times each 15 times and reports its minimum."""

TIMER = """
import time
{source}
best = None
for _ in range(15):
    start = time.perf_counter_ns(); f(); spent = time.perf_counter_ns() - start
    best = spent if best is None else min(best, spent)
print(best)
"""


def interleaved(series: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """Split a series in order of execution, shape (2 rounds,), into rounds in random order."""
    rounds = random.permuted(series.reshape(-1, 2), axis=1)
    return rounds[:, 0].copy(), rounds[:, 1].copy()


def lognormal(sd: float) -> Source:
    """Independent normal noise on the logarithm."""
    return lambda random, n: interleaved(random.normal(0, sd, 2 * n), random)


def _heavy(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    return interleaved(0.02 * random.standard_t(2, 2 * n), random)


def _skewed(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    return interleaved(random.exponential(0.02, 2 * n), random)


def _bimodal(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    modes = 0.08 * (random.random(2 * n) < 0.3)
    return interleaved(random.normal(0, 0.01, 2 * n) + modes, random)


def _outliers(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    spikes = random.exponential(0.5, 2 * n) * (random.random(2 * n) < 0.1)
    return interleaved(random.normal(0, 0.02, 2 * n) + spikes, random)


def _autoregressive(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    innovations = random.normal(0, 0.02 * np.sqrt(1 - 0.25), 2 * n + 20)
    series = np.empty_like(innovations)
    level = 0.0
    for index, innovation in enumerate(innovations):
        level = 0.5 * level + innovation
        series[index] = level
    return interleaved(series[20:], random)


def _drift(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    return interleaved(random.normal(0, 0.02, 2 * n) + np.linspace(0, 0.2, 2 * n), random)


def _quantised(random: np.random.Generator, n: int) -> tuple[Array, Array]:
    ticks = np.round(100 * np.exp(random.normal(0, 0.02, 2 * n)))
    return interleaved(np.log(ticks), random)


FAMILIES: dict[str, Source] = {
    "lognormal 1 %": lognormal(0.01),
    "lognormal 2 %": lognormal(0.02),
    "lognormal 5 %": lognormal(0.05),
    "heavy tails (t2, 2 %)": _heavy,
    "skewed (exponential 2 %)": _skewed,
    "bimodal (two modes 8 % apart)": _bimodal,
    "outliers (10 % of processes)": _outliers,
    "AR(0.5), 2 %": _autoregressive,
    "drift of 20 % over the run": _drift,
    "quantised to 1 %": _quantised,
}


def windows(series: Array) -> Source:
    """Draw runs of consecutive real processes from ``series``, log times in order of execution."""

    def draw(random: np.random.Generator, n: int) -> tuple[Array, Array]:
        start = random.integers(0, len(series) - 2 * n + 1)
        return interleaved(series[start : start + 2 * n], random)

    return draw


def recorded(folder: Path) -> dict[str, Source]:
    """The A/A rounds of ``aa_real.json`` in ``folder``, minimum per process; empty when absent."""
    path = folder / "aa_real.json"
    if not path.is_file():
        return {}
    return {
        f"recorded {name}, contended": windows(np.log([process[0] for process in processes]))
        for name, processes in json.loads(path.read_text()).items()
    }


def record(seconds: float) -> dict[str, Source]:
    """Run fresh processes of each workload in turn on this machine for about ``seconds``."""
    found: dict[str, list[int]] = {name: [] for name in WORKLOADS}
    end = time.monotonic() + seconds
    while time.monotonic() < end or min(map(len, found.values())) < 40:
        for name, source in WORKLOADS.items():
            command = [sys.executable, "-I", "-S", "-c", TIMER.format(source=source)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            found[name].append(int(done.stdout))
    return {
        f"this machine, {name} ({len(values)} processes)": windows(np.log(values))
        for name, values in found.items()
    }
