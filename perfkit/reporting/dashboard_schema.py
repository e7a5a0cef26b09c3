"""The JSON Schema of what ``perfkit monitor --json`` writes.

``python -m perfkit.reporting.dashboard_schema FILE`` writes it; this repository keeps it in
``docs/schema/dashboard.schema.json``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from perfkit.errors import ExitCode
from perfkit.model.dashboard import Dashboard
from perfkit.reporting.document import SCHEMA
from perfkit.status import Status


def dashboard_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of the envelope around one frame."""
    from pydantic import TypeAdapter

    found = TypeAdapter(Dashboard).json_schema(mode="serialization", ref_template="#/$defs/{model}")
    properties = found["properties"]
    header = {
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "version": {"type": "string"},
            "command": {"const": "monitor"},
        },
        "required": ["schema", "version", "command"],
    }
    codes = (ExitCode.PASSED, ExitCode.FAILED, ExitCode.MEASUREMENT)
    statuses = (Status.PASSED, Status.FAILED, Status.ERROR)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "perfkit dashboard",
        "type": "object",
        "properties": {
            "perfkit": header,
            "status": {"enum": [str(status) for status in statuses]},
            "exit_code": {"enum": [code.value for code in codes]},
            **properties,
        },
        "required": ["perfkit", "status", "exit_code", *properties],
        "additionalProperties": False,
        "$defs": found["$defs"],
    }


def main(arguments: list[str]) -> None:
    """Write the schema into the file named by the only argument."""
    path = Path(arguments[0] if arguments else "docs/schema/dashboard.schema.json")
    text = json.dumps(dashboard_schema(), indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
