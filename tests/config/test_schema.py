import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from perfkit.config import schema

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", schema.schemas())
def test_the_committed_schema_is_current(name: str) -> None:
    committed = (ROOT / "docs" / "schema" / name).read_text(encoding="utf-8")
    assert committed == schema.schemas()[name], "run: python -m perfkit.config.schema"


@pytest.mark.parametrize("name", schema.schemas())
def test_the_schema_accepts_this_repository_and_refuses_an_unknown_key(name: str) -> None:
    document = json.loads(schema.schemas()[name])
    validator = jsonschema.Draft202012Validator(document)
    validator.check_schema(document)
    path = ROOT / "config" / name.replace(".schema.json", ".yaml")
    # A JSON Schema knows no dates; the file has none outside comments.
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    validator.validate(values)
    assert not validator.is_valid({**values, "budgetts": []})


def test_main_writes_both_files(tmp_path: Path) -> None:
    schema.main([str(tmp_path / "schema")])
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "schema").iterdir()}
    assert written == schema.schemas()
