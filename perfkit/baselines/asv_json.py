"""JSON as asv writes it: Python's dialect, in which NaN and infinities are numbers."""

import json
import re
from typing import Any

NOT_JSON = re.compile(rb"NaN|-?Infinity")
"""What Python's json module writes for floats that JSON has no word for."""


class BrokenJsonError(ValueError):
    """A text that is not JSON; the message says where and why."""


def parse(data: bytes) -> Any:  # noqa: ANN401  # a JSON value
    """Return the value of ``data`` (UTF-8); BrokenJsonError where there is none.

    orjson reads strict JSON about ten times as fast as the standard library and refuses NaN, so
    that only files that hold one (a skipped benchmark) take the slow way.
    """
    import orjson

    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as strict:
        # Also integers beyond 64 bits are Python's dialect, but they are too rare for a test.
        if NOT_JSON.search(data) is None:
            raise BrokenJsonError(str(strict)) from strict
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenJsonError(str(error)) from error
