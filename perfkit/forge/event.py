"""Which pull request a CI job is about: a function of its environment and its event."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from perfkit.errors import PostingError
from perfkit.forge.sticky import Run

PULL_REF = re.compile(r"refs/pull/(\d+)/(?:merge|head)")
BRANCH_REF = "refs/heads/"
SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a job runs for.

    ``number`` is the pull request where the event names it; else it is looked for by ``sha``, its
    head commit, with ``head`` (``owner:branch``) and ``head_repository`` narrowing the search
    where they are known. ``nowhere`` says in a clause why there is nothing to comment on, and is
    empty where there is.
    """

    number: int | None = None
    sha: str = ""
    head: str = ""
    head_repository: str = ""
    run: Run | None = None
    nowhere: str = ""


def github_occasion(environ: Mapping[str, str], event: object) -> Occasion:
    """Return what a GitHub Actions job runs for; ``event`` is the event file's JSON or None."""
    kind = environ.get("GITHUB_EVENT_NAME", "")
    run = _run(environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_RUN_ATTEMPT", "1"))
    if kind == "workflow_run":
        return _of_workflow_run(event)
    if kind == "merge_group":
        return Occasion(
            sha=_sha(event, "merge_group", "head_sha") or _variable_sha(environ),
            run=run,
            nowhere="a merge group is no pull request; those in it have their own comments",
        )
    pull = PULL_REF.fullmatch(environ.get("GITHUB_REF", ""))
    number = (
        _number(event, "pull_request", "number")
        or (_number(event, "issue", "number") if _at(event, "issue", "pull_request") else None)
        or (int(pull[1]) if pull else None)
    )
    if number is not None:
        return Occasion(number=number, sha=_sha(event, "pull_request", "head", "sha"), run=run)
    repository, ref = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_REF", "")
    if not ref.startswith(BRANCH_REF):
        said = f"the event {kind or 'of this job'} names no pull request and no branch"
        return Occasion(sha=_variable_sha(environ), run=run, nowhere=said)
    return Occasion(
        sha=_variable_sha(environ),
        head=f"{repository.partition('/')[0]}:{ref.removeprefix(BRANCH_REF)}",
        head_repository=repository,
        run=run,
    )


def _of_workflow_run(event: object) -> Occasion:
    """The pull request of a finished run is found by its head commit, which GitHub vouches for.

    For a fork the event lists no pull request, and the commit is not in the base repository:
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_run
    """
    sha = _sha(event, "workflow_run", "head_sha")
    if not sha:
        raise PostingError(
            "GITHUB_EVENT_PATH: found no workflow_run.head_sha, wanted the event of a workflow_run;"
            " run `perfkit comment` in the job that GitHub started for it."
        )
    owner = _text(event, "workflow_run", "head_repository", "owner", "login")
    branch = _text(event, "workflow_run", "head_branch")
    return Occasion(
        sha=sha,
        head=f"{owner}:{branch}" if owner and branch else "",
        head_repository=_text(event, "workflow_run", "head_repository", "full_name"),
        run=_run(
            str(_number(event, "workflow_run", "id")),
            str(_number(event, "workflow_run", "run_attempt") or 1),
        ),
    )


def gitlab_occasion(environ: Mapping[str, str]) -> Occasion:
    """Return what a GitLab CI job runs for.

    https://docs.gitlab.com/ci/variables/predefined_variables
    """
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    sha = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", "")
    return Occasion(
        number=int(number) if number.isdecimal() else None,
        sha=sha if SHA.fullmatch(sha) else "",
        run=_run(environ.get("CI_PIPELINE_ID"), environ.get("CI_JOB_ID", "1")),
    )


def _run(number: str | None, attempt: str) -> Run | None:
    if number is None or not number.isdecimal() or not attempt.isdecimal():
        return None
    return Run(int(number), int(attempt))


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _number(event: object, *keys: str) -> int | None:
    found = _at(event, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def _text(event: object, *keys: str) -> str:
    found = _at(event, *keys)
    return found if isinstance(found, str) else ""


def _sha(event: object, *keys: str) -> str:
    found = _text(event, *keys)
    return found if SHA.fullmatch(found) else ""


def _variable_sha(environ: Mapping[str, str]) -> str:
    found = environ.get("GITHUB_SHA", "")
    return found if SHA.fullmatch(found) else ""
