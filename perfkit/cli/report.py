"""``perfkit report``: a stored report in another form."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from perfkit.cli import options
from perfkit.cli.invocation import Raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.model import Report

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


class Form(StrEnum):
    """What a report can be written as."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"
    JUNIT = "junit"
    ANNOTATIONS = "annotations"
    SUMMARY = "summary"
    BADGE = "badge"


def report(
    context: typer.Context,
    report: Annotated[
        Path | None,
        typer.Argument(help="A report written by compare or check. Default: the last one here."),
    ] = None,
    *,
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            "-f",
            help="What to write; summary is Markdown appended to $GITHUB_STEP_SUMMARY.",
        ),
    ] = Form.TEXT,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to stdout."),
    ] = None,
    every_row: options.EveryRow = False,
    json: options.Json = False,
) -> int:
    """Write a stored report in another form; nothing is measured.

    The exit code is the report's own: one with a regression exits 1.
    """
    from perfkit.cli.report_file import read_report
    from perfkit.durable import write_whole
    from perfkit.errors import UsageError
    from perfkit.reporting.document import to_values
    from perfkit.reporting.terminal import report_text

    invocation = options.invocation_of(context)
    if json and (form is not Form.TEXT or output is not None):
        raise UsageError("--json is a form of its own: leave out --format and --output.")
    if every_row and form is not Form.TEXT:
        raise UsageError("--all is about the text; every other form has all rows or says how many.")
    found = read_report(report)
    code, status = found.exit_code(), found.status
    if form is Form.SUMMARY:
        _append_summary(found, output)
        return code
    if form is Form.TEXT and output is None:
        return invocation.finish(
            code,
            text=report_text(found, every_row=every_row),
            values=to_values(found) if invocation.json else {},
            status=status,
        )
    text = _written(found, form, every_row=every_row)
    if output is not None:
        write_whole(output, text)
        return code
    return invocation.finish(code, text=Raw(text), values={}, status=status)


def _written(found: "Report", form: Form, *, every_row: bool) -> str:
    from perfkit.cli.report_history import stored_series
    from perfkit.reporting.annotations import report_annotations
    from perfkit.reporting.badge import report_badge
    from perfkit.reporting.junit import report_junit
    from perfkit.reporting.markdown import report_markdown
    from perfkit.reporting.report_csv import report_csv
    from perfkit.reporting.report_html import report_html

    write: Callable[[Report], str]
    match form:
        case Form.TEXT:
            return _plain_text(found, every_row=every_row)
        case Form.HTML:
            return report_html(found, stored_series(found))
        case Form.MARKDOWN | Form.SUMMARY:
            write = report_markdown
        case Form.CSV:
            write = report_csv
        case Form.JUNIT:
            write = report_junit
        case Form.ANNOTATIONS:
            write = report_annotations
        case Form.BADGE:
            write = report_badge
        case _:
            assert_never(form)
    return write(found)


def _plain_text(found: "Report", *, every_row: bool) -> str:
    from io import StringIO

    from rich.console import Console

    from perfkit.cli.invocation import PIPE_COLUMNS
    from perfkit.reporting.terminal import report_text

    file = StringIO()
    console = Console(file=file, width=PIPE_COLUMNS, highlight=False, emoji=False)
    console.print(report_text(found, every_row=every_row))
    lines = file.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _append_summary(found: "Report", output: Path | None) -> None:
    """Append the Markdown to the job's summary, with as many rows as there is room left for."""
    from perfkit.errors import MeasurementError, UsageError
    from perfkit.reporting.markdown import SUMMARY_BYTES, report_summary

    named = os.environ.get(STEP_SUMMARY)
    if output is None and not named:
        raise UsageError(
            f"--format summary: {STEP_SUMMARY} is not set, as it is in a step of GitHub Actions;"
            " name a file with --output, or use --format markdown."
        )
    path = output or Path(str(named))
    try:
        # Appended, as the runner asks for: other commands of the step write there too.
        with path.open("a", encoding="utf-8") as file:
            room = SUMMARY_BYTES - path.stat().st_size
            text = report_summary(found, room)
            if not text:
                raise UsageError(
                    f"{path}: has {path.stat().st_size} bytes, and GitHub shows no summary of more"
                    f" than {SUMMARY_BYTES}; write the report in a step of its own."
                )
            file.write(text)
    except OSError as error:
        raise MeasurementError(
            f"{path}: cannot be written ({error.strerror or error}); name a file with --output."
        ) from error
