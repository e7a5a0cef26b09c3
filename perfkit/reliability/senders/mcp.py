"""MCP tool calls over one session: a server process (stdio) or an address (streamable HTTP)."""

import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from perfkit.errors import MeasurementError, UsageError
from perfkit.reliability.bound import bound_to_us
from perfkit.reliability.drive import RequestFailedError, Sender
from perfkit.runtime.mcp_connection import Connect, Reconnecting, over_http

DEGRADED = "degraded"
"""Key of a structured result that is not the real one; its value says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool with its arguments."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class McpSender:
    """Calls tools over one connection at a time, in the order that ``choice`` gives."""

    def __init__(
        self, connection: Reconnecting, calls: Sequence[ToolCall], choice: Sequence[int]
    ) -> None:
        self._connection = connection
        self._calls = calls
        self._choice = choice

    async def send(self, index: int) -> str | None:
        """Call one tool and wait for its result; return what it says under DEGRADED."""
        call = self._calls[self._choice[index % len(self._choice)]]
        try:
            result = await self._connection.call_tool(call.tool, call.arguments)
        except MCPError as error:
            raise RequestFailedError(f"{call.tool}: {error}") from error
        except ConnectionError as error:
            raise RequestFailedError(f"{call.tool}: {error}") from error
        if result.is_error:
            told = " ".join(getattr(part, "text", "") for part in result.content)
            raise RequestFailedError(f"{call.tool}: {told}")
        degraded = (result.structured_content or {}).get(DEGRADED)
        return str(degraded) if degraded else None


@asynccontextmanager
async def mcp_sender(
    address: str, calls: Sequence[ToolCall], choice: Sequence[int]
) -> AsyncIterator[Sender]:
    """Yield a sender over ``stdio:COMMAND`` or an http(s) URL.

    Raises:
        UsageError: a tool is not one of the server's.
        MeasurementError: the server does not start, or does not answer as an MCP server.
    """
    async with Reconnecting(_connecting(address)) as connection:
        try:
            client = await connection.client()
            tools = {tool.name for tool in (await client.list_tools()).tools}
        except (ConnectionError, MCPError) as error:
            found = error.__cause__ if isinstance(error, ConnectionError) else error
            raise MeasurementError(
                f"mcp:{address} does not answer as an MCP server: {found}"
            ) from error
        for call in calls:
            if call.tool not in tools:
                known = ", ".join(sorted(tools))
                raise UsageError(f"mcp:{address} has no tool {call.tool!r}; it has {known}")
        yield McpSender(connection, calls, choice)


def _connecting(address: str) -> Connect:
    if not address.startswith("stdio:"):
        return over_http(address)
    command = shlex.split(address.removeprefix("stdio:"))
    program, *words = bound_to_us(command, environ=os.environ, cwd=Path.cwd())
    # The server's own words go where this process's do, whatever has replaced sys.stderr.
    parameters = StdioServerParameters(command=program, args=words)
    return lambda: Client(stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr))
