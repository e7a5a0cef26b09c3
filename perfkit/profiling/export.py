"""Recordings as files that other programs open."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.profiling.recording import Recording


def html(recording: Recording) -> str:
    """Return pyinstrument's interactive page. Above 100 000 samples it is resampled."""
    from pyinstrument.renderers import HTMLRenderer
    from pyinstrument.session import Session

    with _deep(recording):
        return str(HTMLRenderer().render(Session.from_json(dict(recording.session))))


def speedscope(recording: Recording) -> str:
    """Return a file for https://www.speedscope.app, every frame kept, in order of time."""
    from pyinstrument.renderers import SpeedscopeRenderer
    from pyinstrument.session import Session

    with _deep(recording):
        session = Session.from_json(dict(recording.session))
        return str(SpeedscopeRenderer(show_all=True).render(session))


def pyisession(recording: Recording) -> str:
    """Return a session for ``pyinstrument --load``."""
    return json.dumps(recording.session)


@contextmanager
def _deep(recording: Recording) -> Iterator[None]:
    """Allow pyinstrument's renderers the recursion that the deepest stack needs."""
    deepest = max((len(stack) for stack, _ in recording.session["frame_records"]), default=0)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 4 * deepest)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written, before anything is measured.

    Raises:
        UsageError: The path is a folder, or its folder may not be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise UsageError(f"{path}: {nearest} cannot be written; name a file elsewhere")
