import asyncio
from collections.abc import Awaitable, Callable, Collection

from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from recorded_telemetry import Recorded

from perfkit.runtime.mcp import CachedTools, cached_tools

CALLS: dict[str, int] = {}


def called(tool: str) -> str:
    CALLS[tool] = CALLS.get(tool, 0) + 1
    return f"{tool} {CALLS[tool]}"


def server() -> MCPServer[object]:
    made: MCPServer[object] = MCPServer("tools")

    @made.tool(annotations=ToolAnnotations(read_only_hint=True))
    def read(key: str) -> str:
        if key == "broken":
            called("broken")
            raise ToolError("no such key")
        return called("read")

    @made.tool()
    def write(key: str) -> str:  # noqa: ARG001  # a tool's interface
        return called("write")

    return made


def with_tools(
    script: Callable[[CachedTools], Awaitable[None]], *, tools: Collection[str] | None = None
) -> None:
    async def main() -> None:
        async with Client(server()) as client:
            await script(await cached_tools(client, ttl=60, tools=tools))

    CALLS.clear()
    asyncio.run(main())


async def text(tools: CachedTools, name: str, key: str, **options: object) -> str:
    result = await tools.call_tool(name, {"key": key}, **options)
    return str(result.content[0].text)  # type: ignore[union-attr]


def test_only_tools_that_are_declared_read_only_are_cached_by_default(recorded: Recorded) -> None:
    async def script(tools: CachedTools) -> None:
        assert tools.tools == {"read"}
        assert {await text(tools, "read", "a") for _ in range(3)} == {"read 1"}
        assert await text(tools, "read", "b") == "read 2"
        assert [await text(tools, "write", "a") for _ in range(2)] == ["write 1", "write 2"]
        assert await text(tools, "read", "a", meta={}) == "read 3", "options reach the server"

    with_tools(script)
    assert recorded.events() == {"cache.miss": 2, "cache.hit": 2}


def test_named_tools_are_cached_and_no_others() -> None:
    async def script(tools: CachedTools) -> None:
        assert [await text(tools, "write", "a") for _ in range(2)] == ["write 1", "write 1"]
        assert [await text(tools, "read", "a") for _ in range(2)] == ["read 1", "read 2"]

    with_tools(script, tools=["write"])


def test_answers_that_are_errors_are_given_and_not_kept() -> None:
    async def script(tools: CachedTools) -> None:
        for _ in range(2):
            result = await tools.call_tool("read", {"key": "broken"})
            assert result.is_error
        assert CALLS["broken"] == 2

    with_tools(script)


def test_calls_at_the_same_time_are_one(recorded: Recorded) -> None:
    async def script(tools: CachedTools) -> None:
        answers = await asyncio.gather(*(text(tools, "read", "a") for _ in range(200)))
        assert set(answers) == {"read 1"}
        assert CALLS == {"read": 1}

    with_tools(script)
    assert recorded.events() == {"cache.miss": 1, "cache.shared": 199}


def test_a_session_pages_through_the_list_of_tools() -> None:
    async def main() -> None:
        async with Client(server()) as client:
            tools = await cached_tools(client.session, ttl=60)
            assert tools.tools == {"read"}
            assert await text(tools, "read", "a")

    asyncio.run(main())
