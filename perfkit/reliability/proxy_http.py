"""An HTTP proxy on loopback whose requests go wrong on purpose, each as a whole.

Faults are decided once for each request and not for each piece of data, so that a share of 10 % is
10 % of the requests, whatever their size.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from perfkit.reliability.faults import Fault, FaultKind
from perfkit.reliability.waiting import Sleep

HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade", "content-length"),
    }
)
"""Headers that are a connection's own (RFC 9110, section 7.6.1), and the length, set anew."""

PIECE_SECONDS = 0.1
"""Time between two pieces of a slow answer."""

CHUNK = 65536


class FaultyHttp:
    """Forwards requests to ``upstream``; ``fault`` may be set and cleared while it runs."""

    def __init__(self, upstream: str, rng: random.Random, sleep: Sleep = asyncio.sleep) -> None:
        self.upstream = upstream.rstrip("/")
        self.fault: Fault | None = None
        self.hits: Counter[FaultKind] = Counter()
        """Requests that each kind of fault has hit."""
        self.port = 0
        self._rng, self._sleep = rng, sleep
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None

    async def set(self, fault: Fault | None) -> None:
        """Begin a fault, or end it with None."""
        was_down = self._site is None
        self.fault = fault
        down = fault is not None and fault.kind is FaultKind.DOWN
        if down and self._site is not None:
            self.hits[FaultKind.DOWN] += 1
            await self._close()
        elif not down and was_down:
            await self._open()

    async def start(self, client: aiohttp.ClientSession, port: int = 0) -> None:
        """Listen on ``port`` of 127.0.0.1, 0 for any."""
        self._client, self.port = client, port
        await self._open()

    async def close(self) -> None:
        """Stop listening, and end every connection."""
        if self._site is not None:
            await self._close()

    async def _open(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        self._site = None
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.fault
        if fault is None or self._rng.random() >= fault.share:
            return await self._forward(request, None)
        self.hits[fault.kind] += 1
        match fault.kind:
            case FaultKind.LATENCY:
                wait = fault.delay + self._rng.uniform(-1, 1) * fault.jitter
                await self._sleep(max(0.0, wait))
            case FaultKind.ERROR:
                return web.Response(status=fault.status, text="a fault on purpose\n")
            case FaultKind.RESET:
                _reset(request)
                return web.Response()  # to nobody
            case FaultKind.HANG:
                await asyncio.Event().wait()  # until the client leaves or the proxy closes
        return await self._forward(request, fault)

    async def _forward(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        if self._client is None:
            raise RuntimeError("the proxy was not started")
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        try:
            body = await request.read()
        except ConnectionError:
            return web.Response()  # to nobody: the client has left
        try:
            async with self._client.request(
                request.method,
                f"{self.upstream}{request.path_qs}",
                headers=headers,
                data=body or None,
                allow_redirects=False,
            ) as found:
                return await self._pass_on(request, found, fault)
        except aiohttp.ClientConnectionError:
            # What a client sees of a server that is gone.
            _reset(request)
            return web.Response()

    async def _pass_on(
        self, request: web.Request, found: aiohttp.ClientResponse, fault: Fault | None
    ) -> web.StreamResponse:
        headers = {k: v for k, v in found.headers.items() if k.lower() not in HOP_BY_HOP}
        answer = web.StreamResponse(status=found.status, headers=headers)
        if fault is None or fault.kind not in {FaultKind.SLOW, FaultKind.TRUNCATE}:
            await answer.prepare(request)
            async for piece in found.content.iter_chunked(CHUNK):
                await answer.write(piece)
            await answer.write_eof()
            return answer
        body = await found.read()
        answer.content_length = len(body)
        await answer.prepare(request)
        if fault.kind is FaultKind.TRUNCATE:
            await answer.write(body[: len(body) // 2])
            _reset(request)
            return answer
        step = max(1, int(fault.rate * PIECE_SECONDS))
        for start in range(0, len(body), step):
            await self._sleep(PIECE_SECONDS)
            await answer.write(body[start : start + step])
        await answer.write_eof()
        return answer


def _reset(request: web.Request) -> None:
    """End the connection at once, which the other side sees as a reset or an early end."""
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def faulty_http(
    upstream: str, rng: random.Random, port: int = 0, *, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[FaultyHttp]:
    """Yield a proxy to ``upstream`` (an http address) that listens on 127.0.0.1.

    ``sleep`` waits for the seconds that a late or slow answer takes.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    ) as client:
        proxy = FaultyHttp(upstream, rng, sleep)
        await proxy.start(client, port)
        try:
            yield proxy
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await proxy.close()
