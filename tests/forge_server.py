"""A GitHub and a GitLab on 127.0.0.1, as far as perfkit talks to them, with faults on demand.

It keeps a journal of every request. What it answers is what the real ones answer: pages of 30 (20
for GitLab) unless asked for up to 100, absolute Link addresses of another form than was asked for,
their error bodies word for word.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

Json = Any  # what json.loads gives

TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"  # noqa: S105  # made up, in the form of a real one
BOT = "github-actions[bot]"
GITLAB_BOT = "project_7_bot_4ffca233d8298ea1"
SHA = "c0ffee" * 6 + "c0ff"
DOCS = "https://docs.github.com/rest/issues/comments#create-an-issue-comment"

READ_ONLY = {
    "message": "Resource not accessible by integration",
    "documentation_url": DOCS,
    "status": "403",
}
BAD_CREDENTIALS = {
    "message": "Bad credentials",
    "documentation_url": "https://docs.github.com/rest",
    "status": "401",
}
NOT_FOUND = {"message": "Not Found", "documentation_url": DOCS, "status": "404"}
ISSUES_DISABLED = {
    "message": "Issues are disabled for this repo",
    "documentation_url": DOCS,
    "status": "410",
}
TOO_LONG = {
    "message": "Validation Failed",
    "errors": [
        {
            "resource": "IssueComment",
            "code": "unprocessable",
            "field": "data",
            "message": "Body is too long (maximum is 65536 characters)",
        }
    ],
    "documentation_url": DOCS,
    "status": "422",
}
BLOCKED = {
    "message": "Repository access blocked",
    "block": {
        "reason": "dmca",
        "created_at": "2026-01-05T12:00:00Z",
        "html_url": "https://github.com/github/dmca/blob/master/2026/01/2026-01-05-notice.md",
    },
}
LOCKED = {
    "message": "Unable to create comment because issue is locked.",
    "documentation_url": DOCS,
    "status": "403",
}
ARCHIVED = {
    "message": "Repository was archived so is read-only.",
    "documentation_url": DOCS,
    "status": "403",
}
SAML = {
    "message": (
        "Resource protected by organization SAML enforcement. You must grant your OAuth token"
        " access to this organization."
    ),
    "documentation_url": "https://docs.github.com/articles/authenticating-to-a-github-organization"
    "-with-saml-single-sign-on/",
    "status": "403",
}
RATE_LIMITED = {
    "message": (
        "API rate limit exceeded for installation ID 12345. If you reach out to GitHub Support for"
        " help, please include the request ID C0FF:EE:1 and timestamp 2026-01-05 12:00:00 UTC."
    ),
    "documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest"
    "-api",
    "status": "403",
}
SECONDARY = {
    "documentation_url": "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits"
    "-for-the-rest-api#about-secondary-rate-limits",
    "message": (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    ),
}
UNICORN = "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head></html>\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: ``accepted`` is whether it changed anything."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json
    accepted: bool
    query: str = ""


@dataclass(slots=True)
class Fault:
    """What happens to the next request of ``method`` whose path holds ``path``.

    With ``write`` it is carried out all the same; then ``status`` answers, or the connection is
    dropped where it is None. ``before`` and ``after`` run around it, as another job would.
    """

    method: str = ""
    path: str = ""
    status: int | None = None
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    write: bool = False
    passes: bool = False
    """Answer as always."""
    slow: str = ""
    """``headers`` or ``body``: send that byte by byte until the other side goes."""
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


@dataclass
class Forge:
    """The state of both forges, and what is asked of it."""

    prefix: str = ""
    """Path of the API below the host: empty on github.com, /api/v3 on an Enterprise server."""
    login: str = BOT
    read_only: bool = False
    lag: int = 0
    """Listings that do not show a new comment yet."""
    endless: bool = False
    comments: dict[int, dict[str, Json]] = field(default_factory=dict)
    pulls: list[dict[str, Json]] = field(default_factory=list)
    checks: list[dict[str, Json]] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    journal: list[Request] = field(default_factory=list)
    link_host: str = ""
    url: str = ""
    hidden: dict[int, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    stop: threading.Event = field(default_factory=threading.Event)
    _last: int = 1000

    @property
    def api(self) -> str:
        """What GITHUB_API_URL or CI_API_V4_URL is set to."""
        return f"{self.url}{self.prefix}"

    def count(self, method: str, path: str = "comments", *, accepted: bool | None = None) -> int:
        """Return how many requests of a method came, or how many of them changed something."""
        return sum(
            one.method == method
            and path in one.path
            and (accepted is None or one.accepted is accepted)
            for one in self.journal
        )

    def say(self, author: str, body: str) -> int:
        """Add a comment of ``author`` and return its id."""
        with self.lock:
            self._last += 1
            self.comments[self._last] = {
                "id": self._last,
                "body": body,
                "user": {"login": author} if author else None,
                "author": {"username": author},
            }
            self.hidden[self._last] = self.lag
            return self._last

    def bodies(self) -> list[str]:
        """Return the text of every comment, oldest first."""
        return [comment["body"] for _, comment in sorted(self.comments.items())]

    def pull(self, number: int, sha: str, repository: str | None = "me/fork") -> None:
        """Open a pull request."""
        self.pulls.append(
            {
                "number": number,
                "iid": number,
                "state": "opened",
                "sha": sha,
                "head": {
                    "sha": sha,
                    "ref": "change",
                    "repo": None if repository is None else {"full_name": repository},
                },
            }
        )

    # What is carried out. Each returns status and body.

    def act(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        """Carry out one request."""
        routes: list[tuple[str, str, Callable[..., tuple[int, Json]]]] = [
            ("POST", r"/graphql", lambda: (200, {"data": {"viewer": {"login": self.login}}})),
            ("GET", r"/user", lambda: (200, {"username": GITLAB_BOT})),
            ("GET", r"/repos/o/r/pulls/(\d+)", self._pull),
            ("GET", r"/repos/o/r/pulls", lambda: self._pulls(query)),
            ("GET", r"/repos/o/r/commits/(\w+)/check-runs", self._checks),
            ("POST", r"/repos/o/r/check-runs", lambda: self._check(body)),
            ("GET", r"/repos/o/r/issues/7/comments", self._list),
            ("POST", r"/repos/o/r/issues/7/comments", lambda: self._create(self.login, body)),
            ("GET", r"/repos/o/r/issues/comments/(\d+)", self._get),
            ("PATCH", r"/repos/o/r/issues/comments/(\d+)", lambda id_: self._update(id_, body)),
            ("DELETE", r"/repos/o/r/issues/comments/(\d+)", self._delete),
            ("GET", r"/projects/7/merge_requests/7/notes", self._list),
            (
                "POST",
                r"/projects/7/merge_requests/7/notes",
                lambda: self._create(GITLAB_BOT, body),
            ),
            ("GET", r"/projects/7/merge_requests/7/notes/(\d+)", self._get),
            (
                "PUT",
                r"/projects/7/merge_requests/7/notes/(\d+)",
                lambda id_: self._update(id_, body),
            ),
            ("DELETE", r"/projects/7/merge_requests/7/notes/(\d+)", self._delete),
            (
                "GET",
                r"/projects/7/repository/commits/(\w+)/merge_requests",
                lambda sha: (200, [one for one in self.pulls if one["sha"] == sha]),
            ),
        ]
        for wanted, pattern, action in routes:
            if wanted == method and (found := re.fullmatch(pattern, path)):
                with self.lock:
                    return action(*found.groups())
        return 404, NOT_FOUND

    def _pull(self, number: str) -> tuple[int, Json]:
        found = [one for one in self.pulls if one["number"] == int(number)]
        return (200, found[0]) if found else (404, NOT_FOUND)

    def _pulls(self, query: dict[str, str]) -> tuple[int, Json]:
        assert query["state"] == "open"
        branch = query.get("head", ":change").partition(":")[2]
        return 200, [one for one in self.pulls if one["head"]["ref"] == branch]

    def _checks(self, sha: str) -> tuple[int, Json]:
        found = [one for one in self.checks if one["head_sha"] == sha]
        return 200, {"total_count": len(found), "check_runs": found}

    def _check(self, body: Json) -> tuple[int, Json]:
        if self.read_only:
            return 403, READ_ONLY
        self.checks.append(body)
        return 201, {"id": len(self.checks), **body}

    def _list(self) -> tuple[int, Json]:
        shown = []
        for number, comment in sorted(self.comments.items()):
            if self.hidden.get(number, 0) > 0:
                self.hidden[number] -= 1
            else:
                shown.append(comment)
        return 200, shown

    def _get(self, number: str) -> tuple[int, Json]:
        found = self.comments.get(int(number))
        return (404, NOT_FOUND) if found is None else (200, found)

    def _create(self, author: str, body: Json) -> tuple[int, Json]:
        if self.read_only:
            return 403, READ_ONLY
        if len(body["body"]) > 65_536:
            return 422, TOO_LONG
        return 201, self.comments[self.say(author, body["body"])]

    def _update(self, number: str, body: Json) -> tuple[int, Json]:
        if self.read_only:
            return 403, READ_ONLY
        if int(number) not in self.comments:
            return 404, NOT_FOUND
        self.comments[int(number)]["body"] = body["body"]
        return 200, self.comments[int(number)]

    def _delete(self, number: str) -> tuple[int, Json]:
        if self.read_only:
            return 403, READ_ONLY
        return (204, None) if self.comments.pop(int(number), None) else (404, NOT_FOUND)

    def fault(self, method: str, path: str) -> Fault | None:
        """Return the fault that is meant for this request, and forget it."""
        with self.lock:
            for one in self.faults:
                if one.method in {"", method} and one.path in path:
                    self.faults.remove(one)
                    return one
        return None


class Answering(BaseHTTPRequestHandler):
    """Answers for one forge, the class attribute of a subclass."""

    forge: ClassVar[Forge]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are sent apart, which costs 40 ms each time

    def log_message(self, *_: object) -> None:
        pass

    def any_method(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        path = unquote(parts.path).removeprefix(self.forge.prefix)
        if self.forge.prefix == "/api/v3":
            path = path.removeprefix("/api")  # where the GraphQL of an Enterprise server is
        # The addresses in Link name repositories by number.
        path = path.replace("/repositories/1/", "/repos/o/r/")
        fault = self.forge.fault(self.command, path)
        if fault is not None:
            fault.before()
        carried_out = fault is None or fault.write or fault.passes
        status, value = self._carried_out(path, query, body) if carried_out else (0, None)
        self.forge.journal.append(
            Request(
                self.command,
                path,
                {key.lower(): word for key, word in self.headers.items()},
                body,
                accepted=carried_out and 200 <= status < 300 and self.command != "GET",
                query=parts.query,
            )
        )
        if fault is not None:
            fault.after()
        if fault is None or fault.passes:
            self._answer(status, *self._paged(value, parts.path, query))
        elif fault.slow:
            self._slowly(fault.slow)
        elif fault.status is None:
            self.close_connection = True
            self.connection.close()
        else:
            self._answer(fault.status, fault.body, fault.headers)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = any_method  # noqa: N815  # http.server's names

    def _carried_out(self, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        known = {f"Bearer {TOKEN}", TOKEN}
        said = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")
        if said not in known:
            return 401, BAD_CREDENTIALS
        return self.forge.act(self.command, path, query, body)

    def _paged(self, value: Json, path: str, query: dict[str, str]) -> tuple[Json, dict[str, str]]:
        rows = value["check_runs"] if isinstance(value, dict) and "check_runs" in value else None
        found = rows if rows is not None else value
        if not isinstance(found, list):
            return value, {}
        size = min(int(query.get("per_page", 30)), 100)
        page = int(query.get("page", 1))
        shown = found[(page - 1) * size : page * size]
        headers = {}
        if self.forge.endless or page * size < len(found):
            rest = "&".join(f"{key}={word}" for key, word in query.items() if key != "page")
            where = path.replace("/repos/o/r/", "/repositories/1/")
            base = self.forge.link_host or self.forge.url
            link = f'<{base}{where}?{rest}&page={page + 1}>; rel="next"'
            last = f'<{base}{where}?{rest}&page=99>; rel="last"'
            first = f'<{base}{where}?{rest}&page=1>; rel="first"'
            headers["Link"] = f"{first}, {link}, {last}"
        return ({**value, "check_runs": shown} if rows is not None else shown), headers

    def _answer(self, status: int, value: Json, headers: Mapping[str, str]) -> None:
        html = isinstance(value, str)
        content = value.encode() if html else json.dumps(value).encode()
        content = b"" if value is None else content
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, word in headers.items():
            self.send_header(name, word)
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    def _slowly(self, what: str) -> None:
        head = b"HTTP/1.1 200 OK\r\nX-Slow: "
        body = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["
        try:
            self.wfile.write(head if what == "headers" else body)
            while not self.forge.stop.wait(0.02):
                self.wfile.write(b" ")
        except OSError:
            pass
        self.close_connection = True


@contextmanager
def serving(**state: Json) -> Iterator[Forge]:
    """Hold a forge that answers on a free port of 127.0.0.1."""
    forge = Forge(**state)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answering,), {"forge": forge}))
    server.daemon_threads = True
    server.block_on_close = False
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        forge.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Clock:
    """A time that passes only by sleeping."""

    at: float = 1_767_600_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self.slept.append(seconds)
        self.at += seconds

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self.at
