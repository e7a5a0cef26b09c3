"""One JSON conversation with the API of a forge: bounded, polite, and with its token kept.

Reads are repeated here; writes never are. A write whose answer was lost, or that was put off by a
rate limit, raises :class:`UnansweredError` after the wait, and whoever asked looks at what exists
before asking again.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from perfkit import __version__
from perfkit.errors import PostingError
from perfkit.forge.address import LOOPBACK, next_link, origin_of, reached_from
from perfkit.forge.answer import Answer, RefusedError, UnansweredError
from perfkit.forge.exchange import Exchange, Request
from perfkit.forge.rate_limit import asked_pause
from perfkit.plural import plural

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

SAID_CHARACTERS = 200
"""What is quoted of a server's own words."""


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
    _exchange: Exchange = field(init=False, repr=False)

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
        self._exchange = Exchange(
            api=self.api,
            variable=self.variable,
            most_bytes=self.limits.answer_bytes,
            place=self._place,
            quoted=self.quoted,
        )
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
                    f"{self._place(url)}: the list did not end after {plural(len(seen), 'page')};"
                    " nothing was written, as a comment on a later page might exist."
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
        if (pause := asked_pause(answer, self.timing.now())) is not None:
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
                limit = asked_pause(answer, self.timing.now())
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
        said = self.quoted(answer.message)
        raise RefusedError(
            f"{self._place(url)}: {explain(answer.status, said)}", status=answer.status, said=said
        )

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

    def _next_page(self, url: str, header: str) -> str | None:
        place = next_link(header)
        return None if place is None else self._on_the_same_host(url, place, "the Link header")

    def _on_the_same_host(self, url: str, place: str, what: str) -> str:
        """Return the address of ``place``, seen from ``url``; PostingError for another host."""
        whole, origin = reached_from(url, place)
        if not whole or origin_of(whole) != origin_of(self.api):
            raise PostingError(
                f"{self.api}: {what} leads to {self.quoted(origin)}, another host, which must not"
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
        left = self.limits.total_seconds - (self.timing.elapsed() - self._started)
        if left <= 0:
            raise PostingError(
                f"{self._place(url)}: comment.max_wait ({self.limits.total_seconds:.0f} s) is used"
                " up; nothing more was written."
            )
        headers = {
            "User-Agent": f"perfkit/{__version__}",
            **({} if body is None else {"Content-Type": "application/json"}),
            **self.credential,
        }
        seconds = min(self.limits.request_seconds, left)
        return self._exchange.send(
            Request(method=method, url=url, body=body, headers=headers, seconds=seconds)
        )
