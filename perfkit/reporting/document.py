"""A report as a JSON document, and back: the contract between verbs, CI jobs and versions."""

import json
from collections import Counter
from typing import Any

from perfkit.errors import UsageError
from perfkit.model import Comparison, Report
from perfkit.reporting.impossible import impossible
from perfkit.reporting.visible import visible

SCHEMA = 1

QUOTED = 100
"""Characters that an error quotes of a report."""

DERIVED_STATUS = ("comparisons", "leaks", "waivers")
"""Rows whose status follows from other fields; it is written for readers and not read back."""


def to_values(report: Report) -> dict[str, Any]:
    """Return the report's fields as JSON values, each row with its ``status`` beside it.

    Unbounded interval ends are the strings ``Infinity`` and ``-Infinity``, since JSON has no such
    numbers.
    """
    values: dict[str, Any] = json.loads(_adapter().dump_json(report))
    for kind in DERIVED_STATUS:
        for row, value in zip(getattr(report, kind), values[kind], strict=True):
            value["status"] = str(row.status)
    if report.shard is not None:
        for check, value in zip(report.shard.leaks, values["shard"]["leaks"], strict=True):
            value["status"] = str(check.status)
    values.pop("command")  # the envelope holds it
    return values


def row_values(row: Comparison) -> dict[str, Any]:
    """Return one comparison as it stands in a report."""
    values: dict[str, Any] = to_values(Report(command="", comparisons=(row,)))
    return dict(values["comparisons"][0])


def from_text(text: str, place: str) -> Report:
    """Return the report inside an envelope written by ``--json``; UsageError says what is wrong."""
    from pydantic import ValidationError

    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{place}: not JSON ({error}); give a report written with `perfkit compare --json`."
        ) from error
    header = envelope.get("perfkit") if isinstance(envelope, dict) else None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else None
        raise UsageError(
            f"{place}: found report schema {_quoted(repr(found))}, wanted {SCHEMA}; write the"
            " report with this version of perfkit."
        )
    fields = {
        key: value
        for key, value in envelope.items()
        if key not in {"perfkit", "status", "exit_code", "error"}
    }
    for kind in DERIVED_STATUS:
        fields[kind] = _without_status(fields.get(kind, []))
    if isinstance(shard := fields.get("shard"), dict):
        fields["shard"] = {**shard, "leaks": _without_status(shard.get("leaks", []))}
    try:
        report: Report = _adapter().validate_json(
            json.dumps({**fields, "command": header.get("command")})
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = _quoted(".".join(str(part) for part in first["loc"]))
        raise UsageError(
            f"{place}: {where}: {first['msg']}; the file is no report of perfkit's compare or"
            " check."
        ) from error
    if (wrong := impossible(report)) is not None:
        raise UsageError(
            f"{place}: {wrong.place}: found {_quoted(str(wrong.found))}, wanted {wrong.wanted};"
            " the file is no report of perfkit's compare or check."
        )
    rows = Counter(row.benchmark for row in report.comparisons)
    if twice := [benchmark for benchmark, count in rows.items() if count > 1]:
        raise UsageError(
            f"{place}: comparisons: {twice[0]} stands there twice, wanted one row per benchmark;"
            " make the report again."
        )
    return report


def _without_status(rows: object) -> object:
    """Return rows without what follows from their verdicts; what is no row is left as it is."""
    if not isinstance(rows, list):
        return rows
    return [
        {key: value for key, value in row.items() if key != "status"}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def _quoted(text: str) -> str:
    """Return what a file calls its keys as one harmless line: the file may be a stranger's."""
    return visible(text) if len(text) <= QUOTED else f"{visible(text[:QUOTED])}…"


def _adapter() -> Any:  # noqa: ANN401  # pydantic's generic adapter, imported here for start-up's sake
    from pydantic import TypeAdapter

    return TypeAdapter(Report)
