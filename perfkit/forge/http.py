"""One JSON conversation with the API of a forge: bounded, polite, and with its token kept.

Reads are repeated here; writes never are. A write whose answer was lost, or that was put off by a
rate limit, raises :class:`UnansweredError` after the wait, and whoever asked looks at what exists
before asking again.
"""

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from perfkit import __version__
from perfkit.errors import PostingError

if TYPE_CHECKING:
    import urllib3

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
DEFAULT_PORT = {"https": 443, "http": 80}

REDIRECTS = 3
"""Hops that are followed on the same host; a renamed repository is one."""

VERBATIM_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
"""GitHub asks to repeat the request as it was for all four:
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api"""

CHUNK_BYTES = 65_536

SAID_CHARACTERS = 200
"""What is quoted of a server's own words."""

WITHOUT_HEADERS_SECONDS = 60.0
"""Least wait for a rate limit that names no time: GitHub's "wait for at least one minute"."""


NOT_PERMITTED = "not accessible"
"""In GitHub's words for a missing permission, which no waiting brings: "Resource not accessible by
integration" (or "by personal access token")."""

MAY_WAIT = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}


class UnansweredError(PostingError):
    """Whether the request was carried out is not known, or it was put off by a rate limit."""


class RefusedError(PostingError):
    """The forge said no with ``status``; ``said`` are its own words, in one harmless line."""

    def __init__(self, sentence: str, *, status: int, said: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.said = said


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks: ``now`` in seconds since 1970, ``elapsed`` on a clock that never jumps."""

    now: Callable[[], float] = time.time
    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one conversation may take."""

    total_seconds: float
    """From the first request on, waits included."""
    request_seconds: float = 30.0
    """One request, from its first byte to the last of the answer, however slowly they come."""
    answer_bytes: int = 2**26
    """100 comments of 65,536 characters at 4 bytes each are 25 MiB."""
    pages: int = 100
    tries: int = 4
    """Of one read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``headers`` with lower-case names, ``body`` as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Explain = Callable[[int, str], str]
"""(status, the server's words) -> the sentence that says what to change."""


@dataclass(slots=True)
class Client:
    """A conversation with the API at ``api``, which is the only place that sees ``credential``."""

    api: str
    variable: str
    """Where ``api`` comes from, for sentences about it."""
    credential: Mapping[str, str] = field(repr=False)
    """The headers that carry the token."""
    secret: str = field(repr=False)
    limits: Limits
    timing: Timing = field(default_factory=Timing)
    _started: float = field(init=False, default=0.0)
    _pool: "urllib3.PoolManager | None" = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse an address that is none, or that would show the token to the network."""
        try:
            origin = origin_of(self.api)
        except ValueError:
            origin = None
        if origin is None or urlsplit(self.api).username is not None:
            raise PostingError(
                f"{self.variable}: found {self.quoted(self.api)!r}, wanted the address of an API,"
                " such as https://api.github.com."
            )
        if origin[0] == "http" and origin[1] not in LOOPBACK:
            raise PostingError(
                f"{self.variable}: found {self.quoted(self.api)}, wanted https: over plain http"
                " anybody on the way could read the token."
            )
        self.api = self.api.rstrip("/")
        self._started = self.timing.elapsed()

    def read(self, path: str, explain: Explain, **parameters: str | int) -> Any:  # noqa: ANN401  # any JSON value
        """Return the JSON value at ``path`` below the API."""
        return self._json(self._repeated("GET", self._url(path, parameters), explain))

    def query(self, path: str, explain: Explain, body: object) -> Any:  # noqa: ANN401  # any JSON value
        """Return the JSON value of a POST that changes nothing (GraphQL), repeated like a read."""
        return self._json(self._repeated("POST", self._url(path, {}), explain, body))

    def pages(
        self, path: str, explain: Explain, *, within: str = "", **parameters: str | int
    ) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list over all its pages; ``within`` is the key that holds it."""
        url: str | None = self._url(path, {**parameters, "per_page": 100})
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) == self.limits.pages:
                raise PostingError(
                    f"{self._place(url)}: the list did not end after {len(seen)} pages; nothing was"
                    " written, as a comment on a later page might exist."
                )
            seen.add(url)
            answer = self._repeated("GET", url, explain)
            value = self._json(answer)
            rows = value.get(within) if within and isinstance(value, dict) else value
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise PostingError(
                    f"{self._place(url)}: found JSON of an unknown shape, wanted a list of objects;"
                    f" check {self.variable}."
                )
            yield from rows
            url = self._next_page(url, answer.headers.get("link", ""))

    def write(self, method: str, path: str, explain: Explain, body: object = None) -> Any:  # noqa: ANN401  # any JSON value
        """Send one write, once, and return the JSON value of its answer (None where it is empty).

        UnansweredError where it may have been carried out, and after the wait where a rate limit
        put it off.
        """
        url = self._url(path, {})
        answer = self._followed(method, url, body)
        if (pause := self._limited(answer)) is not None:
            self.wait(pause, f"{self._place(url)} is rate limited")
            raise UnansweredError(f"{self._place(url)}: the rate limit did not end.")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UnansweredError(f"{self._place(url)}: the server answered {answer.status}.")
        self._refuse(answer, url, explain)
        return self._json(answer)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, unless that would take longer than posting may; PostingError then says ``why``."""
        left = self.limits.total_seconds - (self.timing.elapsed() - self._started)
        if seconds > left:
            raise PostingError(
                f"{why}: it would take {seconds:.0f} s more, and {max(left, 0):.0f} s are left of"
                f" comment.max_wait ({self.limits.total_seconds:.0f} s); nothing more was written."
            )
        self.timing.sleep(seconds)

    def quoted(self, text: str) -> str:
        """Return a server's words as one harmless line that does not hold the token."""
        hidden = text.replace(self.secret, "***")
        line = "".join(c if c.isprintable() else " " for c in hidden)
        return line if len(line) <= SAID_CHARACTERS else f"{line[:SAID_CHARACTERS]}…"

    def _url(self, path: str, parameters: Mapping[str, str | int]) -> str:
        # Only the GraphQL of an Enterprise server lies beside the API: its path starts at the host.
        url = urljoin(self.api, path) if path.startswith("/") else f"{self.api}/{path}"
        return f"{url}?{urlencode(parameters)}" if parameters else url

    def _place(self, url: str) -> str:
        parts = urlsplit(url)
        return self.quoted(f"{parts.netloc}{parts.path}")

    def _repeated(self, method: str, url: str, explain: Explain, body: object = None) -> Answer:
        pause = 1.0
        for attempt in range(1, self.limits.tries + 1):
            try:
                answer = self._followed(method, url, body)
            except UnansweredError as error:
                why = str(error)
                asked = pause
            else:
                limit = self._limited(answer)
                if limit is None and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    self._refuse(answer, url, explain)
                    return answer
                why = f"{self._place(url)}: the server answered {answer.status}"
                asked = pause if limit is None else limit
            if attempt < self.limits.tries:
                self.wait(asked, why)
                pause *= 2
        raise UnansweredError(
            f"{self._place(url)}: no answer to {self.limits.tries} requests; run the job again"
            " later."
        )

    def _refuse(self, answer: Answer, url: str, explain: Explain) -> None:
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        said = self.quoted(_message(answer.body))
        raise RefusedError(
            f"{self._place(url)}: {explain(answer.status, said)}", status=answer.status, said=said
        )

    def _limited(self, answer: Answer) -> float | None:
        """Return the seconds to wait where the answer is about a rate limit, else None.

        https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and, with
        other names of the headers, https://docs.gitlab.com/security/rate_limits.
        """
        headers = answer.headers
        if "retry-after" in headers and answer.status in MAY_WAIT:
            return self._until(headers["retry-after"])
        words = _message(answer.body).lower()
        if answer.status not in MAY_WAIT or NOT_PERMITTED in words:
            return None
        for prefix in ("x-ratelimit-", "ratelimit-"):
            reset = headers.get(f"{prefix}reset", "")
            if headers.get(f"{prefix}remaining") == "0" and reset.isdecimal():
                return max(int(reset) - self.timing.now(), 0.0) + 1.0  # the header is whole seconds
        named = "rate limit" in words or "abuse" in words
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or named:
            return WITHOUT_HEADERS_SECONDS
        return None

    def _until(self, after: str) -> float:
        """Return the seconds that a Retry-After header means: a number of them, or a date."""
        if after.strip().isdecimal():
            return float(after)
        try:
            return max(parsedate_to_datetime(after).timestamp() - self.timing.now(), 0.0)
        except ValueError:
            return WITHOUT_HEADERS_SECONDS

    def _json(self, answer: Answer) -> Any:  # noqa: ANN401  # any JSON value
        if not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            kind = "an HTML page" if answer.body.lstrip()[:1] == b"<" else "no JSON"
            raise PostingError(
                f"{self.api}: found {kind}, wanted the JSON of an API; check {self.variable}, and"
                " whether a proxy or a login page stands in between."
            ) from error

    def _next_page(self, url: str, link: str) -> str | None:
        found = re.search(r'<([^<>]*)>\s*;[^<>]*?\brel="?next\b', link)
        if found is None:
            return None
        return self._on_the_same_host(url, str(found[1]), "the Link header")

    def _on_the_same_host(self, url: str, place: str, what: str) -> str:
        """Return the address of ``place``, seen from ``url``; PostingError for another host."""
        try:
            whole = urljoin(url, place)
            host = origin_of(whole)
        except ValueError:
            whole, host = "", None
        if host != origin_of(self.api):
            named = "no http address" if host is None else f"{host[0]}://{host[1]}:{host[2]}"
            raise PostingError(
                f"{self.api}: {what} leads to {self.quoted(named)}, another host, which must not"
                f" get the token; set {self.variable} to where the API is."
            )
        if self.secret in whole:
            raise PostingError(f"{self.api}: {what} leads to an address that holds the token.")
        return whole

    def _followed(self, method: str, url: str, body: object) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        for _ in range(REDIRECTS + 1):
            answer = self._sent(method, url, content)
            if answer.status not in VERBATIM_REDIRECTS:
                return answer
            url = self._on_the_same_host(url, answer.headers.get("location", ""), "a redirect")
        raise PostingError(f"{self._place(url)}: more than {REDIRECTS} redirects in a row.")

    def _sent(self, method: str, url: str, body: bytes | None) -> Answer:
        """Return the answer to one request; UnansweredError where none came whole and in time.

        A thread of its own, since no timeout of a socket bounds an answer that comes byte by byte;
        it ends with the next byte, or with the process.
        """
        left = self.limits.total_seconds - (self.timing.elapsed() - self._started)
        if left <= 0:
            raise PostingError(
                f"{self._place(url)}: comment.max_wait ({self.limits.total_seconds:.0f} s) is used"
                " up; nothing more was written."
            )
        seconds = min(self.limits.request_seconds, left)
        found: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        given_up = threading.Event()

        def converse() -> None:
            try:
                found.put(self._exchange(method, url, body, seconds, given_up))
            except Exception as error:  # noqa: BLE001  # raised again by who waits for it
                found.put(error)

        threading.Thread(target=converse, daemon=True).start()
        try:
            outcome = found.get(timeout=seconds)
        except queue.Empty:
            given_up.set()
            raise UnansweredError(
                f"{self._place(url)}: no whole answer within {seconds:g} s."
            ) from None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _exchange(
        self, method: str, url: str, body: bytes | None, seconds: float, given_up: threading.Event
    ) -> Answer:
        import urllib3
        from urllib3.exceptions import HTTPError

        headers = {
            "User-Agent": f"perfkit/{__version__}",
            **({} if body is None else {"Content-Type": "application/json"}),
            **self.credential,
        }
        try:
            response = self._connections().request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(seconds),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,  # nothing compressed was asked for
            )
            content = bytearray()
            for chunk in response.stream(CHUNK_BYTES):
                content += chunk
                if len(content) > self.limits.answer_bytes or given_up.is_set():
                    response.close()
                    break
            else:
                response.release_conn()
        except (HTTPError, OSError) as error:
            # The chain is cut: an exception of the library may hold the request with its headers.
            reason = self.quoted(f"{type(error).__name__}: {error}")
            message = f"{self._place(url)}: no answer ({reason})."
        else:
            if len(content) > self.limits.answer_bytes:
                raise PostingError(
                    f"{self._place(url)}: the answer is longer than"
                    f" {self.limits.answer_bytes:,} bytes."
                )
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lowered, bytes(content))
        raise UnansweredError(message)

    def _connections(self) -> "urllib3.PoolManager":
        import urllib3

        if self._pool is None:
            parts = urlsplit(self.api)
            proxy = getproxies().get(parts.scheme)
            host = parts.hostname or ""
            direct = proxy is None or host in LOOPBACK or proxy_bypass(host)
            self._pool = urllib3.PoolManager() if direct else urllib3.ProxyManager(str(proxy))
        return self._pool


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an http(s) address; ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORT or not parts.hostname:
        message = "no http address"
        raise ValueError(message)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORT[parts.scheme]


def _message(body: bytes) -> str:
    """Return the words in an error body: its ``message`` (or ``error``), empty where it has none.

    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api, and for the
    lists and objects that GitLab puts there https://docs.gitlab.com/api/rest/troubleshooting.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    found = value.get("message") or value.get("error") or ""
    return found if isinstance(found, str) else json.dumps(found)
