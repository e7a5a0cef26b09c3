"""Looking at an MCP server: does it initialize, and does a tool answer?"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from perfkit.monitoring.probes.attempt import ProbeFailedError, Reason

if TYPE_CHECKING:
    from mcp.client import Transport


class McpAttempt:
    """Initializes a session, and calls a tool where one is named.

    It speaks over a command's stdio or with an address. The session is new each time, and so is
    the server where it is a command.
    """

    def __init__(
        self,
        *,
        timeout: float,
        url: str | None = None,
        command: Sequence[str] = (),
        tool: str | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self._timeout = timeout
        self._url = url
        self._command = list(command)
        self._tool = tool
        self._arguments = dict(arguments or {})
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    def __call__(self) -> None:
        """Look once.

        Raises:
            ProbeFailedError: no session, no answer in time, or the tool says it failed.
        """
        try:
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                asyncio.run(self._within(nowhere))
        except TimeoutError as error:
            raise ProbeFailedError("timeout", f"took more than {self._timeout:g} s") from error
        except asyncio.CancelledError as error:
            raise ProbeFailedError("timeout", "was ended") from error
        except (OSError, MCPError, httpx2.HTTPError, ValueError, ExceptionGroup) as error:
            found = _first(error)
            if isinstance(found, ProbeFailedError):
                raise found from error
            if isinstance(found, TimeoutError):
                raise ProbeFailedError("timeout", f"took more than {self._timeout:g} s") from error
            network = isinstance(found, OSError | httpx2.TransportError)
            reason: Reason = "connection" if network else "protocol"
            said = str(found) or type(found).__name__
            raise ProbeFailedError(reason, said[:500]) from error
        finally:
            self._running = None

    def stop(self) -> None:
        """Cancel the session."""
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    async def _within(self, nowhere: TextIO) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # it runs in one
        self._running = asyncio.get_running_loop(), task
        server: Transport | str = self._url or ""
        if self._url is None:
            program, *words = self._command
            parameters = StdioServerParameters(command=program, args=words)
            server = stdio_client(parameters, errlog=nowhere)
        async with asyncio.timeout(self._timeout), Client(server) as client:
            await self._call(client)

    async def _call(self, client: Client) -> None:
        if self._tool is None:
            return
        result = await client.call_tool(self._tool, self._arguments)
        if result.is_error:
            told = " ".join(getattr(part, "text", "") for part in result.content)
            raise ProbeFailedError("tool", f"{self._tool}: {told}"[:500])


def _first(error: BaseException) -> BaseException:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
