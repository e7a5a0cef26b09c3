"""Under which names telemetry goes to OpenTelemetry, in one table.

Names and boundaries of MCP and GenAI are those of
https://github.com/open-telemetry/semantic-conventions-genai (docs/gen-ai/mcp.md and
gen-ai-metrics.md; in development there, so they may still change). What has no convention is
called perfkit.*.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from perfkit.config.components import Convention
from perfkit.monitoring import metric_names as names


@dataclass(frozen=True, slots=True)
class Translation:
    """One metric: its name and unit there, and where its labels go."""

    name: str
    unit: str
    attributes: Mapping[str, str]
    """Label -> attribute."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Attributes that are always the same."""
    bounds: tuple[float, ...] = ()
    """Boundaries of a histogram that the convention recommends, seconds; none: those of ours."""


_CALL: Final = {"component": "perfkit.component", "name": "perfkit.call"}
_TOOL_CALL: Final = {"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool"}
_TOOL: Final = {"component": "perfkit.component", "name": "gen_ai.tool.name"}
_MCP_BOUNDS: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
_GEN_AI_BOUNDS: Final = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)

DURATIONS: Final[Mapping[Convention | None, Translation]] = {
    None: Translation("perfkit.call.duration", "s", _CALL),
    "mcp-server": Translation("mcp.server.operation.duration", "s", _TOOL, _TOOL_CALL, _MCP_BOUNDS),
    "mcp-client": Translation("mcp.client.operation.duration", "s", _TOOL, _TOOL_CALL, _MCP_BOUNDS),
    "gen-ai-tool": Translation("gen_ai.execute_tool.duration", "s", _TOOL, bounds=_GEN_AI_BOUNDS),
}
"""Convention of a component -> what the durations of its calls are called."""

OTHERS: Final[Mapping[str, Translation]] = {
    names.CALLS: Translation("perfkit.calls", "{call}", {**_CALL, "outcome": "perfkit.outcome"}),
    names.EVENTS: Translation(
        "perfkit.events", "{event}", {"component": "perfkit.component", "name": "perfkit.event"}
    ),
    names.CACHE_EVENTS: Translation(
        "perfkit.cache.events",
        "{event}",
        {"component": "perfkit.component", "cache": "perfkit.cache", "event": "perfkit.event"},
    ),
    names.GUARD_EVENTS: Translation(
        "perfkit.guard.events",
        "{event}",
        {"component": "perfkit.component", "guard": "perfkit.guard", "event": "perfkit.event"},
    ),
    names.BREAKER: Translation(
        "perfkit.guard.breaker", "1", {"component": "perfkit.component", "guard": "perfkit.guard"}
    ),
    names.BULKHEAD: Translation(
        "perfkit.guard.in_use", "1", {"component": "perfkit.component", "guard": "perfkit.guard"}
    ),
    names.LAST_VALUE: Translation(
        "perfkit.value", "1", {"component": "perfkit.component", "name": "perfkit.value.name"}
    ),
    names.MEMORY: Translation(
        "perfkit.memory.rss",
        "By",
        {"component": "perfkit.component", "process": "perfkit.process"},
    ),
}
"""Metric of ours -> what it is called there; what is not listed is not sent."""
