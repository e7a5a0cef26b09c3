"""What a recording can be written as, and which file asks for which form."""

from enum import StrEnum
from pathlib import Path

from perfkit.errors import UsageError


class Form(StrEnum):
    """What a recording can be written as."""

    HTML = "html"
    """A flame graph, one page that loads nothing."""
    SPEEDSCOPE = "speedscope"
    PYISESSION = "pyisession"
    """A session that pyinstrument opens, and ``perfkit profile --open``."""
    FOLDED = "folded"
    """One line per call path, as flamegraph.pl reads."""
    PSTATS = "pstats"


SUFFIXES = {
    ".html": Form.HTML,
    ".json": Form.SPEEDSCOPE,
    ".pyisession": Form.PYISESSION,
    ".folded": Form.FOLDED,
    ".pstats": Form.PSTATS,
    ".prof": Form.PSTATS,
}


def form_of(path: Path) -> Form:
    """Return the form that a file's suffix asks for; UsageError where it asks for none."""
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"--output {path}: found the suffix {path.suffix!r}, wanted one of"
            f" {', '.join(SUFFIXES)}; or say the form with --format"
        )
    return found
