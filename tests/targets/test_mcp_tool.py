"""Tools of a real MCP server in the process that calls them."""

from collections.abc import Callable

import pytest

from perfkit.errors import MeasurementError, UsageError

Call = Callable[..., list[str]]

SERVER = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("sums", log_level="WARNING")

@server.tool()
def add(first: int, second: int = 1) -> int:
    print("added", first + second, flush=True)
    return first + second

@server.tool()
async def fail() -> int:
    raise ValueError("no numbers")

def build():
    return server

def arguments():
    return {"first": 40, "second": 2}

def positional():
    return [1]

number = 3
"""


def test_a_tool_is_called_with_its_arguments(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    call(SERVER, "mcp:app:add", arguments='{"first": 2}', calls=2)
    assert capfd.readouterr().err.splitlines() == ["added 3"] * 2
    call(SERVER, "mcp:app:build:add", factory="app:arguments")
    assert capfd.readouterr().err.splitlines() == ["added 42"]


@pytest.mark.parametrize(
    ("text", "factory", "error", "said"),
    [
        ("mcp:app:fail", None, MeasurementError, "answered with an error: .*tool fail"),
        ("mcp:app:add", None, MeasurementError, "answered with an error: .*first"),
        ("mcp:app:absent", None, UsageError, "no tool absent; there is add, fail"),
        ("mcp:app:number:add", None, UsageError, "app:number gives a int"),
        ("mcp:app:add", "app:positional", UsageError, "arguments of a tool have names"),
        ("mcp:json:add", None, UsageError, "found 0 servers in json"),
    ],
)
def test_what_cannot_be_called(
    call: Call, text: str, factory: str | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        call(SERVER, text, factory=factory)
