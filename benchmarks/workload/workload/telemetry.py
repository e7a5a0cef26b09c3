"""The critical path under perfkit's runtime, where a store is named; unchanged otherwise.

Benchmarks never come here: they measure the functions as they are.
"""

import os
from collections.abc import Callable
from typing import Any, TypeAlias

from workload import pipeline

STORE = "WORKLOAD_TELEMETRY"
"""Environment variable: the SQLite file that the server records into."""

STAGES = ("parse", "process_text", "romanise", "render")
"""Functions of the pipeline that are tracked as the component ``text``."""

Tool: TypeAlias = Callable[..., Any]


def chosen() -> Callable[[Tool], Tool]:
    """Begin to record where a store is named; return what to put around a tool of the server."""
    store = os.environ.get(STORE)
    if not store:
        return lambda tool: tool
    from perfkit import runtime  # noqa: PLC0415  # only a recording server needs perfkit

    runtime.start(store, component="workload")
    for stage in STAGES:
        tracked = runtime.track(stage, component="text")(getattr(pipeline, stage))
        setattr(pipeline, stage, tracked)
    whole = pipeline.process_transcript

    def process_transcript(text: str) -> pipeline.ProcessedTranscript:
        done = whole(text)
        if done.cues:
            per_cue = done.corrections / done.cues
            runtime.quality("corrections_per_cue", per_cue, component="quality")
        return done

    pipeline.process_transcript = process_transcript  # type: ignore[assignment]
    return lambda tool: runtime.track(tool.__name__, component="mcp")(tool)
