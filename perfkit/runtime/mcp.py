"""Answers of MCP tools, cached on the client's side."""

import json
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from perfkit.runtime.cache import Cache

if TYPE_CHECKING:
    from mcp import Client, ClientSession
    from mcp.types import CallToolResult

MOST_PAGES = 100
"""Pages of a server's list of tools that are read."""


class _NotKeptError(Exception):
    """Carries an answer past the cache: one that says it is an error."""

    def __init__(self, result: Any) -> None:  # noqa: ANN401  # any of the SDK's results
        super().__init__()
        self.result = result


async def read_only_tools(session: "ClientSession | Client") -> frozenset[str]:
    """Return the names of the tools that the server declares as read-only.

    Raises:
        MCPError: the server does not list its tools.
    """
    names: set[str] = set()
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await _page(session, cursor)
        names |= {
            tool.name
            for tool in page.tools
            if tool.annotations is not None and tool.annotations.read_only_hint
        }
        cursor = page.next_cursor
        if cursor is None:
            break
    return frozenset(names)


async def _page(session: Any, cursor: str | None) -> Any:  # noqa: ANN401  # Client and ClientSession differ here
    from mcp import ClientSession
    from mcp.types import PaginatedRequestParams

    if isinstance(session, ClientSession):
        return await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
    return await session.list_tools(cursor=cursor)


class CachedTools:
    """Calls tools of a session, and keeps the answers of some; see :func:`cached_tools`."""

    def __init__(
        self, session: "ClientSession | Client", tools: Collection[str], cache: Cache
    ) -> None:
        self._session = session
        self.tools = frozenset(tools)
        self.cache = cache
        self._cached = cache(self._ask)

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401  # the session's own
    ) -> "CallToolResult":
        """Return the answer of ``session.call_tool``, from the cache where the tool is cached.

        A call with any option (a progress callback, metadata) goes to the server.

        Raises:
            MCPError: as the session does.
        """
        if name not in self.tools or options:
            result: CallToolResult = await self._session.call_tool(
                name, dict(arguments or {}), **options
            )
            return result
        try:
            found: CallToolResult = await self._cached(name, arguments or {})
        except _NotKeptError as error:
            return error.result  # type: ignore[no-any-return]
        return found

    async def _ask(self, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # any of the SDK's results
        result = await self._session.call_tool(name, dict(arguments))
        if getattr(result, "is_error", True):
            raise _NotKeptError(result)
        return result


async def cached_tools(
    session: "ClientSession | Client",
    *,
    ttl: float,
    tools: Collection[str] | None = None,
    stale_if_error: float = 0.0,
    max_items: int = 1024,
    principal: Callable[[], Hashable] | None = None,
    component: str = "mcp",
) -> CachedTools:
    """Return a caller of tools whose answers are kept.

    Only the named ``tools`` are cached; by default those that the server declares as read-only
    (``readOnlyHint``), which it is asked for. Answers differ by tool, arguments and
    ``principal()``. An answer that says it is an error is never kept; where an old one is at hand
    within ``stale_if_error``, that is given instead.

    Raises:
        MCPError: the server does not list its tools.
    """
    cache = Cache(
        "tools/call",
        ttl=ttl,
        stale_if_error=stale_if_error,
        max_items=max_items,
        key=lambda name, arguments: (name, json.dumps(arguments, sort_keys=True)),
        principal=principal,
        component=component,
    )
    chosen = await read_only_tools(session) if tools is None else tools
    return CachedTools(session, chosen, cache)
