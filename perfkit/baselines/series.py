"""Stored results as one series per benchmark, in the order in which commits were merged."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perfkit.baselines.collection import Collection
from perfkit.baselines.columns import NONE, UNITS, State, benchmark_of
from perfkit.baselines.descriptions import UnitOf
from perfkit.model import Series
from perfkit.plural import plural

OTHER_VERSIONS = "left out: {} of other versions of the benchmark"

Indices = NDArray[np.int64]


def commits_by_date(collection: Collection) -> list[str]:
    """Return every measured commit, oldest author date first: an order without a repository."""
    measured = collection.column("commit").tolist()
    dates = dict(zip(measured, collection.column("date").tolist(), strict=True))
    return [collection.texts[commit] for commit in sorted(dates, key=lambda one: dates[one])]


def series_of(
    collection: Collection, order: Sequence[str], *, unit_of: UnitOf
) -> tuple[Series, ...]:
    """Return one series per benchmark, machine and environment, all over the same commits.

    ``order`` holds full commits, oldest first; the points are those of them that any file
    measured. Results of other commits and of uncommitted work are left out, and so are those of
    another version of the benchmark than its newest, as asv does: they measure something else.
    A commit measured several times is one point, the median of its levels. NaN stands where there
    is no value. ``unit_of`` says the units that asv's files leave out.
    """
    place = {commit: index for index, commit in enumerate(order)}
    commit_places = np.array(
        [place.get(collection.texts[commit], NONE) for commit in collection.column("commit")],
        dtype=np.int64,
    )
    commit_places[collection.column("dirty") != 0] = NONE
    measured, position = np.unique(commit_places, return_inverse=True)
    if measured.size and measured[0] == NONE:
        measured, position = measured[1:], position - 1
    labels = tuple(order[index] for index in measured.tolist())
    groups, group_of_file = _groups(collection)
    file_of_row = collection.file_of_row()
    kept = np.flatnonzero(position[file_of_row] >= 0)
    if kept.size == 0:
        return ()
    file_of_row = file_of_row[kept]
    benchmark = collection.column("benchmark")[kept].astype(np.int64)
    texts = len(collection.texts)
    keys, series = _distinct(group_of_file[file_of_row] * texts + benchmark, len(groups) * texts)
    points = position[file_of_row]
    newest = _newest(series, points, keys.size)
    version = collection.column("version")[kept]
    same = (version == version[newest][series]) | (version == NONE)
    matrix = _matrix(
        series[same],
        points[same],
        np.where(
            collection.column("state")[kept] == State.VALUE,
            collection.column("level")[kept],
            math.nan,
        )[same],
        (keys.size, len(labels)),
    )
    older = np.bincount(series[~same], minlength=keys.size)
    unit = collection.column("unit")[kept][newest]
    higher = collection.column("higher")[kept][newest]
    found = []
    for index, key in enumerate(keys.tolist()):
        group, text = divmod(key, texts)
        identity = benchmark_of(collection.texts[text])
        left_out = int(older[index])
        found.append(
            Series(
                name=str(identity),
                group=groups[group],
                unit=UNITS[unit[index]] or unit_of(identity.name),
                labels=labels,
                values=tuple(matrix[index].tolist()),
                better="higher" if higher[index] else "lower",
                notes=(OTHER_VERSIONS.format(plural(left_out, "result")),) if left_out else (),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.group, one.name)))


def _groups(collection: Collection) -> tuple[list[str], Indices]:
    """Return the names of the groups and each file's: a machine, and where needed its environment.

    Python and the requirements are part of asv's environment, and other ones give other timings.
    """
    machine = collection.column("machine").astype(np.int64)
    environment = collection.column("environment").astype(np.int64)
    texts = len(collection.texts)
    keys, group = np.unique(machine * texts + environment, return_inverse=True)
    pairs = [divmod(key, texts) for key in keys.tolist()]
    machines = [machine for machine, _ in pairs]
    names = [
        collection.texts[machine]
        if machines.count(machine) == 1
        else f"{collection.texts[machine]}, {collection.texts[environment]}"
        for machine, environment in pairs
    ]
    return names, group


def _distinct(keys: Indices, bound: int) -> tuple[Indices, Indices]:
    """Return the distinct ``keys`` below ``bound`` and which each is, as numpy's unique does.

    Without sorting, which takes most of the time of a million results.
    """
    present = np.zeros(bound, dtype=bool)
    present[keys] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]


def _newest(series: Indices, points: Indices, count: int) -> Indices:
    """Return for each series a row of its newest point."""
    last = np.full(count, NONE)
    np.maximum.at(last, series, points)
    rows = np.flatnonzero(points == last[series])
    found = np.empty(count, dtype=np.int64)
    found[series[rows]] = rows
    return found


def _matrix(
    series: Indices, points: Indices, values: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return values by series and point; the median of those with the same place."""
    known = np.isfinite(values)
    cell, values = series[known] * shape[1] + points[known], values[known]
    flat = np.full(shape[0] * shape[1], math.nan)
    flat[cell] = values
    several = np.bincount(cell, minlength=flat.size)[cell] > 1
    cell, values = cell[several], values[several]
    order = np.argsort(cell, kind="stable")
    places, first = np.unique(cell[order], return_index=True)
    for place, same in zip(places, np.split(values[order], first[1:]), strict=False):
        flat[place] = np.median(same)
    return flat.reshape(shape)


def machine_labels(collection: Collection) -> Mapping[str, tuple[str, ...]]:
    """Return the names that the machines of each fingerprint call themselves."""
    found: dict[str, set[str]] = {}
    for machine, label in zip(
        collection.column("machine").tolist(), collection.column("label").tolist(), strict=True
    ):
        labels = found.setdefault(collection.texts[machine], set())
        if label != NONE:
            labels.add(collection.texts[label])
    return {machine: tuple(sorted(labels)) for machine, labels in sorted(found.items())}
