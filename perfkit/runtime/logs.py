"""Structured logs: one JSON object per line, with correlation ids, in files that rotate."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from os import PathLike, urandom
from pathlib import Path

from perfkit.runtime.series import RUNTIME
from perfkit.state import make_folder

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else came in as ``extra`` and is written too."""

_CORRELATION: ContextVar[str | None] = ContextVar("perfkit_correlation_id", default=None)

slow_logger = logging.getLogger(f"{RUNTIME}.slow")


def correlation_id() -> str | None:
    """Return the correlation id of what this thread or task works on; None outside of any."""
    return _CORRELATION.get()


@contextmanager
def correlated(identity: str | None = None) -> Iterator[str]:
    """Give a block a correlation id, a new one by default; it reaches asyncio tasks made inside."""
    identity = identity or urandom(8).hex()
    token = _CORRELATION.set(identity)
    try:
        yield identity
    finally:
        _CORRELATION.reset(token)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    The keys are time (UTC, ISO 8601), level, logger, message, correlation_id, exception, and every
    ``extra`` of the record; what JSON cannot hold is written as its ``repr``.
    """

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102  # as logging defines it
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (identity := correlation_id()) is not None:
            line["correlation_id"] = identity
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        extra = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        return json.dumps(extra | line, ensure_ascii=False, default=repr)


def configure_logging(
    path: str | PathLike[str] | None = None,
    *,
    level: str = "INFO",
    max_bytes: int = 10 * 2**20,
    backups: int = 5,
) -> logging.Handler:
    """Log as JSON to a file that rotates at ``max_bytes``, or to stderr without a path.

    Replaces what an earlier call configured, leaves other handlers of the root logger alone, and
    returns the handler.

    Raises:
        ValueError: the level is none of logging's.
        OSError: the file cannot be opened.
    """
    from logging.handlers import RotatingFileHandler

    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler()
    else:
        make_folder(Path(path).parent)
        handler = RotatingFileHandler(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8"
        )
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.setLevel(level)
    for earlier in [h for h in root.handlers if isinstance(h.formatter, JsonFormatter)]:
        root.removeHandler(earlier)
        earlier.close()
    root.addHandler(handler)
    return handler


def slow_call(component: str, name: str, nanoseconds: int, budget_ns: int) -> None:
    """Log a call that took longer than its budget, in the context that it ran in."""
    slow_logger.warning(
        "%s took %.1f ms, its budget is %.1f ms",
        name,
        nanoseconds / 1e6,
        budget_ns / 1e6,
        extra={
            "component": component,
            "call": name,
            "seconds": nanoseconds / 1e9,
            "budget_seconds": budget_ns / 1e9,
        },
    )
