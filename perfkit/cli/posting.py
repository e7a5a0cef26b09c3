"""From a report to its comment under the pull request, and what is said about how that went.

Trouble is a warning: the exit code is the performance verdict.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

from perfkit.errors import PostingError

if TYPE_CHECKING:
    from perfkit.config.monitoring import Comment
    from perfkit.forge.event import Occasion
    from perfkit.forge.github import GitHub
    from perfkit.forge.gitlab import GitLab
    from perfkit.forge.http import Timing
    from perfkit.forge.sticky import Resolved
    from perfkit.model import Report


class Posting(TypedDict):
    """What became of posting, as it stands in the JSON document."""

    comment: str
    """created, updated, left, nothing (there is nowhere to post), failed."""
    pull_request: int | None
    check_run: bool
    """Whether a check run was created."""
    why: str


def post_report(
    report: "Report",
    settings: "Comment",
    *,
    pull_request: int | None = None,
    artifact: bool = False,
    environ: Mapping[str, str] = os.environ,
    timing: "Timing | None" = None,
) -> Posting:
    """Post ``report`` as ``settings`` say, tell stderr what became of it, and return that.

    One from an ``artifact`` makes a green check run only where the event says that a run of this
    very repository wrote it.
    """
    from perfkit.forge.connect import connect

    found = Posting(comment="nothing", pull_request=None, check_run=False, why="")
    if report.interrupted:
        found["why"] = "the measurement was interrupted"
    else:
        try:
            forge, occasion = connect(environ, settings.max_wait, timing)
            if pull_request is not None:
                occasion = replace(occasion, number=pull_request, nowhere="")
            _comment(report, settings, forge, occasion, found)
        except PostingError as error:
            found["comment"], found["why"] = "failed", str(error)
            _warn(f"the comment was not posted: {error}", environ)
        else:
            if settings.check_run:
                try:
                    own = occasion.head_repository == environ.get("GITHUB_REPOSITORY", "")
                    proven = not artifact or (own and bool(occasion.head_repository))
                    _check(report, settings, forge, occasion, found["pull_request"], proven=proven)
                    found["check_run"] = True
                except PostingError as error:
                    _warn(f"the check run was not created: {error}", environ)
    if found["comment"] != "failed":
        where = f" pull request {found['pull_request']}" if found["pull_request"] else ""
        why = f" ({found['why']})" if found["why"] else ""
        sys.stderr.write(f"perfkit: comment:{where} {found['comment']}{why}\n")
    return found


def _comment(
    report: "Report",
    settings: "Comment",
    forge: "GitHub | GitLab",
    occasion: "Occasion",
    found: Posting,
) -> None:
    from perfkit.forge.post import number_for, post_comment, waiting
    from perfkit.forge.sticky import Wanted, may_create, rows_of
    from perfkit.reporting.markdown import COMMENT_BYTES, report_markdown
    from perfkit.reporting.resolved import resolved_markdown

    def rendered(resolved: "Sequence[Resolved]", room: int) -> str:
        lines = resolved_markdown([(one.name, one.sha) for one in resolved])
        limit = min(COMMENT_BYTES, room - len(lines.encode()))
        return report_markdown(report, limit=limit) + lines

    if settings.policy == "never" or occasion.nowhere:
        found["why"] = occasion.nowhere or "comment.policy is never"
        return
    number = number_for(forge, occasion)
    if number is None:
        found["why"] = (
            f"no open pull request has the head {occasion.sha[:10]}; a newer commit may have been"
            " pushed, whose own run will comment"
            if occasion.sha
            else "the job names no pull request; give --pull-request"
        )
        return
    found["pull_request"] = number
    wanted = Wanted(
        key=settings.key,
        author=forge.author(),
        run=occasion.run,
        sha=_head(report, occasion),
        rows=rows_of(report),
        first=may_create(settings.policy, report),
        render=rendered,
    )
    outcome = post_comment(forge, number, wanted, waiting(forge.client))
    found["comment"], found["why"] = outcome.done, outcome.why


def _check(
    report: "Report",
    settings: "Comment",
    forge: "GitHub | GitLab",
    occasion: "Occasion",
    number: int | None,
    *,
    proven: bool,
) -> None:
    from perfkit.forge.check_run import check_run_of
    from perfkit.forge.github import GitHub
    from perfkit.forge.post import post_check, waiting
    from perfkit.reporting.headline import headline
    from perfkit.reporting.markdown import report_markdown

    if not isinstance(forge, GitHub):
        raise PostingError("check runs exist on GitHub only; set comment.check_run to false.")
    sha = occasion.sha
    if not sha and number is not None:
        sha = forge.sha_of(number)
    if not sha:
        raise PostingError("no commit is known to attach it to; give --pull-request.")
    check = check_run_of(
        report,
        name=settings.key,
        sha=sha,
        run=occasion.run,
        title=headline(report),
        summary=report_markdown(report),
        proven=proven,
    )
    post_check(forge, check, waiting(forge.client))


def _head(report: "Report", occasion: "Occasion") -> str:
    """Return the commit that was judged: the event's, or the report's where it is one."""
    from perfkit.forge.event import SHA

    said = report.head.commit if report.head is not None else ""
    return occasion.sha or (said if SHA.fullmatch(said) else "")


def _warn(sentence: str, environ: Mapping[str, str]) -> None:
    """Say ``sentence`` on stderr, and as an annotation where GitHub Actions reads along."""
    from perfkit.reporting.visible import visible

    line = visible(sentence)
    sys.stderr.write(f"perfkit: warning: {line}\n")
    if environ.get("GITHUB_ACTIONS") == "true":
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
        sys.stderr.write(f"::warning title=perfkit::{line.replace('%', '%25')}\n")
