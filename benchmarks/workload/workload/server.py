"""The critical path as an MCP server: `python -m workload.server` speaks MCP over stdio."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypedDict

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from workload import pipeline, telemetry
from workload.subtitles import SubtitleError

Tool: TypeAlias = Callable[..., Any]


class TranscriptReply(TypedDict):
    """A finished transcript as it goes over the wire; ``digest`` is the SHA-256 of ``text``."""

    text: str
    cues: int
    corrections: int
    digest: str


class CueReply(TypedDict):
    """The finished text of one cue as it goes over the wire."""

    text: str
    corrections: int


def process_transcript(srt: str) -> TranscriptReply:
    """Correct the spelling of a whole SRT transcript and romanise its Devanagari to IAST."""
    try:
        done = pipeline.process_transcript(srt)
    except SubtitleError as error:
        raise ToolError(str(error)) from error
    return TranscriptReply(
        text=done.text, cues=done.cues, corrections=done.corrections, digest=done.digest
    )


def process_cue(text: str) -> CueReply:
    """Correct the spelling of the text of one cue and romanise its Devanagari to IAST."""
    done = pipeline.process_text(text)
    return CueReply(text=done.text, corrections=done.corrections)


def build_server(around: Callable[[Tool], Tool] = lambda tool: tool) -> MCPServer[object]:
    """Return a new server with the tools ``process_transcript`` and ``process_cue``.

    ``around`` is put around both, as :mod:`workload.telemetry` does.
    """
    server: MCPServer[object] = MCPServer("workload", log_level="WARNING")
    server.tool(structured_output=True)(around(process_transcript))
    server.tool(structured_output=True)(around(process_cue))
    return server


if __name__ == "__main__":
    build_server(telemetry.chosen()).run("stdio")
