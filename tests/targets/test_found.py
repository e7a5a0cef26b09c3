"""What is known of a target before a process is started for it."""

import sys
from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.profiling.capture import capture
from perfkit.targets.found import check_found
from perfkit.targets.spec import parse_target


@pytest.mark.parametrize("text", ["json:dumps", "sys:exit", "here:call", "inner.mod:call"])
def test_a_module_that_may_be_there(tmp_path: Path, text: str) -> None:
    (tmp_path / "here.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "inner").mkdir()
    before = set(sys.modules)
    check_found(parse_target(text, cwd=tmp_path), tmp_path)
    assert set(sys.modules) == before


def test_other_kinds_are_left_to_their_process(tmp_path: Path) -> None:
    check_found(parse_target("absent", module=True, cwd=tmp_path), tmp_path)
    check_found(parse_target("bench:absent.time_it", cwd=tmp_path), tmp_path)


def test_nothing_is_announced_for_a_module_that_is_not_there(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="there is no module absent seen from"):
        capture(parse_target("absent.mod:call", cwd=tmp_path), cwd=tmp_path, progress=said.append)
    assert said == []
