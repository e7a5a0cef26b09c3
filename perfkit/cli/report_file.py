"""A report that another verb wrote into a file."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.model import Report


def read_report(path: Path | None) -> "Report":
    """Return the report in ``path``, or the last one of this repository.

    UsageError in one sentence where there is none to read.
    """
    from perfkit.cli.change import LAST_REPORT
    from perfkit.errors import UsageError
    from perfkit.forge.git import Repository
    from perfkit.reporting.document import from_text
    from perfkit.state import STATE

    path = path or Repository.around(Path.cwd()).root / STATE / LAST_REPORT
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"{path}: no such report; run `perfkit compare BASE` first, or name a file written"
            " with its --output."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not readable as a report: {error}.") from error
    return from_text(text, str(path))
