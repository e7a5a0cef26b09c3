"""A TCP proxy on loopback whose connections go wrong on purpose."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perfkit.errors import UsageError
from perfkit.reliability.faults import NO_STATUS, Fault, FaultKind
from perfkit.reliability.waiting import Sleep

CHUNK = 65536
PIECE_SECONDS = 0.1
"""Time between two pieces of a slow stream."""

TRUNCATED_AFTER = 64
"""Bytes of the answers that a truncated connection lets through."""


class FaultyTcp:
    """Forwards connections to ``host:port``; ``fault`` may be set and cleared while it runs.

    ``latency``, ``slow`` and ``truncate`` act on what the server says; whether a connection is hit
    is decided when it is made, or when the fault begins.
    """

    def __init__(
        self,
        host: str,
        upstream_port: int,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.host, self.upstream_port = host, upstream_port
        self.fault: Fault | None = None
        self.hits: Counter[FaultKind] = Counter()
        self.port = 0
        self._rng, self._sleep = rng, sleep
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def set(self, fault: Fault | None) -> None:
        """Begin a fault, or end it with None."""
        if fault is not None and fault.kind is FaultKind.ERROR:
            raise UsageError(NO_STATUS)
        self.fault = fault
        if fault is not None and fault.kind is FaultKind.DOWN:
            self.hits[FaultKind.DOWN] += 1
            await self.close()
        elif self._server is None:
            await self.start(self.port)
        if fault is not None and fault.kind is FaultKind.RESET:
            for writer in list(self._writers):
                if self._rng.random() < fault.share:
                    self.hits[FaultKind.RESET] += 1
                    _reset(writer)

    async def start(self, port: int = 0) -> None:
        """Listen on ``port`` of 127.0.0.1, 0 for any."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and end every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in list(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(list(self._open))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served outside of a task")
        self._open.add(task)
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            fault = self.fault
            if fault and fault.kind is FaultKind.RESET and self._rng.random() < fault.share:
                self.hits[FaultKind.RESET] += 1
                _reset(writer)
                return
            answers, upstream = await asyncio.open_connection(self.host, self.upstream_port)
            await asyncio.gather(_copy(reader, upstream), self._answers(answers, writer))
        except OSError:
            _reset(writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._open.discard(task)
            self._writers.discard(writer)
            for one in filter(None, (writer, upstream)):
                one.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the server says, as the fault of the moment lets it."""
        seen: Fault | None = None
        hit: Fault | None = None
        passed = 0
        while piece := await reader.read(CHUNK):
            if self.fault is not seen:
                seen, passed = self.fault, 0
                hit = seen if seen and self._rng.random() < seen.share else None
                if hit:
                    self.hits[hit.kind] += 1
            if hit is None:
                writer.write(piece)
            elif hit.kind is FaultKind.SLOW:
                await self._trickle(writer, piece, hit.rate)
            elif hit.kind is FaultKind.TRUNCATE:
                writer.write(piece[: TRUNCATED_AFTER - passed])
                passed += len(piece)
                if passed >= TRUNCATED_AFTER:
                    await writer.drain()
                    _reset(writer)
                    return
            else:
                await self._delay(hit)
                writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _delay(self, fault: Fault) -> None:
        if fault.kind is FaultKind.HANG:
            while self.fault is fault:  # noqa: ASYNC110 - set by whoever runs the experiment
                await asyncio.sleep(PIECE_SECONDS)
        elif fault.kind is FaultKind.LATENCY:
            await self._sleep(max(0.0, fault.delay + self._rng.uniform(-1, 1) * fault.jitter))

    async def _trickle(self, writer: asyncio.StreamWriter, piece: bytes, rate: int) -> None:
        step = max(1, int(rate * PIECE_SECONDS))
        for start in range(0, len(piece), step):
            await self._sleep(PIECE_SECONDS)
            writer.write(piece[start : start + step])
            await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(CHUNK):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Send RST rather than FIN: a socket closed with a linger of zero (SO_LINGER, socket(7))."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def faulty_tcp(
    host: str,
    upstream_port: int,
    rng: random.Random,
    port: int = 0,
    *,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[FaultyTcp]:
    """Yield a proxy to ``host:upstream_port`` that listens on 127.0.0.1.

    ``sleep`` waits for the seconds that a late or slow answer takes.
    """
    proxy = FaultyTcp(host, upstream_port, rng, sleep)
    await proxy.start(port)
    try:
        yield proxy
    finally:
        await proxy.close()
