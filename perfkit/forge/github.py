"""Comments, pull requests and check runs of one GitHub repository, Enterprise servers included.

https://docs.github.com/en/rest/issues/comments, .../rest/pulls/pulls, .../rest/checks/runs
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perfkit.errors import PostingError
from perfkit.forge.check_run import CheckRun
from perfkit.forge.event import Occasion
from perfkit.forge.http import Client, Explain
from perfkit.forge.refusals import github_refusal
from perfkit.forge.sticky import Posted

COMMENTS = "pull-requests: write"
CHECKS = "checks: write"

VERSION = "2022-11-28"
"""Of the REST API; https://docs.github.com/en/rest/about-the-rest-api/api-versions"""


def credential(token: str) -> Mapping[str, str]:
    """Return the headers of every request."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
    }


@dataclass(frozen=True, slots=True)
class GitHub:
    """The repository ``owner/name`` behind ``client``."""

    client: Client
    repository: str

    def author(self) -> str:
        """Return whose comments are ours: the login that the token stands for.

        By GraphQL, since the token of a workflow may not ask REST for its own user.
        """
        prefix = self.client.api.removesuffix("/v3")
        path = prefix.partition("://")[2].partition("/")[2]
        found = self.client.query(
            f"/{path}/graphql" if path else "/graphql",
            _explain("asking who the token is", "metadata: read"),
            {"query": "query { viewer { login } }"},
        )
        match found:
            case {"data": {"viewer": {"login": str(login)}}} if login:
                return login
        raise PostingError(
            f"{self.client.api}: found no login in the answer, wanted whom the token belongs to;"
            " renew the token."
        )

    def numbers_of(self, occasion: Occasion) -> list[int]:
        """Return the open pull requests whose head is ``occasion.sha``."""
        narrowed = {"head": occasion.head} if occasion.head else {}
        explain = _explain("looking for the pull request", "pull-requests: read")
        path = f"repos/{self.repository}/pulls"
        found = self.client.pages(path, explain, state="open", **narrowed)
        return [row["number"] for row in found if _is_head(row, occasion)]

    def sha_of(self, number: int) -> str:
        """Return the head commit of a pull request."""
        explain = _explain("reading the pull request", "pull-requests: read")
        match self.client.read(f"repos/{self.repository}/pulls/{number}", explain):
            case {"head": {"sha": str(sha)}}:
                return sha
        raise PostingError(f"{self.repository}: pull request {number} has no head commit.")

    def comments(self, number: int) -> list[Posted]:
        """Return every comment of a pull request, from all pages."""
        return [
            _posted(row)
            for row in self.client.pages(
                f"repos/{self.repository}/issues/{number}/comments",
                _explain("listing the comments", COMMENTS),
            )
        ]

    def comment(self, number: int, comment: int) -> Posted:
        """Return a comment as it is now."""
        del number  # GitHub numbers comments by repository
        path = f"repos/{self.repository}/issues/comments/{comment}"
        return _posted(self.client.read(path, _explain("reading the comment", COMMENTS)))

    def create(self, number: int, body: str) -> Posted:
        """Create a comment; UnansweredError where it is not known whether it exists now."""
        path = f"repos/{self.repository}/issues/{number}/comments"
        explain = _explain("writing the comment", COMMENTS)
        return _posted(self.client.write("POST", path, explain, {"body": body}))

    def update(self, number: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        del number  # GitHub numbers comments by repository
        path = f"repos/{self.repository}/issues/comments/{comment}"
        self.client.write("PATCH", path, _explain("updating the comment", COMMENTS), {"body": body})

    def delete(self, number: int, comment: int) -> None:
        """Delete a comment."""
        del number  # GitHub numbers comments by repository
        path = f"repos/{self.repository}/issues/comments/{comment}"
        self.client.write("DELETE", path, _explain("removing the duplicate", COMMENTS))

    def create_check(self, check: CheckRun) -> None:
        """Create a check run; UnansweredError where it is not known whether it exists now."""
        path = f"repos/{self.repository}/check-runs"
        explain = _explain("creating the check run", CHECKS)
        self.client.write("POST", path, explain, check.values())

    def has_check(self, check: CheckRun) -> bool:
        """Whether this very check run exists, by its name, commit and external id."""
        rows: Iterator[dict[str, Any]] = self.client.pages(
            f"repos/{self.repository}/commits/{check.sha}/check-runs",
            _explain("listing the check runs", CHECKS),
            within="check_runs",
            check_name=check.name,
            filter="all",
        )
        return any(row.get("external_id") == check.external_id for row in rows)


def _explain(doing: str, permission: str) -> Explain:
    return lambda status, said: github_refusal(status, said, doing=doing, permission=permission)


def _is_head(row: dict[str, Any], occasion: Occasion) -> bool:
    match row:
        case {"number": int(), "head": {"sha": str(sha), **rest}} if sha == occasion.sha:
            repository = rest.get("repo") or {}  # null where the fork is gone
            name = repository.get("full_name") if isinstance(repository, dict) else None
            return occasion.head_repository in {"", name}
    return False


def _posted(row: object) -> Posted:
    match row:
        case {"id": int(number), "body": str() | None as text, **rest}:
            user = rest.get("user")  # null where the account is gone
            login = user.get("login") if isinstance(user, dict) else None
            return Posted(number, login if isinstance(login, str) else "", text or "")
    raise PostingError("the API answered with a comment of an unknown shape; check GITHUB_API_URL.")
