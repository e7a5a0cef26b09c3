"""perfkit report: every form of a stored report, where it goes, and what cannot be used."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_reports import row
from stored_results import store
from tiny_project import EXACT, Project

from perfkit.__main__ import run
from perfkit.cli.report import Form
from perfkit.model import Report, Revision, Verdict
from perfkit.reporting.document import to_values
from perfkit.reporting.markdown import SUMMARY_BYTES

STILL = row("x.time_still", Verdict.UNCHANGED, 1.0)
REPORT = Report(command="compare", comparisons=(row("x.time_slow"), STILL), rounds=6, seconds=1.0)


def written(folder: Path, report: Report = REPORT) -> str:
    """Write ``report`` as --output does, and return the file's name."""
    header = {"schema": 1, "version": "0", "command": report.command}
    document = {"perfkit": header, "status": str(report.status), "exit_code": 1}
    (folder / "report.json").write_text(json.dumps({**document, **to_values(report)}))
    return str(folder / "report.json")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


STARTS = {
    Form.TEXT: "Failed: 1 of 2 benchmarks regressed",
    Form.MARKDOWN: "**perfkit** Failed: 1 of 2",
    Form.HTML: "<!doctype html>",
    Form.CSV: "benchmark,unit,verdict",
    Form.JUNIT: "<?xml",
    Form.ANNOTATIONS: "::error title=x.time_slow::",
    Form.BADGE: '{"schemaVersion": 1',
}


@pytest.mark.parametrize("form", STARTS)
def test_every_form_goes_to_stdout_or_to_a_file(
    here: Path, form: Form, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(here)
    assert run(["report", file, "--format", form]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(STARTS[form])
    assert printed.err == ""
    assert run(["report", file, "-f", form, "-o", "deep/er"]) == 1
    assert capsys.readouterr().out == ""
    stored = Path("deep/er").read_text("utf-8")
    assert [line.rstrip() for line in printed.out.splitlines()] == stored.splitlines()


def test_json_is_the_report_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", written(here), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["perfkit"]["command"] == "report"
    assert (document["status"], document["exit_code"]) == ("failed", 1)
    assert len(document["comparisons"]) == 2


def test_all_rows_of_the_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(here)
    run(["report", file])
    assert "✓ 1 unchanged" in capsys.readouterr().out
    run(["report", file, "--all"])
    assert "unchanged: floor 5 %" in capsys.readouterr().out


def test_a_summary_is_appended(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = here / "summary.md"
    summary.write_text("before")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    file = written(here)
    assert run(["report", file, "-f", "summary"]) == 1
    assert summary.read_text("utf-8").startswith("before\n\n**perfkit** Failed")
    many = tuple(row(f"{index}{'n' * 290}") for index in range(3_500))
    file = written(here, replace(REPORT, comparisons=many))
    assert run(["report", file, "-f", "summary"]) == 1
    assert SUMMARY_BYTES - 20_000 < summary.stat().st_size <= SUMMARY_BYTES
    whole = summary.read_bytes()
    assert run(["report", file, "-f", "summary"]) == 2
    assert summary.read_bytes() == whole
    assert run(["report", written(here), "-f", "summary", "-o", "other.md"]) == 1
    assert Path("other.md").read_text("utf-8").startswith("\n\n**perfkit**")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-f", "summary"], "GITHUB_STEP_SUMMARY is not set"),
        (["-f", "summary", "-o", "."], "cannot be written (Is a directory)"),
        (["-f", "csv", "--json"], "--json is a form of its own"),
        (["-f", "csv", "--all"], "--all is about the text"),
        (["-f", "pdf"], "'pdf' is not one of"),
    ],
)
def test_what_cannot_be_used_as_given(
    here: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", written(here), *words]) in {2, 4}
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"perfkit": {"schema": 1, "comm', "not JSON"),
        ('{"perfkit": {"schema": 7}}', "found report schema 7, wanted 1"),
        ("", "not JSON"),
    ],
)
def test_what_is_no_report(
    here: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.json").write_text(text)
    assert run(["report", "bad.json", "-f", "html", "-o", "page.html"]) == 2
    assert said in capsys.readouterr().err
    assert not (here / "page.html").exists()


def test_no_rows_are_no_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(here, Report(command="compare"))
    for form in STARTS:
        assert run(["report", file, "-f", form]) == 4
    assert "nothing was measured" in capsys.readouterr().out


def test_the_page_has_the_history_of_its_repository(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.suite(EXACT)
    commits = []
    for index in range(3):
        project.write("tiny.py", f"def work(n):\n    return {index}\n")
        project.commit(str(index))
        commits.append(project.git("rev-parse", "HEAD"))
        store(
            project.root / "results", {"x.time_slow": [[1.0 + index]]}, commit=commits[-1],
            identity=str(index),
        )  # fmt: skip
    monkeypatch.chdir(project.root)
    base, head = (Revision(label=commit[:7], commit=commit) for commit in commits[1:])
    file = written(project.root, replace(REPORT, base=base, head=head))
    assert run(["report", file, "-f", "html", "-o", "page.html"]) == 1
    assert "history: 3 commits, from 1.000 s to 3.000 s, newest 3.000 s" in Path(
        "page.html"
    ).read_text("utf-8")
    # A report of another repository has none here.
    elsewhere = replace(REPORT, base=base, head=replace(head, commit="f" * 40))
    assert run(["report", written(project.root, elsewhere), "-f", "html", "-o", "page.html"]) == 1
    assert "history:" not in Path("page.html").read_text("utf-8")
