"""One call of an MCP tool, client and server in this process; runs in the child process only."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perfkit.errors import MeasurementError, UsageError
from perfkit.targets.blame import blamed
from perfkit.targets.called import arguments_of, imported
from perfkit.targets.spec import Target

if TYPE_CHECKING:
    from mcp import Client


@contextmanager
def tool_call(target: Target) -> Iterator[Callable[[], object]]:
    """Yield what calls the tool once and waits for its answer.

    The server is imported or made, connected in memory and asked for its tools before; what is left
    is the call as a client sees it: the protocol, validation and the tool itself.

    Raises:
        UsageError: The mcp package, the server or the tool is not there, or the arguments have no
            names.
        MeasurementError: The server raised, or (when called) the tool answered with an error.
    """
    where, _, tool = target.name.rpartition(":")
    _check_installed(target)
    server = _server(target, where)
    positional, arguments = arguments_of(target)
    if positional:
        raise UsageError(
            f"{target}: the arguments of a tool have names: let the factory return a dict"
        )
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        connected: asyncio.Future[Client] = loop.create_future()
        closing = asyncio.Event()
        # Connecting and closing happen inside one task, as the SDK's task groups demand.
        held = loop.create_task(_hold(server, connected, closing))
        with blamed(target):
            client = loop.run_until_complete(connected)
        try:
            _check_tool(target, tool, loop.run_until_complete(_tools(client)))
            yield lambda: _call(target, loop, client, tool, dict(arguments))
        finally:
            closing.set()
            with blamed(target):
                loop.run_until_complete(held)


def _check_installed(target: Target) -> None:
    try:
        from mcp import Client  # noqa: F401 - only asked for
    except ImportError:
        raise UsageError(
            f"{target}: the mcp package, version 2 or newer, is not installed beside perfkit"
            f" ({sys.executable}); install it there"
        ) from None


def _server(target: Target, where: str) -> Any:  # noqa: ANN401 - a server of two classes
    """Return the server that ``pkg.mod`` holds, or that ``pkg.mod:name`` is or makes."""
    from mcp.server import Server
    from mcp.server.mcpserver import MCPServer

    kinds = (Server, MCPServer)
    found = imported(target, where)
    if ":" not in where:
        held = {id(value): value for value in vars(found).values() if isinstance(value, kinds)}
        if len(held) != 1:
            raise UsageError(
                f"{target}: found {len(held)} servers in {where}, wanted one; name it, or what"
                f" makes it: mcp:{where}:NAME:TOOL"
            )
        [found] = held.values()
    elif not isinstance(found, kinds) and callable(found):
        with blamed(target):
            found = found()
    if not isinstance(found, kinds):
        raise UsageError(
            f"{target}: {where} gives a {type(found).__name__}, wanted an MCPServer or Server of"
            " the mcp package, or a function that returns one"
        )
    return found


async def _hold(
    server: Any,  # noqa: ANN401 - a server of two classes
    connected: "asyncio.Future[Client]",
    closing: asyncio.Event,
) -> None:
    from mcp import Client

    try:
        async with Client(server) as client:
            connected.set_result(client)
            await closing.wait()
    except Exception as error:
        if connected.done():
            raise
        connected.set_exception(error)


async def _tools(client: "Client") -> list[str]:
    names: list[str] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            return names


def _check_tool(target: Target, tool: str, known: list[str]) -> None:
    if tool not in known:
        there = f"; there is {', '.join(sorted(known)[:5])}" if known else ""
        raise UsageError(f"{target}: the server has no tool {tool}{there}")


def _call(
    target: Target,
    loop: asyncio.AbstractEventLoop,
    client: "Client",
    tool: str,
    arguments: dict[str, Any],
) -> None:
    answer = loop.run_until_complete(client.call_tool(tool, arguments))
    if answer.is_error:
        said = " ".join(" ".join(getattr(part, "text", "") for part in answer.content).split())
        raise MeasurementError(
            f"{target} answered with an error: {said}; give the tool what it needs (--args,"
            " --factory), or repair what the server logged above"
        )
