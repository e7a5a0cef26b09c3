"""The critical path as a service that goes on when something is missing.

`python -m workload.service --port 8765` speaks MCP over streamable HTTP at `/mcp`, and plain HTTP:
POST /cue and /transcript with the text as the body, GET /health. `--stdio` speaks MCP over stdio.
"""

import argparse
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workload import telemetry
from workload.degrading import Answers, reason_of
from workload.server import CueReply, TranscriptReply
from workload.subtitles import SubtitleError

PRODUCTION_RATE = 105.0
"""Requests a second that the service is for: 350 lectures at once, captioned as they are held. The
lecture of :mod:`workload.lecture` has 0.3 cues a second."""

PRODUCTION_P99 = 1.0
"""Seconds from when a cue is due: the limit for keeping a train of thought."""

LEXICON = "WORKLOAD_LEXICON"
"""Environment variable: a file with a word a line, in place of the built-in lexicon."""

HEADER = "X-Degraded"
"""Says of a plain answer why it is not the real one; MCP results have the key ``degraded``."""


class ServedCue(CueReply):
    """A cue, and why it is degraded where it is."""

    degraded: NotRequired[str]


class ServedTranscript(TranscriptReply):
    """A transcript, and why it is degraded where it is."""

    degraded: NotRequired[str]


class Service:
    """The answers as replies on the wire."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def process_cue(self, text: str) -> ServedCue:
        """Correct the spelling of the text of one cue and romanise its Devanagari to IAST."""
        done, degraded = _opened(self._answers.cue(text))
        reply = ServedCue(text=done.text, corrections=done.corrections)
        if degraded:
            reply["degraded"] = degraded
        return reply

    def process_transcript(self, srt: str) -> ServedTranscript:
        """Correct the spelling of a whole SRT transcript and romanise its Devanagari to IAST.

        Raises:
            SubtitleError: it is not SRT.
        """
        done, degraded = _opened(self._answers.transcript(srt))
        if isinstance(done, SubtitleError):
            raise done
        reply = ServedTranscript(
            text=done.text, cues=done.cues, corrections=done.corrections, digest=done.digest
        )
        if degraded:
            reply["degraded"] = degraded
        return reply


def _opened(answer: Any) -> tuple[Any, str]:  # noqa: ANN401  # of the pipeline, or a Degraded
    """Return what an answer holds, and why it is degraded; empty where it is not."""
    if hasattr(answer, "cause"):
        return answer.value, reason_of(answer)
    return answer, ""


def build_service(answers: Answers) -> MCPServer[object]:
    """Return a new MCP server with both tools, and the plain routes for HTTP."""
    service = Service(answers)
    server: MCPServer[object] = MCPServer("workload", log_level="WARNING")

    # Coroutines, so that a call of some 30 us does not wait for a thread.
    @server.tool(structured_output=True)
    async def process_cue(text: str) -> ServedCue:
        """Correct the spelling of the text of one cue and romanise its Devanagari to IAST."""
        return service.process_cue(text)

    @server.tool(structured_output=True)
    async def process_transcript(srt: str) -> ServedTranscript:
        """Correct the spelling of a whole SRT transcript and romanise its Devanagari to IAST."""
        try:
            return service.process_transcript(srt)
        except SubtitleError as error:
            raise ToolError(str(error)) from error

    async def cue(request: Request) -> Response:
        return _plain(service.process_cue((await request.body()).decode("utf-8", "replace")))

    async def transcript(request: Request) -> Response:
        try:
            srt = (await request.body()).decode("utf-8", "replace")
            return _plain(service.process_transcript(srt))
        except SubtitleError as error:
            return JSONResponse({"error": str(error)}, 400)

    async def health(request: Request) -> Response:
        del request
        from perfkit import runtime  # noqa: PLC0415  # only a service needs perfkit

        found = runtime.health()
        values = {"live": found.live, "ready": found.ready}
        return JSONResponse(values, 200 if found.ready else 503)

    server.custom_route("/cue", methods=["POST"])(cue)
    server.custom_route("/transcript", methods=["POST"])(transcript)
    server.custom_route("/health", methods=["GET"])(health)
    return server


def _plain(reply: ServedCue | ServedTranscript) -> Response:
    degraded = reply.get("degraded")
    return JSONResponse(reply, headers={HEADER: degraded} if degraded else None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m workload.service", description=__doc__)
    parser.add_argument("--stdio", action="store_true", help="MCP over stdio")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args(arguments)
    lexicon = os.environ.get(LEXICON)
    answers = Answers(Path(lexicon) if lexicon else None, telemetry.chosen())
    answers.warm()
    server = build_service(answers)
    if options.stdio:
        server.run("stdio")
        return
    import uvicorn  # noqa: PLC0415  # not over stdio

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", options.port))
        listening.listen(1024)  # whoever reads the address may connect at once
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        # Every answer is whole and needs no session: a client need not notice a restart.
        app = server.streamable_http_app(json_response=True, stateless_http=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
