"""Results of many files as columns of numbers, built file by file."""

import json
import math
from array import array
from collections.abc import Mapping, Sequence
from enum import IntEnum
from itertools import chain, product, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfkit.baselines.machine import asv_machine_name, machine_name, stored_environment
from perfkit.baselines.result_file import ResultFile
from perfkit.model import BenchmarkId, Unit
from perfkit.stats.sides import LOW_QUANTILE

Columns = Mapping[str, NDArray[Any]]

NONE = -1
"""Where an index into the texts has nothing to point to."""

SEPARATOR = "\0"
"""Between a benchmark's name and its parameters in one text; no name or repr holds it."""

UNITS = (None, Unit.SECONDS, Unit.BYTES, Unit.COUNT)
"""Numbers of units in columns; asv's result files do not say theirs."""


class State(IntEnum):
    """What a result is. Only a VALUE is a measurement."""

    VALUE = 0
    FAILED = 1
    """asv's null: crashed, timed out, or never built."""
    SKIPPED = 2
    """asv's NaN: the benchmark declined to run, or was not chosen to."""
    INVALID = 3
    """Infinite, or no number at all."""


FILE_COLUMNS: Mapping[str, str] = {
    "digest": "V16",
    "error": "<i4",
    "commit": "<i4",
    "date": "<i8",
    "environment": "<i4",
    "machine": "<i4",
    "label": "<i4",
    "identity": "<i4",
    "descriptions": "<i4",
    "dirty": "<u1",
    "rows": "<i4",
}
"""Columns with one item per file -> type. ``error`` is the sentence of an unreadable file.
``machine`` is the fingerprint's name, ``label`` what the machine calls itself."""

ROW_COLUMNS: Mapping[str, str] = {
    "benchmark": "<i4",
    "version": "<i4",
    "outcome": "<i4",
    "state": "<u1",
    "unit": "<u1",
    "higher": "<u1",
    "result": "<f8",
    "level": "<f8",
    "samples": "<i4",
    "processes": "<i4",
}
"""Columns with one item per result. ``result`` is asv's value, ``level`` the one that histories
use; ``samples`` and ``processes`` count the items of a result in the columns below, where
processes are known only of perfkit's own runs."""

FLAT_COLUMNS: Mapping[str, str] = {"sample": "<f8", "process": "<i4"}
"""All samples, in order of execution, and the samples of each process."""

TEXTS = {"error", "commit", "environment", "machine", "label", "identity", "descriptions"} | {
    "benchmark",
    "version",
    "outcome",
}
"""Columns that are indexes into the texts."""

COLUMNS = {**FILE_COLUMNS, **ROW_COLUMNS, **FLAT_COLUMNS}


def benchmark_key(benchmark: BenchmarkId) -> str:
    """Return the text that stands for a benchmark in the column of the same name."""
    return SEPARATOR.join((benchmark.name, *benchmark.params))


def benchmark_of(key: str) -> BenchmarkId:
    """Return the benchmark that a text of the column stands for."""
    name, *params = key.split(SEPARATOR)
    return BenchmarkId(name, tuple(params))


class Texts(dict[str, int]):
    """Distinct texts, each with its number, which it gets on first sight."""

    def __missing__(self, text: str) -> int:
        """Number a new text."""
        self[text] = number = len(self)
        return number

    def optional(self, text: str | None) -> int:
        """Return the number of ``text``, NONE for None."""
        return NONE if text is None else self[text]


_ARRAY_TYPES = {"<i4": "i", "<i8": "q", "<f8": "d", "<u1": "B"}


class ColumnBuilder:
    """Collects files; a file that raises leaves nothing behind but its error."""

    def __init__(self) -> None:
        self.texts = Texts()
        self.digests = bytearray()
        self._columns: dict[str, array[Any]] = {
            name: array(_ARRAY_TYPES[kind]) for name, kind in COLUMNS.items() if kind != "V16"
        }
        self._keys: dict[str, tuple[list[list[Any]], list[int]]] = {}
        self._marks: dict[int, State] = {}

    def add_error(self, digest: bytes, sentence: str) -> None:
        """Record that the file of ``digest`` cannot be read."""
        self.digests += digest
        column = self._columns
        column["error"].append(self.texts[sentence])
        for name in ("commit", "environment", "machine", "label", "identity", "descriptions"):
            column[name].append(NONE)
        for name in ("date", "dirty", "rows"):
            column[name].append(0)

    def add(self, digest: bytes, file: ResultFile) -> None:
        """Record a file. Raises ValueError or TypeError, and records nothing, where it is odd."""
        columns, texts = self._columns, self.texts
        rows, samples, processes = (len(columns[name]) for name in ("result", "sample", "process"))
        try:
            self._add_rows(file)
            machine = (
                machine_name(stored_environment(file.fingerprint))
                if file.fingerprint is not None
                else asv_machine_name(file.machine)
            )
        except BaseException:
            for name in ROW_COLUMNS:
                del columns[name][rows:]
            del columns["sample"][samples:]
            del columns["process"][processes:]
            self._marks = {row: state for row, state in self._marks.items() if row < rows}
            raise
        self.digests += digest
        columns["error"].append(NONE)
        columns["commit"].append(texts[file.commit])
        columns["date"].append(file.date)
        columns["environment"].append(texts[file.environment])
        columns["machine"].append(texts[machine])
        columns["label"].append(texts.optional(file.machine.get("machine")))
        columns["identity"].append(texts.optional(file.identity or None))
        columns["descriptions"].append(texts.optional(file.descriptions))
        columns["dirty"].append(file.dirty)
        columns["rows"].append(len(columns["result"]) - rows)

    def _add_rows(self, file: ResultFile) -> None:
        known, columns, texts = self._keys, self._columns, self.texts
        keys = [
            found[1]
            if (found := known.get(name)) is not None and found[0] == axes
            else self._keys_of(name, axes)
            for name, axes in zip(file.names, file.params, strict=True)
        ]
        counts = [len(one) for one in keys]
        first, total = len(columns["result"]), sum(counts)
        columns["benchmark"].extend(chain.from_iterable(keys))
        versions = [NONE if one is None else texts[one] for one in file.versions]
        columns["version"].extend(
            versions
            if total == len(versions) == counts.count(1)
            else chain.from_iterable(map(repeat, versions, counts))
        )
        self._add_results([*chain.from_iterable(_fitted(file.results, counts))], first)
        if any(file.samples):
            given = [*chain.from_iterable(_fitted(file.samples, counts, ()))]
            samples = [one or () for one in given] if None in given else given
            columns["samples"].extend(map(len, samples))
            _extend(columns["sample"], [*chain.from_iterable(samples)])
        else:
            columns["samples"].frombytes(bytes(4 * total))
        if file.own is None:
            columns["unit"].frombytes(bytes(total))
            columns["higher"].frombytes(bytes(total))
            columns["processes"].frombytes(bytes(4 * total))
            columns["outcome"].frombytes(_NONE * total)
        else:
            facts = chain.from_iterable(_fitted(file.own, counts))
            for row, one in enumerate(facts, start=first):
                self._add_facts(one, row)

    def _keys_of(self, name: str, axes: list[list[Any]]) -> list[int]:
        """Return the number of each combination; asv's axes hold ``repr``s, others plain values."""
        readable = [
            [one if isinstance(one, str) else json.dumps(one) for one in axis] for axis in axes
        ]
        keys = [
            self.texts[benchmark_key(BenchmarkId(name, params))] for params in product(*readable)
        ]
        self._keys[name] = (axes, keys)
        return keys

    def _add_results(self, results: list[Any], first: int) -> None:
        column = self._columns["result"]
        try:
            column.extend(results)
        except (TypeError, OverflowError):
            del column[first:]
            for row, value in enumerate(results, start=first):
                if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST):
                    column.append(value)
                else:
                    column.append(math.nan)
                    self._marks[row] = State.FAILED if value is None else State.INVALID

    def _add_facts(self, facts: Mapping[str, Any] | None, row: int) -> None:
        column = self._columns
        known = {} if facts is None else facts
        column["unit"].append(UNITS.index(Unit(known["unit"])) if "unit" in known else 0)
        column["higher"].append(known.get("better") == "higher")
        column["outcome"].append(self.texts.optional(known.get("outcome")))
        if known.get("failure"):
            self._marks[row] = State.FAILED
        elif facts is None:
            self._marks[row] = State.SKIPPED
        # A failure keeps the sizes of the processes that worked, but asv's columns no samples.
        sizes = known.get("sizes", ()) if column["samples"][row] else ()
        if sum(sizes) != column["samples"][row]:
            message = f"{sum(sizes)} samples in processes but {column['samples'][row]} in all"
            raise ValueError(message)
        column["process"].extend(sizes)
        column["processes"].append(len(sizes))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return everything added, see the column names above."""
        found: dict[str, NDArray[Any]] = {
            name: np.frombuffer(column, dtype=COLUMNS[name])
            if len(column)
            else np.empty(0, COLUMNS[name])
            for name, column in self._columns.items()
            if name not in {"state", "level"}
        }
        found["digest"] = np.frombuffer(bytes(self.digests), dtype="V16")
        result = found["result"]
        state = np.zeros(result.size, dtype="u1")
        state[np.isnan(result)] = State.SKIPPED
        state[np.isinf(result)] = State.INVALID
        for row, mark in self._marks.items():
            state[row] = mark
        found["state"] = state
        found["level"] = levels(found, state)
        return found


_LARGEST = float(np.finfo(float).max)


_NONE = array("i", [NONE]).tobytes()


def _fitted(
    lists: Sequence[Sequence[Any] | None], counts: list[int], fill: object = None
) -> Sequence[Sequence[Any]]:
    """Return lists of the given lengths: asv reads one that is too short or too long like this."""
    known = [
        (fill,) * count if one is None else one for one, count in zip(lists, counts, strict=True)
    ]
    if [*map(len, known)] == counts:
        return known
    return [
        [*one[:count], *((fill,) * (count - len(one)))]
        for one, count in zip(known, counts, strict=True)
    ]


def _extend(column: "array[Any]", values: list[Any]) -> None:
    """Append numbers, NaN for null."""
    length = len(column)
    try:
        column.extend(values)
    except TypeError:
        del column[length:]
        column.extend([math.nan if value is None else value for value in values])


def levels(columns: Columns, state: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return what histories use of each result: NaN where there is no value.

    It is asv's result, or the median of the processes' low quantiles where processes are known.
    """
    found: NDArray[np.float64] = np.where(state == State.VALUE, columns["result"], math.nan)
    processes = columns["processes"]
    of_row = np.repeat(np.arange(processes.size), processes)
    if of_row.size == 0:
        return found
    # Samples without processes lie between those of others; each process knows its row's start.
    row_start = np.cumsum(columns["samples"]) - columns["samples"]
    sizes = columns["process"]
    before = np.cumsum(sizes) - sizes
    first_process = (np.cumsum(processes) - processes)[of_row]
    start = row_start[of_row] + before - before[first_process]
    values = low_quantiles(columns["sample"], start, sizes, columns["higher"][of_row].astype(bool))
    for count in np.unique(processes[processes > 0]):
        rows = np.flatnonzero(processes == count)
        first = (np.cumsum(processes) - processes)[rows]
        medians = np.median(values[first[:, None] + np.arange(count)], axis=1)
        found[rows] = np.where(state[rows] == State.VALUE, medians, math.nan)
    return found


def low_quantiles(
    samples: NDArray[np.float64],
    start: NDArray[np.int64],
    sizes: NDArray[np.int32],
    higher: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return what stands for each process, as :func:`perfkit.stats.representatives` has it."""
    found = np.full(sizes.size, math.nan)
    for size in np.unique(sizes):
        if size == 0:
            continue
        for up in (False, True):
            which = np.flatnonzero((sizes == size) & (higher == up))
            if which.size:
                values = samples[start[which][:, None] + np.arange(size)]
                quantile = 1 - LOW_QUANTILE if up else LOW_QUANTILE
                found[which] = values[:, 0] if size == 1 else np.quantile(values, quantile, axis=1)
    return found
