"""``perfkit comment``: the Markdown a reviewer reads, printed or posted."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.cli.invocation import Raw

if TYPE_CHECKING:
    from perfkit.config.load import Override
    from perfkit.model import Report


class Policy(StrEnum):
    """When a comment is created."""

    ALWAYS = "always"
    ON_CHANGE = "on-change"
    ON_REGRESSION = "on-regression"
    NEVER = "never"


def comment(
    context: typer.Context,
    report: Annotated[
        Path | None,
        typer.Argument(help="A report written by compare or check. Default: the last one here."),
    ] = None,
    *,
    post: Annotated[
        bool,
        typer.Option("--post", help="Also write it as the one comment of the pull request."),
    ] = False,
    from_artifact: Annotated[
        Path | None,
        typer.Option(
            "--from-artifact",
            metavar="ZIP|DIR",
            help="Read perfkit-report.json out of a CI artifact, which need not be trusted.",
        ),
    ] = None,
    pull_request: Annotated[
        int | None,
        typer.Option(
            "--pull-request", metavar="N", min=1, help="Post there. Default: what CI says."
        ),
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option("--policy", help="When the first comment is created. Default: always."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="NAME", help="Tells the comments of several jobs apart: linux-3.13."
        ),
    ] = None,
    check_run: Annotated[
        bool | None,
        typer.Option(
            "--check-run/--no-check-run",
            help="Also create a check run on the head commit (GitHub). Default: no.",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Render a report as the comment under a pull request, print it, and post it with --post.

    The exit code is the report's own: a comment about a regression exits 1, posted or not. Trouble
    with posting is a warning.
    """
    from perfkit.cli.posting import post_report
    from perfkit.cli.settings import settings_of
    from perfkit.errors import UsageError
    from perfkit.reporting.document import to_values
    from perfkit.reporting.markdown import report_markdown

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    given = _overrides(policy, key, check_run=check_run)
    if not post and (given or pull_request is not None):
        raise UsageError(
            "--pull-request, --policy, --key and --check-run say how to post; add --post, or leave"
            " them out."
        )
    found = _report(report, from_artifact)
    markdown = report_markdown(found)
    settings = settings_of(invocation, given) if post else None
    posting = (
        None
        if settings is None
        else post_report(
            found,
            settings.monitoring.comment,
            pull_request=pull_request,
            artifact=from_artifact is not None,
        )
    )
    return invocation.finish(
        found.exit_code(),
        text=Raw(markdown),  # a Markdown table is its lines
        values={"markdown": markdown, "posting": posting, **to_values(found)},
        status=found.status,
    )


def _overrides(
    policy: Policy | None, key: str | None, *, check_run: bool | None
) -> "list[Override]":
    from perfkit.config.load import Override

    words = None if check_run is None else str(check_run).lower()
    given = (("policy", policy), ("key", key), ("check_run", words))
    return [
        Override(f"comment.{name}", value, f"--{name.replace('_', '-')}")
        for name, value in given
        if value is not None
    ]


def _report(path: Path | None, artifact: Path | None) -> "Report":
    """Return the report that is asked for; UsageError where it cannot be used."""
    from perfkit.cli.report_file import read_report
    from perfkit.errors import UsageError
    from perfkit.forge.artifact import REPORT, report_text
    from perfkit.reporting.document import from_text

    if artifact is None:
        return read_report(path)
    if path is not None:
        raise UsageError("give either REPORT or --from-artifact, not both.")
    return from_text(report_text(artifact), f"{artifact}: {REPORT}")
