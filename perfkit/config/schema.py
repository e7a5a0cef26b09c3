"""JSON Schemas of the configuration files, for editors and other tools.

``python -m perfkit.config.schema DIRECTORY`` writes them; this repository keeps them in
``docs/schema``.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from perfkit.config.meanings import meanings, sections_in
from perfkit.config.monitoring import Monitoring
from perfkit.config.thresholds import Thresholds


def schemas() -> Mapping[str, str]:
    """File name -> text of a JSON Schema (draft 2020-12)."""
    texts = {}
    for name, model in (
        ("performance_thresholds.schema.json", Thresholds),
        ("monitoring_config.schema.json", Monitoring),
    ):
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(by_alias=True, mode="validation"),
        }
        for section in sections_in(model):
            schema = document if section is model else document["$defs"][section.__name__]
            for field, text in meanings(section).items():
                key = section.model_fields[field].alias or field
                schema["properties"][key]["description"] = text
        texts[name] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return texts


def main(arguments: list[str]) -> None:
    """Write the schemas into the directory named by the only argument."""
    directory = Path(arguments[0] if arguments else "docs/schema")
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
