"""The child's side of :func:`perfkit.targets.child.run_child`: read, measure, answer."""

import contextlib
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, PerfkitError, UsageError


def serve(measure: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Answer the request file named on the command line with one result file.

    ``measure`` gets the request and returns JSON values. A :class:`PerfkitError` travels to the
    parent as its sentence; the traceback of what the target raised, the cause of a
    :class:`MeasurementError`, goes to stderr here. Any other exception is perfkit's own fault; the
    program that the parent started this process with answers for it.
    """
    request, result = (Path(argument) for argument in sys.argv[1:3])
    try:
        answer: dict[str, Any] = {
            "end": "measured",
            "value": dict(measure(json.loads(request.read_text("utf-8")))),
        }
    except PerfkitError as error:
        cause = error.__cause__
        if isinstance(error, MeasurementError) and not isinstance(cause, SystemExit | None):
            traceback.print_exception(cause)
        answer = {"end": "usage" if isinstance(error, UsageError) else "failed", "why": str(error)}
    # A target may have closed its streams, and emptied the folder of temporary files.
    with contextlib.suppress(ValueError, OSError):
        sys.stdout.flush()
    write_whole(result, json.dumps(answer))
