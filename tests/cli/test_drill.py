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


def test_an_archive_that_lacks_a_source_does_not_pass(capsys: Captured) -> None:
    Path("goods").mkdir()
    Path("goods/kept").touch()
    assert run(["drill", "backup", "backup.tar", "config"]) == ExitCode.PASSED
    rehearse = ["drill", "rehearse", "config", "goods", "--archive", "backup.tar"]
    assert run(rehearse) == ExitCode.FAILED
    assert "Failed: the backup holds nothing of goods." in capsys.readouterr().out
    Path("goods/kept").unlink()
    assert run(rehearse) == ExitCode.PASSED, "an empty folder has nothing to lose"
    Path("config/new").touch()
    assert run(rehearse) == ExitCode.PASSED, "what came later is a matter of the RPO"


def test_what_perfkit_keeps_is_backed_up_where_nothing_is_configured(capsys: Captured) -> None:
    assert run(["drill", "backup", "backup.tar", "--json"]) == ExitCode.PASSED
    streams = capsys.readouterr()
    assert json.loads(streams.out)["files"] == 1
    assert ".perfkit/telemetry.sqlite: does not exist, so it is not backed up" in streams.err
    for path in (Path(".perfkit/telemetry.sqlite"), Path("baselines/machine/run.json")):
        path.parent.mkdir(parents=True)
        path.touch()
    assert run(["drill", "rehearse", "--json"]) == ExitCode.PASSED
    streams = capsys.readouterr()
    assert streams.err == ""
    found = json.loads(streams.out)
    assert found["sources"] == [".perfkit/telemetry.sqlite", "baselines", "config"]
    assert found["files"] == 3
    assert run(["drill", "rehearse", "--archive", "backup.tar", "--json"]) == ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["reasons"] == [
        "the backup holds nothing of .perfkit/telemetry.sqlite",
        "the backup holds nothing of baselines",
    ]
    Path("config/monitoring_config.yaml").write_text("drills: {sources: [config]}\n", "utf-8")
    assert run(["drill", "backup", "backup.tar", "--json"]) == ExitCode.PASSED
    assert json.loads(capsys.readouterr().out)["files"] == 2


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
        (["rehearse", "config", "--rto", "5"], ExitCode.USAGE, "option --rto: rto: found 5"),
        (["backup", "config/a.tar"], ExitCode.USAGE, "config/a.tar: is within config, so that"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], code: ExitCode, sentence: str, capsys: Captured
) -> None:
    assert run(["drill", *arguments]) == code
    assert sentence in capsys.readouterr().err


def test_nothing_to_back_up_is_said(capsys: Captured) -> None:
    Path("config/limits.yaml").unlink()
    Path("config").rmdir()
    for verb in (["backup", "a.tar"], ["rehearse"]):
        assert run(["drill", *verb]) == ExitCode.USAGE
        assert "a drill needs a SOURCE, or drills.sources in config" in capsys.readouterr().err


def test_limits_and_sources_come_from_the_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    Path("config/limits.yaml").unlink()
    Path("config/performance_thresholds.yaml").write_text("drills: {rto: 1ns, rpo: 1h}\n", "utf-8")
    Path("config/monitoring_config.yaml").write_text(
        "drills: {sources: [config], tell: [the owner]}\n", "utf-8"
    )
    assert run(["drill", "rehearse"]) == ExitCode.FAILED
    assert capsys.readouterr().out.startswith("Failed: restoring took ")
    assert run(["drill", "rehearse", "--rto", "1h"]) == ExitCode.PASSED
    monkeypatch.setenv("PERFKIT_DRILLS_RTO", "2h")
    assert run(["drill", "runbook", "-o", "book.md"]) == ExitCode.PASSED
    assert "- the owner\n" in Path("book.md").read_text("utf-8")
