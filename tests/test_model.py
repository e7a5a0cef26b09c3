"""The vocabulary is imported by name, at the first use of each."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import perfkit.model

SOURCE = ast.parse(Path(perfkit.model.__file__).read_text("utf-8"))


def named_for_types() -> set[str]:
    (block,) = (one for one in SOURCE.body if isinstance(one, ast.If))
    return {
        f"{line.module}.{name.asname}"
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }


def test_what_type_checkers_see_is_what_there_is() -> None:
    for name in dir(perfkit.model):
        getattr(perfkit.model, name)
    homes = perfkit.model._HOMES
    assert {f"{home}.{name}" for name, home in homes.items()} == named_for_types()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        perfkit.model.Nothing  # noqa: B018


def test_one_name_imports_its_module_only() -> None:
    program = (
        "from perfkit.model import Timing; import sys;"
        " print(sorted(name for name in sys.modules if name.startswith('perfkit.model.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['perfkit.model.profile']\n"
