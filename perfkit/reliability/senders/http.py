"""Requests over HTTP/1.1 with aiohttp: keep-alive, no redirects, no proxies, no cookies."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from perfkit.reliability.drive import RequestFailedError, Sender

FIRST_FAILURE = 400
"""Status codes from here on are failures (RFC 9110, sections 15.5 and 15.6)."""


DEGRADED = "X-Degraded"
"""Header of an answer that is not the real one; its value says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; ``body`` is sent as it is."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class HttpSender:
    """Sends requests in the order that ``choice`` gives: indices of ``requests``, repeated."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        requests: Sequence[HttpRequest],
        choice: Sequence[int],
    ) -> None:
        self._session = session
        self._requests = [(one, URL(one.url, encoded=True)) for one in requests]
        self._choice = choice

    async def send(self, index: int) -> str | None:
        """Send one request and read its whole answer; return what its DEGRADED header says."""
        chosen = self._choice[index % len(self._choice)]
        request, url = self._requests[chosen]
        try:
            async with self._session.request(
                request.method,
                url,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
            ) as answer:
                await answer.read()
                status, degraded = answer.status, answer.headers.get(DEGRADED)
        except aiohttp.ClientError as error:
            raise RequestFailedError(_reason(error)) from error
        if status >= FIRST_FAILURE:
            raise RequestFailedError(f"HTTP {status}")
        return degraded


def _reason(error: aiohttp.ClientError) -> str:
    """Return the same words for the same cause: without addresses of objects or ports."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"no connection: {os.strerror(number) if number else error.os_error}"
    return type(error).__name__


@asynccontextmanager
async def http_sender(
    requests: Sequence[HttpRequest], choice: Sequence[int]
) -> AsyncIterator[Sender]:
    """Yield a sender with a connection for each request that waits."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        # Each request has its own limit from outside.
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "perfkit-load"},
    ) as session:
        yield HttpSender(session, requests, choice)
