"""Recordings as files that other programs open."""

import marshal
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.profiling.calls import python_part
from perfkit.profiling.recording import Recording, stacks

_Key = tuple[str, int, str]
"""A function as pstats names it: file, line of the definition, name."""


def speedscope(recording: Recording) -> str:
    """Return a file for https://www.speedscope.app, every frame kept, in order of time."""
    from pyinstrument.renderers import SpeedscopeRenderer
    from pyinstrument.session import Session

    with _deep(recording):
        session = Session.from_json(dict(recording.session))
        return str(SpeedscopeRenderer(show_all=True).render(session))


def folded(recording: Recording) -> str:
    """Return one line per call path, ``name (file:line);... microseconds``, outermost first.

    The form that flamegraph.pl, inferno and speedscope read; its numbers are whole. A semicolon
    or a line break in a name, which would end the frame, is written as a colon or a space.
    """
    paths: Counter[str] = Counter()
    for stack, seconds in stacks(recording.session):
        frames = (f"{one.name} ({one.file}:{one.line})" for one in stack)
        path = ";".join(" ".join(frame.replace(";", ":").split()) for frame in frames)
        paths[path] += round(seconds * 1e9)
    return "".join(f"{path} {round(paths[path] / 1e3)}\n" for path in sorted(paths))


def pstats(recording: Recording) -> bytes:
    """Return a file for the standard library's :mod:`pstats`, with the times of the hotspots.

    Its call counts are numbers of samples: a sampler sees no calls. The second of the two, which
    pstats shows first, counts a sample of a recursive function at each of its levels. The file that
    pyinstrument writes gives rows to compiled functions, of which a sampler sees only some.
    """
    rows: dict[_Key, list[float]] = {}
    callers: dict[_Key, dict[_Key, list[float]]] = {}
    for stack, seconds in stacks(recording.session):
        path = [(one.file, one.line, one.name) for one in python_part(stack)]
        pairs = list(pairwise(path))
        for key in path:
            rows.setdefault(key, [0, 0, 0.0, 0.0])[1] += 1
        for key in set(path):
            rows[key][0] += 1
            rows[key][3] += seconds
        rows[path[-1]][2] += seconds
        for caller, key in pairs:
            callers.setdefault(key, {}).setdefault(caller, [0, 0, 0.0, 0.0])[1] += 1
        for caller, key in set(pairs):
            callers[key][caller][0] += 1
            callers[key][caller][3] += seconds
        if pairs:
            callers[path[-1]][pairs[-1][0]][2] += seconds
    return marshal.dumps(
        {
            key: (*row, {caller: tuple(cost) for caller, cost in callers.get(key, {}).items()})
            for key, row in rows.items()
        }
    )


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
