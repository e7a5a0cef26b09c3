"""A diary of an experiment, one JSON object per line, on disk before the next thing is done."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perfkit.errors import UsageError
from perfkit.state import make_folder


class Journal:
    """Appends lines to a file, each with the time in seconds since 1970.

    Raises UsageError where the file cannot be opened.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        try:
            make_folder(path.parent)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
        self._now = now

    def write(self, what: str, **values: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        """Append one line and make it durable."""
        self._file.write(json.dumps({"time": self._now(), "what": what, **values}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
