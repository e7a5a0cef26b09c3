"""Tool calls over a server that is killed and comes back, and a load that outlives it."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perfkit.reliability.drive import RequestFailedError
from perfkit.reliability.senders.mcp import ToolCall, mcp_sender
from perfkit.runtime.mcp_connection import Reconnecting, over_http

SERVER = """
import sys
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop", log_level="ERROR")

@server.tool(structured_output=True)
async def price(kilos: int) -> dict[str, int | str]:
    return {"price": kilos, "degraded": "scales"} if kilos > 5 else {"price": kilos}

server.run("streamable-http", port=int(sys.argv[1]), json_response=True, stateless_http=True)
"""


@contextmanager
def shop(port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


async def until_it_answers(connection: Reconnecting) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                result = await connection.call_tool("price", {"kilos": 2})
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                assert result.structured_content == {"price": 2}
                return


def test_a_connection_is_made_anew_after_the_server_was_killed(port: int) -> None:
    async def whole() -> None:
        url = f"http://127.0.0.1:{port}/mcp"
        calls = [ToolCall(tool="price", arguments={"kilos": kilos}) for kilos in (2, 9)]
        async with Reconnecting(over_http(url)) as connection:
            with pytest.raises(ConnectionError, match="no connection"):
                await connection.call_tool("price", {"kilos": 2})
            with shop(port) as server:
                await until_it_answers(connection)
                async with mcp_sender(url, calls, [0, 1]) as sender:
                    assert [await sender.send(0), await sender.send(1)] == [None, "scales"]
                    server.send_signal(signal.SIGKILL)
                    server.wait()
                    for _ in range(2):
                        with pytest.raises(RequestFailedError, match="connection"):
                            await sender.send(0)
                        with pytest.raises(ConnectionError):
                            await connection.call_tool("price", {"kilos": 2})
                    with shop(port):
                        await until_it_answers(connection)
                        assert await sender.send(0) is None
                        refused = await connection.call_tool("price", {})
                        assert refused.is_error

    asyncio.run(whole())
