"""Every request to a forge as it goes out, and what its refusal says, as a golden file.

``PYTHONPATH=tests python tests/forge/test_endpoints.py`` writes it anew.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from forge_server import SHA, TOKEN, Clock, Fault, serving

from perfkit.errors import PostingError
from perfkit.forge import github as github_headers
from perfkit.forge import gitlab as gitlab_headers
from perfkit.forge.answer import RefusedError
from perfkit.forge.check_run import CheckRun
from perfkit.forge.event import Occasion
from perfkit.forge.github import GitHub
from perfkit.forge.gitlab import GitLab
from perfkit.forge.http import Client, Limits, Timing

GOLDEN = Path(__file__).parent / "golden" / "endpoints.txt"
CHECK = CheckRun(
    name="perf kit", sha=SHA, conclusion="neutral", title="t", summary="s", external_id="5.1"
)
HEADERS = ("accept", "x-github-api-version", "content-type")


def client_of(api: str, credential: Mapping[str, str]) -> Client:
    clock = Clock()
    return Client(
        api=api,
        variable="THE_API",
        credential=credential,
        secret=TOKEN,
        limits=Limits(total_seconds=300.0),
        timing=Timing(now=clock.now, elapsed=clock.now, sleep=clock.sleep),
    )


def github_operations(forge: GitHub) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every operation on GitHub by its name."""
    yield "author", forge.author
    yield "numbers_of", lambda: forge.numbers_of(Occasion(sha=SHA))
    narrow = Occasion(sha=SHA, head="me:a/b", head_repository="me/fork")
    yield "numbers_of a branch", lambda: forge.numbers_of(narrow)
    yield "sha_of", lambda: forge.sha_of(7)
    yield "comments", lambda: forge.comments(7)
    yield "create", lambda: forge.create(7, "words")
    yield "update", lambda: forge.update(7, 1001, "words")
    yield "delete", lambda: forge.delete(7, 1001)
    yield "create_check", lambda: forge.create_check(CHECK)
    yield "has_check", lambda: forge.has_check(CHECK)


def gitlab_operations(forge: GitLab) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every operation on GitLab by its name."""
    yield "author", forge.author
    yield "numbers_of", lambda: forge.numbers_of(Occasion(sha=SHA))
    yield "comments", lambda: forge.comments(7)
    yield "create", lambda: forge.create(7, "words")
    yield "update", lambda: forge.update(7, 1001, "words")
    yield "delete", lambda: forge.delete(7, 1001)


def sent(prefix: str) -> Iterator[str]:
    """Yield what is sent, what a refusal says and what an answer of another shape gets."""
    with serving(prefix=prefix) as server:
        operations = (
            gitlab_operations(
                GitLab(client_of(server.api, gitlab_headers.credential(TOKEN)), "group/project")
            )
            if prefix == "/api/v4"
            else github_operations(
                GitHub(client_of(server.api, github_headers.credential(TOKEN)), "o/r")
            )
        )
        for name, operation in operations:
            refused = ""
            server.faults.append(Fault(status=403, body={"message": "no"}))
            try:
                operation()
            except RefusedError as error:
                refused = str(error)
            server.faults.append(Fault(status=200, body={"id": "7"}))
            try:
                other = f"returned {operation()}"
            except PostingError as error:
                other = str(error)
            request = server.journal[-1]
            query = f"?{request.query}" if request.query else ""
            yield f"{name}: {request.method} {request.path}{query}"
            yield from (
                f"  {key}: {request.headers[key]}" for key in HEADERS if key in request.headers
            )
            if request.body is not None:
                yield f"  {json.dumps(request.body)}"
            yield f"  refused: {refused}".replace(server.url.removeprefix("http://"), "HOST")
            yield f"  of another shape: {other}".replace(server.url, "http://HOST").replace(
                server.url.removeprefix("http://"), "HOST"
            )


def everything() -> str:
    """Return the golden text."""
    lines = []
    for prefix in ("", "/api/v3", "/api/v4"):
        lines += [f"# API at {prefix or 'the host'}", *sent(prefix), ""]
    return "\n".join(lines)


def test_every_request_is_as_written_down_and_every_refusal_says_what_to_change() -> None:
    assert everything() == GOLDEN.read_text("utf-8")


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(everything(), "utf-8")
