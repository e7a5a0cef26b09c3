"""What noise alone moves each benchmark by on one kind of machine, from the runs stored of it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.baselines.machine import machine_name
from perfkit.baselines.store import newest_runs
from perfkit.model import BenchmarkId, Environment, Sample
from perfkit.stats import NoiseFloor, calibrate_rounds, representatives
from perfkit.stats.noise_floor import FEWEST

NEWEST = 20
"""Runs that are read: enough for quartiles, few enough to cost less than one measured round."""


@dataclass(slots=True)
class Rounds:
    """A/A rounds: neighbouring processes of one run, relative to the level of their run."""

    base: list[float] = field(default_factory=list)
    head: list[float] = field(default_factory=list)
    runs: int = 0

    def add(self, values: Sequence[float]) -> None:
        """Add the pairs of one run; ``values`` stand for its processes in order."""
        if not values[1:] or min(values) <= 0:
            return
        level = statistics.median(values)
        self.runs += 1
        relative = [value / level for value in values]
        self.base += relative[0 : len(values) // 2 * 2 : 2]
        self.head += relative[1::2]


def stored_noise(
    folder: Path, environment: Environment, versions: Mapping[BenchmarkId, str], *, rounds: int
) -> dict[BenchmarkId, NoiseFloor]:
    """Return the noise floor of every benchmark that enough stored runs tell of.

    Only runs of machines with the same fingerprint, the same Python and, in ``versions``, the same
    source of the benchmark count. Two processes that ran one after the other measured the same
    code in the same minutes, as the sides of a round do: what they differ by is noise. ``rounds``
    is the number of rounds of the comparison that the floor is for.
    """
    found: dict[BenchmarkId, Rounds] = {}
    for run in newest_runs(folder, machine_name(environment), NEWEST):
        if run.dirty or run.environment.python != environment.python:
            continue
        for sample in run.samples:
            if _same(sample, versions):
                found.setdefault(sample.benchmark, Rounds()).add(
                    [float(one) for one in representatives(sample.processes, "run", sample.better)]
                )
    return {
        identity: replace(
            calibrate_rounds(seen.base, seen.head, rounds=rounds),
            provenance=f"{len(seen.base)} A/A rounds in {seen.runs} stored runs",
        )
        for identity, seen in found.items()
        if len(seen.base) >= FEWEST
    }


def _same(sample: Sample, versions: Mapping[BenchmarkId, str]) -> bool:
    version = versions.get(sample.benchmark)
    return (
        bool(sample.processes)
        and not sample.failure
        and not sample.exact
        and version is not None
        and sample.source_hash == version
    )
