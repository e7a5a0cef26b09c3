"""A client of the server for callers that are not async, such as benchmarks."""

import asyncio
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer

from workload.server import build_server
from workload.telemetry import STORE


class ToolFailedError(RuntimeError):
    """The server answered a call with an error; the message is the server's."""


class Session:
    """A connection held open on an event loop of its own, from construction to ``close``.

    Connecting, answering and closing happen inside one task, as the SDK's task groups demand.

    Raises:
        OSError: the server process cannot be started.
        ExceptionGroup: it was started and did not answer as an MCP server; holds an ``MCPError``.
    """

    def __init__(self, server: MCPServer[object] | StdioServerParameters) -> None:
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._closing = asyncio.Event()
        connected: asyncio.Future[Client] = self._loop.create_future()
        self._held = self._loop.create_task(self._hold(server, connected))
        try:
            self._client = self._loop.run_until_complete(connected)
        except BaseException:
            self._runner.close()
            raise

    async def _hold(
        self, server: MCPServer[object] | StdioServerParameters, connected: asyncio.Future[Client]
    ) -> None:
        try:
            async with Client(server) as client:
                connected.set_result(client)
                await self._closing.wait()
        except Exception as error:
            if connected.done():
                raise
            connected.set_exception(error)

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its structured answer.

        Raises:
            ToolFailedError: the tool answered with an error.
        """
        result = self._loop.run_until_complete(self._client.call_tool(tool, arguments))
        if result.is_error:
            raise ToolFailedError(" ".join(getattr(part, "text", "") for part in result.content))
        return dict(result.structured_content or {})

    def close(self) -> None:
        """End the session; a server process is waited for."""
        self._closing.set()
        try:
            self._loop.run_until_complete(self._held)
        finally:
            self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def in_memory() -> Session:
    """Return a session with a server in this process."""
    return Session(build_server())


def over_stdio(telemetry: Path | None = None) -> Session:
    """Return a session with a server in a process of its own, running this same package.

    ``telemetry`` is the store that the server records into, if any.
    """
    package = Path(__file__).resolve().parent
    path = os.pathsep.join([str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return Session(
        StdioServerParameters(
            command=sys.executable,
            args=["-m", "workload.server"],
            env={"PYTHONPATH": path} | ({} if telemetry is None else {STORE: str(telemetry)}),
        )
    )
