"""What machines read of a report: CSV, JUnit XML, workflow commands, a badge, a job's summary."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from hostile_reports import NUMBERED, documents, enveloped, reports, row
from hypothesis import given, settings
from rich.console import Console

from perfkit.errors import UsageError
from perfkit.model import BenchmarkId, Comparison, LeakResult, LeakState, Report, Status, Verdict
from perfkit.reporting.annotations import MOST, report_annotations
from perfkit.reporting.badge import report_badge
from perfkit.reporting.document import from_text
from perfkit.reporting.junit import report_junit
from perfkit.reporting.markdown import (
    LEAST_SUMMARY,
    SUMMARY_BYTES,
    report_markdown,
    report_summary,
)
from perfkit.reporting.report_csv import COLUMNS, report_csv
from perfkit.reporting.report_html import report_html
from perfkit.reporting.terminal import report_text

HERE = Path(__file__).parent
JUNIT = xmlschema.XMLSchema(HERE / "junit.xsd")
EXAMPLE = Report(
    command="check",
    comparisons=(
        row("suite.A.time_b", Verdict.UNCHANGED, 1.0),
        row("suite.A.time_a", Verdict.REGRESSED, 2.0),
        replace(row("=cmd|' /C calc'!A0"), verdict=Verdict.FAILED, shift=None, reason="crashed"),
        replace(row("suite.known"), waived="until June"),
        replace(row("plain"), verdict=Verdict.INCONCLUSIVE),
    ),
    leaks=(
        LeakResult(target="a:b", state=LeakState.LEAK, ceiling=0, iterations=9, reason="grows"),
    ),
)


def only(index: int) -> Report:
    return replace(EXAMPLE, comparisons=EXAMPLE.comparisons[index : index + 1], leaks=())


def test_csv_has_a_line_for_each_comparison_with_numbers_as_they_are() -> None:
    lines = list(csv.DictReader(io.StringIO(report_csv(EXAMPLE))))
    assert [line["benchmark"] for line in lines] == [
        "suite.A.time_a", "'=cmd|' /C calc'!A0", "plain", "suite.A.time_b", "suite.known",
    ]  # fmt: skip
    first, crashed = lines[0], lines[1]
    assert (float(first["ratio"]), float(first["base"]), first["base_n"]) == (2.0, 1.0, "6")
    assert (first["verdict"], first["status"], first["floor"]) == ("regressed", "failed", "0.05")
    assert (crashed["ratio"], crashed["floor"], crashed["reason"]) == ("", "", "crashed")
    assert lines[-1]["waived"] == "until June"


@settings(max_examples=25, deadline=None)
@given(reports)
def test_any_report_is_valid_in_every_form(report: Report) -> None:
    table = list(csv.reader(io.StringIO(report_csv(report))))
    assert len(table) == 1 + len(report.comparisons)
    assert {len(line) for line in table} == {len(COLUMNS)}

    JUNIT.validate(report_junit(report))

    commands = report_annotations(report).splitlines()
    assert len(commands) <= MOST
    assert bool(commands) == (report.status is not Status.PASSED)
    # Title and message can hold neither a line end nor what ends the title.
    assert all(re.fullmatch(r"::(error|warning) title=[^:,]*::[^\r\n]*", one) for one in commands)
    assert commands == sorted(commands, key=lambda one: one.startswith("::warning"))

    badge = json.loads(report_badge(report))
    assert (badge["color"] == "brightgreen") == (
        report.status is Status.PASSED and not report.interrupted
    )


def in_every_form(report: Report) -> None:
    """Render a report in all forms; JSON holds nothing but its numbers, and reads as the same."""
    for width in (60, 120):
        Console(file=io.StringIO(), width=width).print(report_text(report, every_row=True))
    forms = (report_markdown, report_csv, report_junit, report_annotations, report_badge)
    assert all(render(report) for render in forms)
    assert report_html(report, ())
    assert from_text(json.dumps(enveloped(report), allow_nan=False), "here") == report


def test_every_kind_of_number_that_perfkit_writes_is_read_and_shown() -> None:
    assert from_text(json.dumps(enveloped(NUMBERED), allow_nan=False), "here") == NUMBERED
    in_every_form(NUMBERED)


@settings(max_examples=100, deadline=None)
@given(documents)
def test_a_number_of_a_stranger_is_refused_or_shown_in_every_form(document: object) -> None:
    try:
        report = from_text(json.dumps(document), "report.json")
    except UsageError as error:
        assert str(error).startswith("report.json: ")  # noqa: PT017  # both are good
        assert len(str(error)) < 300  # noqa: PT017  # both are good
    else:
        in_every_form(report)


def test_junit_counts_what_failed_apart_from_what_was_not_measured() -> None:
    root = JUNIT.to_etree(JUNIT.to_dict(report_junit(EXAMPLE)), path="testsuites")
    assert root is not None
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "2", "1")
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "2")
    outcome = {
        case.get("name"): [child.tag for child in case] for case in suite.findall("testcase")
    }
    assert outcome["time_a"] == ["failure"]
    assert outcome["time_b"] == ["system-out"]
    assert outcome["known"] == ["skipped"]
    assert outcome["plain"] == ["skipped"]
    empty = report_junit(Report(command="compare"))
    JUNIT.validate(empty)
    assert 'errors="1"' in empty


def test_annotations_are_the_worst_ten_and_escaped() -> None:
    many = tuple(row(f"suite.time_{index}", ratio=1.5 + index) for index in range(30))
    open_row = replace(row("open"), verdict=Verdict.INCONCLUSIVE)
    lines = report_annotations(Report(command="check", comparisons=(open_row, *many))).splitlines()
    assert len(lines) == MOST
    assert [line.split("::")[1] for line in lines[:3]] == [
        f"error title=suite.time_{index}" for index in (29, 28, 27)
    ]
    assert lines[-1].startswith("::error title=perfkit::and 22 more: Failed: 30 of 31")
    hostile = replace(row("a,b::c%0A"), reason="50 % \r\n::error::x")
    (line,) = report_annotations(Report(command="check", comparisons=(hostile,))).splitlines()
    assert line.startswith("::error title=a%2Cb%3A%3Ac%250A::")
    assert "50 %25  " in line
    assert report_annotations(Report(command="check", comparisons=(EXAMPLE.comparisons[0],))) == ""
    assert "nothing was measured" in report_annotations(Report(command="check"))


@pytest.mark.parametrize(
    ("report", "message", "colour"),
    [
        (EXAMPLE, "1 regressed", "red"),
        (replace(EXAMPLE, comparisons=EXAMPLE.comparisons[:1]), "failed", "red"),
        (only(0), "1 unchanged", "brightgreen"),
        (only(2), "1 failed", "lightgrey"),
        (only(3), "passed", "brightgreen"),
        (only(4), "1 inconclusive", "yellow"),
        (replace(EXAMPLE, interrupted=True), "interrupted", "lightgrey"),
        (Report(command="check"), "error", "lightgrey"),
    ],
)  # fmt: skip
def test_the_badge_says_the_gravest_count(report: Report, message: str, colour: str) -> None:
    assert json.loads(report_badge(report)) == {
        "schemaVersion": 1, "label": "performance", "message": message, "color": colour,
    }  # fmt: skip


def test_a_summary_fits_into_what_is_left_of_a_mebibyte() -> None:
    one = row("x")
    rows = tuple(replace(one, benchmark=BenchmarkId(f"{n}{'n' * 290}")) for n in range(6_000))
    report = Report(command="compare", comparisons=rows)
    for room in (SUMMARY_BYTES, 100_000, LEAST_SUMMARY):
        size = len(report_summary(report, room).encode())
        assert room - 3_000 < size <= room
    assert report_summary(report, LEAST_SUMMARY - 1) == ""


def test_equal_reports_have_equal_forms() -> None:
    turned = replace(EXAMPLE, comparisons=EXAMPLE.comparisons[::-1])
    for write in (report_csv, report_junit, report_annotations, report_badge):
        assert write(turned) == write(EXAMPLE)


def test_rows_are_told_apart_by_parameters_in_junit() -> None:
    rows: tuple[Comparison, ...] = tuple(
        replace(row("a.b"), benchmark=BenchmarkId("a.b", (param,))) for param in ("1", "'x'")
    )
    text = report_junit(Report(command="compare", comparisons=rows))
    assert 'name="b(1)"' in text
    assert "name=\"b('x')\"" in text
