import json
from pathlib import Path

import pytest

from perfkit.__main__ import run
from perfkit.errors import ExitCode

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/limits.yaml").write_text("p99: 1s\n", "utf-8")


def test_a_backup_is_verified_and_restored(capsys: Captured) -> None:
    assert run(["drill", "backup", "backup.tar", "config"]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("1 file in backup.tar, digest ")
    assert run(["drill", "verify", "backup.tar"]) == ExitCode.PASSED
    assert "every byte as it was" in capsys.readouterr().out
    assert run(["drill", "restore", "backup.tar", "restored"]) == ExitCode.PASSED
    assert Path("restored/config/limits.yaml").read_text("utf-8") == "p99: 1s\n"
    content = Path("backup.tar").read_bytes()
    Path("backup.tar").write_bytes(content.replace(b"p99: 1s", b"p99: 9s"))
    assert run(["drill", "verify", "backup.tar", "--json"]) == ExitCode.FAILED
    # The manifest of this tiny backup holds no such text, only its digest.
    out = capsys.readouterr().out
    found = json.loads(out[out.index("{") :])
    assert found["problems"] == ["config/limits.yaml: its content is not what was backed up"]
    assert run(["drill", "restore", "backup.tar", "again"]) == ExitCode.MEASUREMENT
    assert not Path("again").exists()


def test_a_rehearsal_measures_and_judges(capsys: Captured) -> None:
    arguments = ["drill", "rehearse", "config", "--rto", "1h", "--rpo", "1h", "--json"]
    assert run(arguments) == ExitCode.PASSED
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is True
    assert found["damages"] == {"done": 4, "noticed": 4}
    assert 0 < found["recovery_seconds"] < 3600
    assert run(["drill", "rehearse", "config", "--rto", "1ns"]) == ExitCode.FAILED
    assert capsys.readouterr().out.startswith("Failed: restoring took ")


def test_an_old_backup_has_lost_what_came_after(capsys: Captured) -> None:
    run(["drill", "backup", "backup.tar", "config"])
    arguments = ["drill", "rehearse", "config", "--archive", "backup.tar", "--rpo", "1ns"]
    assert run(arguments) == ExitCode.FAILED
    assert "s old, wanted at most 1e-09 s" in capsys.readouterr().out


def test_a_runbook_has_the_commands_and_the_figures() -> None:
    arguments = ["drill", "runbook", "config", "--tell", "the shop's owner", "-o", "book.md"]
    assert run(arguments) == ExitCode.PASSED
    page = Path("book.md").read_text("utf-8")
    assert "- the shop's owner\n" in page
    assert "    perfkit drill restore backup.tar restored\n" in page
    assert "| damages | 4 of 4 noticed |" in page
    assert "No alert rule is configured" in page
    Path("config/monitoring_config.yaml").write_text(
        "alerts: {rules: [{name: Gone, kind: no-data, component: shop, severity: page}]}", "utf-8"
    )
    assert run(arguments) == ExitCode.PASSED
    page = Path("book.md").read_text("utf-8")
    assert "## Gone\n\nMeans: nothing was recorded of shop for 5min" in page
    assert "- page, now, at any hour: standard error of `perfkit alerts watch`" in page


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["backup", "a.tar", "gone"], ExitCode.USAGE, "gone: does not exist"),
        (["verify", "gone.tar"], ExitCode.MEASUREMENT, "gone.tar: cannot be read as a backup"),
        (["restore", "gone.tar", "config"], ExitCode.USAGE, "config: is not empty"),
        (["rehearse", "config", "--rto", "5"], ExitCode.USAGE, "found 5 without a unit"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], code: ExitCode, sentence: str, capsys: Captured
) -> None:
    assert run(["drill", *arguments]) == code
    assert sentence in capsys.readouterr().err
