import json
from pathlib import Path

import pytest

from perfkit.__main__ import run

PRODUCTION = Path(__file__).parents[2] / "docs" / "example" / "production"


def _run(*words: str) -> int:
    return run(["--config", str(PRODUCTION), *words])


def test_a_scenario_that_comes_true_passes_and_another_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = PRODUCTION / "scenario.yaml"
    assert _run("alerts", "test", str(scenario)) == 0
    assert capsys.readouterr().out == "9 of 9 expectations came true.\n"
    moved = tmp_path / "moved.yaml"
    moved.write_text(scenario.read_text().replace("severity: page}", "severity: info}", 1))
    assert _run("alerts", "test", str(scenario), str(moved), "--json") == 1
    document = json.loads(capsys.readouterr().out)
    failed = [one for one in document["expectations"] if not one["passed"]]
    assert [(one["alert"], one["at_seconds"]) for one in failed] == [("SumsFail", 600.0)]
    assert failed[0]["wanted"] == [{"component": "shop", "severity": "info"}]
    assert failed[0]["place"] == f"{moved}:14:9"


def test_export_writes_files_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "folder"
    assert _run("export", "alertmanager", str(target), "--json") == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert document["files"] == [str(target / n) for n in ("alertmanager.yml", "silences.json")]
    assert [path.name for path in sorted(target.iterdir())] == ["alertmanager.yml", "silences.json"]
    assert "diary" in shown.err


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert _run("export", "sloth", str(tmp_path / "file")) == 4
    assert "cannot be written" in capsys.readouterr().err
