"""A connection to an MCP server that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

Connect: TypeAlias = "Callable[[], AbstractAsyncContextManager[Client]]"
"""Makes an MCP client that is connected for as long as it is held."""

ANSWER_SECONDS = 300.0
"""Longest silence within an answer, as the SDK has it; callers have limits of their own."""


def over_http(url: str) -> Connect:
    """Return what connects to a server over streamable HTTP, as often as it takes."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    # Reading the certificates takes a tenth of a second, in which the event loop would stand.
    certificates = httpx2.create_ssl_context()

    @asynccontextmanager
    async def connect() -> "AsyncIterator[Client]":
        async with (
            httpx2.AsyncClient(
                verify=certificates,
                timeout=httpx2.Timeout(30.0, read=ANSWER_SECONDS),
                limits=httpx2.Limits(max_connections=None),
            ) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            yield client

    return connect


class Reconnecting:
    """Calls tools of a server, over a new connection after one that was lost.

    The SDK's client lives in a task of its own: it cancels the task that holds it when its
    connection breaks. Use on one event loop, as a context manager or with :meth:`close`.

    Args:
        connect: Such as what :func:`over_http` returns.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._closing = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Client] | None = None

    async def client(self) -> "Client":
        """Return the client, connected.

        Raises:
            ConnectionError: the server is not there, or does not answer as an MCP server; the cause
                is what the SDK says.
        """
        if self._ready is None or self._holder is None or self._holder.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._holder = asyncio.create_task(self._hold(self._ready))
        # Whoever gives up waiting does not end the connection of the others.
        return await asyncio.shield(self._ready)

    async def _hold(self, ready: "asyncio.Future[Client]") -> None:
        try:
            async with self._connect() as client:
                ready.set_result(client)
                await self._closing.wait()
        except Exception as error:  # noqa: BLE001  # what it is, is for whoever waits for it
            if not ready.done():
                lost = ConnectionError(f"no connection: {_first(error)}")
                lost.__cause__ = _first(error)
                ready.set_exception(lost)
                ready.exception()  # nobody may be waiting any more
        finally:
            if not ready.done():  # cancelled, by the SDK or on closing
                ready.set_exception(ConnectionError("no connection: it was given up"))
                ready.exception()

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> "CallToolResult":
        """Return the server's answer.

        Raises:
            ConnectionError: there is no connection, or it was lost before the answer.
            MCPError: the server refuses the call.
        """
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        client = await self.client()
        holder = self._holder
        calling = asyncio.create_task(client.call_tool(name, dict(arguments)))
        waited_for = {calling} if holder is None else {calling, holder}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if holder is not None and holder.done():
                raise ConnectionResetError("the connection was lost")
            return calling.result()
        except MCPError as error:
            if error.code != CONNECTION_CLOSED:
                raise
            raise ConnectionResetError("the connection was lost") from error
        finally:
            if not calling.done():
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)

    async def close(self) -> None:
        """End the connection, or the attempt to make one; a server process is waited for."""
        self._closing.set()
        if self._holder is not None:
            if self._ready is not None and not self._ready.done():
                self._holder.cancel()
            await asyncio.wait([self._holder])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
