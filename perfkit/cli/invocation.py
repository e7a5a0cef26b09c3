"""One invocation of the program: its global options and its two output streams."""

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.errors import ExitCode, PerfkitError
from perfkit.status import Status

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPE_COLUMNS = 120
"""Width of what goes to a file or a pipe, in characters."""

SCHEMA = 1
"""Version of the JSON envelope; raised when a key changes its meaning or disappears."""

STATUS_OF_CODE = {
    ExitCode.PASSED: Status.PASSED,
    ExitCode.FAILED: Status.FAILED,
    ExitCode.INCONCLUSIVE: Status.INCONCLUSIVE,
}

TEXT_LINE = "perfkit: %(levelname)s: %(message)s"


class _JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: time (seconds since 1970), level, logger, message, traceback."""
        entry = {
            "time": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """A report that is written as it is: a console would wrap its lines."""

    text: str


@dataclass
class Invocation:
    """Filled by the options while the command line is read; travels as ``ctx.obj``."""

    command: str = ""
    json: bool = False
    config_directory: Path | None = None
    verbosity: int = 0
    progress: bool = True
    """Whether to say on stderr what is being done."""
    finished: ExitCode | None = None
    """The code of the report, from when it starts to be written."""
    _consoles: dict[bool, "Console"] = field(default_factory=dict, repr=False)

    def console(self, *, stderr: bool = False) -> "Console":
        """The console of stdout, for the report, or of stderr, for everything else."""
        from rich.console import Console

        if stderr not in self._consoles:
            stream = sys.stderr if stderr else sys.stdout
            width = None if stream.isatty() else PIPE_COLUMNS
            self._consoles[stderr] = Console(
                stderr=stderr, width=width, highlight=False, emoji=False, soft_wrap=False
            )
        return self._consoles[stderr]

    def start_logging(self, level: str = "warning", style: str = "text") -> None:
        """Send log records to stderr from ``level`` on, and more with each ``--verbose``.

        ``style`` ``json`` writes one object per line.
        """
        verbose = {0: logging.CRITICAL, 1: logging.INFO}.get(self.verbosity, logging.DEBUG)
        writer = logging.StreamHandler(sys.stderr)
        writer.setFormatter(_JsonLines() if style == "json" else logging.Formatter(TEXT_LINE))
        logging.basicConfig(
            level=min(verbose, logging.getLevelNamesMapping()[level.upper()]),
            handlers=[writer],
            force=True,
        )

    def finish(
        self,
        code: ExitCode,
        *,
        text: "RenderableType | Raw",
        values: Mapping[str, object],
        status: Status | None = None,
        failure: PerfkitError | None = None,
    ) -> ExitCode:
        """Write the report to stdout, as text or as the JSON envelope, and return ``code``.

        ``values`` are the verb's own keys of the envelope. ``status`` is given where it says
        more than the code does (an inconclusive report passes without ``--strict``). ``failure``
        is what the report lacks a part by; it is said after the report, and in the envelope.
        """
        self.finished = code
        if failure is not None:
            values = {**values, "error": {"message": str(failure)}}
        if self.json:
            found = status or STATUS_OF_CODE.get(code, Status.ERROR)
            self._write(self.envelope(code, found, values))
        elif isinstance(text, Raw):
            sys.stdout.write(text.text)
        else:
            self.console().print(text)
        if failure is not None:
            sys.stdout.flush()
            sys.stderr.write(f"perfkit: {failure}\n")
        return code

    def fail(self, message: str, code: ExitCode) -> ExitCode:
        """Say on stderr why there is no report; under ``--json`` in the envelope as well."""
        sys.stderr.write(f"perfkit: {message}\n")
        if self.json:
            self._write(self.envelope(code, Status.ERROR, {"error": {"message": message}}))
        return code

    def envelope(
        self, code: ExitCode, status: Status, values: Mapping[str, object]
    ) -> dict[str, object]:
        """Return the JSON document of a verb: who wrote it, how it ended, the verb's own keys."""
        return {
            "perfkit": {"schema": SCHEMA, "version": __version__, "command": self.command},
            "status": str(status),
            "exit_code": int(code),
            **values,
        }

    @staticmethod
    def _write(document: Mapping[str, object]) -> None:
        sys.stdout.write(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))
        sys.stdout.write("\n")
