"""Which forge a job runs on, with which token, and what for: from its environment."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfkit.errors import PostingError
from perfkit.forge import github, gitlab
from perfkit.forge.event import REPOSITORY, Occasion, github_occasion, gitlab_occasion
from perfkit.forge.github import GitHub
from perfkit.forge.gitlab import GitLab
from perfkit.forge.http import Client, Limits, Timing

TOKEN = re.compile(r"[!-~]+")
"""What can stand in a header: anything else would be quoted by the library that refuses it."""


def connect(
    environ: Mapping[str, str], max_wait: float, timing: Timing | None = None
) -> tuple[GitHub | GitLab, Occasion]:
    """Return the forge that this job runs on, and what it runs for; nothing is sent yet.

    ``max_wait`` bounds all that posting takes, in seconds. PostingError names the variable that is
    missing or wrong.
    """
    limits = Limits(total_seconds=max_wait)
    clocks = timing or Timing()
    if environ.get("GITLAB_CI"):
        token = _token(environ, "GITLAB_TOKEN")
        project = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID", "")
        if not project:
            raise PostingError("CI_PROJECT_ID: not set, wanted the id of the project.")
        client = Client(
            api=environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
            variable="CI_API_V4_URL",
            credential=gitlab.credential(token),
            secret=token,
            limits=limits,
            timing=clocks,
        )
        return GitLab(client, project), gitlab_occasion(environ)
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not REPOSITORY.fullmatch(repository):
        raise PostingError(
            f"GITHUB_REPOSITORY: found {repository!r}, wanted owner/name; perfkit posts from GitHub"
            " Actions and GitLab CI, and elsewhere with that variable, GITHUB_TOKEN and"
            " --pull-request."
        )
    token = _token(environ, "GITHUB_TOKEN", "GH_TOKEN")
    client = Client(
        api=environ.get("GITHUB_API_URL") or "https://api.github.com",
        variable="GITHUB_API_URL",
        credential=github.credential(token),
        secret=token,
        limits=limits,
        timing=clocks,
    )
    occasion = github_occasion(environ, _event(environ))
    return GitHub(client, repository), occasion


def _token(environ: Mapping[str, str], *names: str) -> str:
    for name in names:
        token = environ.get(name, "").strip()
        if token and TOKEN.fullmatch(token):
            return token
        if token:
            raise PostingError(f"{name}: found a blank or another character no token has.")
    hint = (
        "add `env: GITHUB_TOKEN: ${{ github.token }}` to the step"
        if "GITHUB_TOKEN" in names
        else "put a project access token with the scope api into a masked CI variable"
    )
    raise PostingError(f"{names[0]}: not set, so nothing can be posted; {hint}.")


def _event(environ: Mapping[str, str]) -> Any:  # noqa: ANN401  # any JSON value, looked at by key
    """Return the event that started the job; None where there is no such file."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        return json.loads(Path(path).read_text("utf-8")) if path else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise PostingError(f"{path}: not readable as the event of this job: {error}.") from error
