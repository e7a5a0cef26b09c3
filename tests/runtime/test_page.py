"""docs/runtime.md: its examples run, and it holds the figures of the scripts that it names."""

import doctest
import re
from pathlib import Path

import pytest

from perfkit.runtime import checks, guarding
from perfkit.runtime.recorder import RECORDER

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text("utf-8")


def test_the_examples_do_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "_CHECKS", {})
    monkeypatch.setattr(guarding, "BREAKERS", {})
    monkeypatch.setattr(checks, "BREAKERS", guarding.BREAKERS)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "runtime.md", None, None)
    told: list[str] = []
    try:
        result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    finally:
        RECORDER.stop()
    assert result.attempted > 15
    assert result.failed == 0, "".join(told)


@pytest.mark.parametrize("script", ["track", "guards", "query"])
def test_measured_parts_are_filled_and_say_whether_they_are_met(script: str) -> None:
    assert (ROOT / "benchmarks" / "runtime" / f"{script}.py").exists()
    assert f"benchmarks/runtime/{script}.py" in PAGE
    part = re.search(f"<!-- measured: {script} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert part is not None
    rows = re.findall(r"^- Required: .*, (met|NOT met)\.$", part[1], re.MULTILINE)
    assert rows
