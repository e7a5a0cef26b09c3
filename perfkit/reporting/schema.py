"""The JSON Schema of the document that compare, check and comment write.

``python -m perfkit.reporting.schema FILE`` writes it; this repository keeps it in
``docs/schema/report.schema.json``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from perfkit.errors import ExitCode
from perfkit.model import Report, Status
from perfkit.reporting.document import SCHEMA

ROWS = {
    "comparisons": "Comparison",
    "budgets": "BudgetResult",
    "leaks": "LeakResult",
    "waivers": "WaiverResult",
}


def report_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of the envelope around a report."""
    from pydantic import TypeAdapter

    found = TypeAdapter(Report).json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = found.pop("$defs")
    status = {"enum": [str(status) for status in Status]}
    for name in ROWS.values():
        definitions[name]["properties"]["status"] = status
        definitions[name]["required"] = [*definitions[name]["properties"]]
    # pydantic writes what JSON has no number for as text, and does not say so in its schema.
    unbounded: dict[str, list[Any]] = {
        "anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity"]}]
    }
    for name in ("low", "estimate", "high"):
        definitions["Interval"]["properties"][name] = unbounded
    effect = {"anyOf": [*unbounded["anyOf"], {"type": "null"}]}
    definitions["Shift"]["properties"]["smallest_visible_effect"] = effect
    properties = found["properties"]
    properties.pop("command")
    codes = [code.value for code in ExitCode if code not in (ExitCode.USAGE, ExitCode.INTERNAL)]
    header = {
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "version": {"type": "string"},
            "command": {"enum": ["compare", "check", "comment", "merge"]},
        },
        "required": ["schema", "version", "command"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "perfkit report",
        "type": "object",
        "properties": {
            "perfkit": header,
            "status": status,
            "exit_code": {"enum": codes},
            "markdown": {"type": "string"},
            **properties,
        },
        "required": ["perfkit", "status", "exit_code", *properties],
        "additionalProperties": False,
        "$defs": definitions,
    }


def main(arguments: list[str]) -> None:
    """Write the schema into the file named by the only argument."""
    path = Path(arguments[0] if arguments else "docs/schema/report.schema.json")
    text = json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
