"""One result file of asv, of any version and author, as plain values of known shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from perfkit.baselines import asv_json
from perfkit.errors import MeasurementError

ASV_RESULT_VERSION = 2
"""The newest result format of asv, written since asv 0.5; version 1 is read as well."""

SCHEMA = 1
"""Version of what perfkit writes under its own key."""


class UnreadableResultError(MeasurementError):
    """A file that holds no readable result; the message does not name the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """One run on one machine in one environment; times in milliseconds since 1970 (UTC).

    ``machine`` holds asv's facts about the machine, ``identity`` the name of perfkit's run (empty
    in what asv wrote), ``descriptions`` its snapshot of the suite and ``fingerprint`` perfkit's
    facts about machine and interpreter. The lists have one item per benchmark, in which a list has
    one item per combination of ``params``: None where all failed, and shorter or longer where the
    file has it so. ``own`` are perfkit's facts, None in what asv wrote itself.
    """

    commit: str
    date: int
    environment: str
    machine: Mapping[str, str]
    identity: str
    dirty: bool
    descriptions: str | None
    fingerprint: Mapping[str, Any] | None
    names: list[str]
    params: list[list[list[str]]]
    results: Sequence[list[Any] | None]
    versions: Sequence[str | None]
    samples: Sequence[list[Any] | None]
    own: Sequence[list[Any] | None] | None


def read_result(data: bytes) -> ResultFile:
    """Return what a result file of ``data`` says; UnreadableResultError in one sentence."""
    if not data.strip():
        raise UnreadableResultError("the file is empty")
    if data.startswith(b"version https://git-lfs"):
        raise UnreadableResultError("a pointer of git-lfs: run `git lfs pull`")
    try:
        values = asv_json.parse(data)
    except asv_json.BrokenJsonError as error:
        if b"\n<<<<<<< " in data or data.startswith(b"<<<<<<< "):
            raise UnreadableResultError("holds conflict markers of git: keep one side") from error
        raise UnreadableResultError(f"not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise UnreadableResultError(f"found {_kind(values)}, wanted an object")
    try:
        return _result(values)
    except KeyError as error:
        raise UnreadableResultError(f"found no key {error}, so it is no asv result") from error


def _result(values: dict[str, Any]) -> ResultFile:
    version = values.get("version", ASV_RESULT_VERSION if "result_columns" in values else 1)
    if not isinstance(version, int) or version > ASV_RESULT_VERSION:
        raise UnreadableResultError(
            f"result format {version!r} is newer than {ASV_RESULT_VERSION}: update perfkit"
        )
    own = values.get("perfkit")
    if own is not None:
        schema = _typed(own, dict, "perfkit")["schema"]
        if schema != SCHEMA:
            raise UnreadableResultError(
                f"perfkit's schema {schema!r} is not {SCHEMA}: update perfkit"
            )
    machine = _typed(values["params"], dict, "params")
    date = values.get("date")
    results = _typed(values["results"], dict, "results")
    columns = _columns(values, results) if version > 1 else _old_columns(values, results)
    result, params, versions, samples = columns
    names = list(results)
    facts = _typed(own["processes"], dict, "processes") if own else {}
    return ResultFile(
        commit=_typed(values["commit_hash"], str, "commit_hash"),
        date=date if isinstance(date, int) else 0,
        environment=str(values.get("env_name") or f"py{values.get('python', '')}"),
        machine={key: value for key, value in machine.items() if isinstance(value, str)},
        identity=str(own["identity"]) if own else "",
        dirty=own is not None and own["dirty"] is True,
        descriptions=str(own["descriptions"]) if own and own.get("descriptions") else None,
        fingerprint=_typed(own["environment"], dict, "environment") if own else None,
        names=names,
        params=[axes or [] for axes in _lists("params", names, params)],
        results=_lists("result", names, result),
        versions=versions
        if _TEXTS.issuperset(map(type, versions))
        else [None if one is None else str(one) for one in versions],
        samples=_lists("samples", names, samples),
        own=_lists("processes", names, [facts.get(name) for name in names]) if own else None,
    )


_ORDER = ("result", "params", "version", "samples")


def _columns(values: Mapping[str, Any], results: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """Return the columns of format 2 in the order above."""
    columns = _typed(values["result_columns"], list, "result_columns")
    place = {name: index for index, name in enumerate(columns)}
    for needed in ("result", "params"):
        if needed not in place:
            raise UnreadableResultError(f"result_columns has no {needed!r}")
    rows = list(results.values())
    if type(None) in set(map(type, rows)):  # a build that failed leaves null
        rows = [[] if row is None else row for row in rows]
    _lists("columns", list(results), rows)
    # asv leaves trailing empty columns out; what none of the rows has is empty as well.
    by_column = list(zip_longest(*rows))
    empty = (None,) * len(rows)
    return [
        by_column[place[name]] if place.get(name, len(by_column)) < len(by_column) else empty
        for name in _ORDER
    ]


def _old_columns(values: Mapping[str, Any], results: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """Return the columns of format 1, in which a benchmark is a number or an object."""
    versions = _typed(values.get("benchmark_version") or {}, dict, "benchmark_version")
    columns: list[list[Any]] = [[] for _ in _ORDER]
    for name, value in results.items():
        row = value if isinstance(value, dict) else {"result": value}
        if "result" not in row:
            raise UnreadableResultError(f"{name}: found no key 'result'")
        result = row["result"]
        cells = [
            result if isinstance(result, list) else [result],
            row.get("params"),
            versions.get(name),
            row.get("samples"),
        ]
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    return columns


_TEXTS = frozenset({str, type(None)})
_LISTS = frozenset({list, type(None)})


def _lists(key: str, names: Sequence[str], column: Sequence[Any]) -> Sequence[Any]:
    """Return ``column`` when it holds lists and nulls only."""
    if not _LISTS.issuperset(map(type, column)):
        name, wrong = next(
            (name, cell)
            for name, cell in zip(names, column, strict=True)
            if type(cell) not in _LISTS
        )
        raise UnreadableResultError(f"{name}: {key}: found {_kind(wrong)}, wanted a list")
    return column


def _typed(value: Any, kind: type[object], key: str) -> Any:  # noqa: ANN401  # a JSON value
    if not isinstance(value, kind):
        raise UnreadableResultError(f"{key}: found {_kind(value)}, wanted {WORDS[kind]}")
    return value


WORDS: dict[type[object], str] = {dict: "an object", list: "a list", str: "a text"}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return WORDS.get(type(value), f"the {type(value).__name__} {value!r:.40}")
