"""A client of the service that goes on without it: guarded, and with the local path instead.

Targets for `perfkit load` and `perfkit chaos`: `workload.client:guarded_cue` and, for comparison,
`workload.client:plain_cue`. Both take the cues of the synthetic lecture in turn, and the server's
address from the environment. Needs perfkit.
"""

import itertools
import os
from typing import Any

from mcp.types import CallToolResult

from perfkit import runtime
from perfkit.runtime.mcp_connection import Reconnecting, over_http
from workload import pipeline
from workload.lecture import synthetic_lecture
from workload.session import ToolFailedError
from workload.subtitles import parse

URL = "WORKLOAD_URL"
"""Environment variable: where the service speaks MCP."""

DEADLINE = 0.5
"""Seconds after which the local path answers: half of what a reader waits."""


class Client:
    """Calls of the service over one connection, for one event loop.

    Args:
        connection: To the service.
        guarded: Whether the local path answers where the service does not.
    """

    def __init__(self, connection: Reconnecting, *, guarded: bool) -> None:
        self._connection = connection
        self._ask = self._call
        if guarded:
            self._ask = runtime.guard(
                "workload",
                component="client",
                deadline=DEADLINE,
                breaker=runtime.Breaker(least=5, window=2.0, cool_down=0.25),
                fallback=_locally,
            )(self._call)

    async def _call(self, text: str) -> CallToolResult | dict[str, Any]:
        return await self._connection.call_tool("process_cue", {"text": text})

    async def cue(self, text: str) -> Any:  # noqa: ANN401  # a reply, or a Degraded with one
        """Return the finished cue; a ``Degraded`` where it, or its server, is not all there.

        Raises:
            ToolFailedError: the server refuses the call.
            ConnectionError: without a guard: the server is not there.
        """
        result = await self._ask(text)
        if not isinstance(result, CallToolResult):
            return result
        if result.is_error:
            raise ToolFailedError(" ".join(getattr(part, "text", "") for part in result.content))
        reply = dict(result.structured_content or {})
        if why := reply.get("degraded"):
            return runtime.Degraded(reply, str(why), RuntimeError(f"the service lacks its {why}"))
        return reply


def _locally(text: str) -> dict[str, Any]:
    """Return the finished cue, made in this process."""
    done = pipeline.process_text(text)
    return {"text": done.text, "corrections": done.corrections}


_cues = itertools.cycle([cue.text for cue in parse(synthetic_lecture().srt)])
_clients: dict[bool, Client] = {}


def _client(*, guarded: bool) -> Client:
    if guarded not in _clients:
        connection = Reconnecting(over_http(os.environ[URL]))
        _clients[guarded] = Client(connection, guarded=guarded)
    return _clients[guarded]


async def guarded_cue() -> Any:  # noqa: ANN401  # a reply, or a Degraded with one
    """Process the next cue with the service, else without it."""
    return await _client(guarded=True).cue(next(_cues))


async def plain_cue() -> Any:  # noqa: ANN401  # a reply
    """Process the next cue with the service."""
    return await _client(guarded=False).cue(next(_cues))
