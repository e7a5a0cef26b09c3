"""Series from anybody's file: CSV or JSON, optionally compressed with gzip."""

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.model import Series, Unit

LABELS = ("commit", "revision", "sha", "time", "timestamp", "date", "datetime", "label", "id")
"""Column names, in any case, that name a row instead of measuring it; the first found is used."""

ABSENT = {"", "nan", "na", "n/a", "null", "none", "-"}
"""Cells, in any case, that mean that there is no value."""

HIGHEST_BYTES = 512 * 2**20
"""Bound of the uncompressed size: a small archive must not fill the memory."""


def read_series(path: Path, columns: Sequence[str]) -> tuple[Series, ...]:
    """Return the metric columns of ``path`` as series, those named in ``columns`` or all.

    CSV has a header line. JSON is a list of numbers, an object of such lists by name, or a list
    of objects, one per row. Raises UsageError with the place for anything else.
    """
    text = _text(path)
    bare = path.name.removesuffix(".gz")
    if bare.endswith(".csv"):
        rows = _csv_rows(path, text)
    elif bare.endswith(".json"):
        rows = _json_rows(path, text)
    else:
        raise UsageError(f"{path}: found no known ending, wanted .csv or .json, or these with .gz.")
    if not rows:
        raise UsageError(f"{path}: holds no row, so there is nothing to look at.")
    return _series(path, rows, columns)


def _text(path: Path) -> str:
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path) as file:
                data = file.read(HIGHEST_BYTES + 1)
        else:
            with path.open("rb") as plain:
                data = plain.read(HIGHEST_BYTES + 1)
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{path}: cannot be read: {reason}.") from error
    if len(data) > HIGHEST_BYTES:
        raise UsageError(f"{path}: larger than {HIGHEST_BYTES >> 20} MiB; split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}; convert it first.") from error


def _csv_rows(path: Path, text: str) -> list[Mapping[str, object]]:
    reader = csv.DictReader(io.StringIO(text))
    rows: list[Mapping[str, object]] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise UsageError(
                    f"{path}:{reader.line_num}: found another number of cells than the header's"
                    f" {len(reader.fieldnames or ())}; repair the line."
                )
            rows.append(row)
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: not readable as CSV: {error}.") from error
    return rows


def _json_rows(path: Path, text: str) -> list[Mapping[str, object]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path}: not readable as JSON: {error}.") from error
    match value:
        case list() if all(isinstance(row, dict) for row in value):
            return value
        case list():
            return [{"value": number} for number in value]
        case dict() if all(isinstance(column, list) for column in value.values()):
            lengths = {len(column) for column in value.values()}
            if len(lengths) > 1:
                raise UsageError(
                    f"{path}: its lists have lengths {sorted(lengths)}, wanted one length."
                )
            return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
        case _:
            raise UsageError(
                f"{path}: found {type(value).__name__}, wanted a list of numbers, an object of"
                " lists, or a list of objects."
            )


def _series(
    path: Path, rows: Sequence[Mapping[str, object]], columns: Sequence[str]
) -> tuple[Series, ...]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    label = next((name for known in LABELS for name in names if name.lower() == known), None)
    for column in columns:
        if column not in names:
            raise UsageError(
                f"{path}: found no column {column!r}; it has {', '.join(map(repr, names))}."
            )
    labels = tuple(
        str(index if label is None else row.get(label, index)) for index, row in enumerate(rows)
    )
    wanted = list(columns) or [name for name in names if name != label]
    series = []
    for name in wanted:
        values = _numbers(path, name, (row.get(name) for row in rows), required=bool(columns))
        if values is not None:
            series.append(
                Series(name=name, group="", unit=Unit.COUNT, labels=labels, values=values)
            )
    if not series:
        raise UsageError(
            f"{path}: none of its columns {', '.join(map(repr, names))} holds numbers."
        )
    return tuple(series)


def _numbers(
    path: Path, name: str, cells: Iterable[object], *, required: bool
) -> tuple[float, ...] | None:
    """Return a column's numbers, NaN for absent ones; None for a column of text."""
    values = []
    for row, cell in enumerate(cells, start=1):
        if cell is None or (isinstance(cell, str) and cell.strip().lower() in ABSENT):
            values.append(math.nan)
            continue
        try:
            if isinstance(cell, bool) or not isinstance(cell, str | int | float):
                raise TypeError  # noqa: TRY301  # the same end as a text that is no number
            values.append(float(cell))
        except (TypeError, ValueError) as error:
            if not required:
                return None
            raise UsageError(
                f"{path}: row {row} of column {name!r}: found {cell!r}, wanted a number."
            ) from error
    return tuple(values)
