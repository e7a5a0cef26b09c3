"""Stored runs as one series per benchmark, in the order in which commits were merged."""

import statistics
from collections.abc import Iterable, Sequence

from perfkit.baselines.machine import machine_name
from perfkit.model import Run, Sample, Series, Unit
from perfkit.stats import representatives


def series_of(runs: Iterable[Run], order: Sequence[str]) -> tuple[Series, ...]:
    """Return one series per benchmark and machine, all over the same commits.

    ``order`` holds full commits, oldest first; the series' points are those of them that any run
    measured. Runs of other commits (of other branches) and of uncommitted work are left out. A
    commit measured several times is one point, the median of its processes; NaN stands where the
    benchmark failed or was not measured.
    """
    kept = [run for run in runs if not run.dirty]
    measured = {run.commit for run in kept}
    commits = tuple(commit for commit in order if commit in measured)
    position = {commit: index for index, commit in enumerate(commits)}
    found: dict[tuple[str, str, Unit], dict[int, list[Sample]]] = {}
    for run in kept:
        if run.commit not in position:
            continue
        machine = machine_name(run.environment)
        for sample in run.samples:
            key = (machine, str(sample.benchmark), sample.unit)
            found.setdefault(key, {}).setdefault(position[run.commit], []).append(sample)
    return tuple(
        Series(
            name=name,
            group=machine,
            unit=unit,
            labels=commits,
            values=tuple(_value(points.get(index, [])) for index in range(len(commits))),
        )
        for (machine, name, unit), points in sorted(found.items())
    )


def _value(samples: Sequence[Sample]) -> float:
    worked = [sample for sample in samples if sample.processes and not sample.failure]
    if not worked:
        return float("nan")
    return statistics.median(
        float(value)
        for sample in worked
        for value in representatives(sample.processes, "history", sample.better)
    )
