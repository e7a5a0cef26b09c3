"""Recordings as files: sessions for pyinstrument that also hold what perfkit knows of them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from perfkit.durable import write_whole
from perfkit.errors import UsageError
from perfkit.profiling.recording import Recording, stacks

SUFFIX = ".pyisession"
KEY = "perfkit"
"""The extra key of a session; pyinstrument passes over keys that it does not know."""
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a recording comes from.

    ``roots`` are the folders that held the project's files when it was recorded; ``commit`` is
    empty outside of a repository, and ``dirty`` says that there were uncommitted changes.
    """

    roots: tuple[str, ...]
    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """One recording that was read from ``path``."""

    path: Path
    recording: Recording
    origin: Origin


def session_text(recording: Recording, origin: Origin) -> str:
    """Return a session for ``pyinstrument --load`` that :func:`load` reads back whole."""
    own = {
        name: value
        for name, value in asdict(
            Recording(
                **{
                    name: getattr(recording, name)
                    for name in recording.__dataclass_fields__
                    if name != "session"
                },
                session={},
            )
        ).items()
        if name != "session"
    }
    header = {"format": FORMAT, "origin": asdict(origin), "recording": own}
    return json.dumps({**recording.session, KEY: header})


def load(path: Path) -> Saved:
    """Return one saved recording; UsageError where the file is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not readable as a saved profile: {error}") from error
    header = values.pop(KEY, None) if isinstance(values, dict) else None
    if not isinstance(header, dict):
        raise UsageError(
            f"{path}: found no profile saved by perfkit, wanted a file that"
            " `perfkit profile TARGET --output FILE` wrote"
        )
    if header.get("format") != FORMAT:
        raise UsageError(
            f"{path}: found format {header.get('format')!r}, wanted {FORMAT}; record the profile"
            " again with this version of perfkit"
        )
    try:
        return Saved(path, _recording(header["recording"], values), _origin(header["origin"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: a part of the saved profile is missing or wrong ({error}); record it again"
        ) from error


def _origin(values: object) -> Origin:
    from perfkit.profiling.saved_shape import value_of

    found = value_of(Origin, values)
    if not re.fullmatch("[0-9a-f]*", found.commit) or "\0" in "".join(found.roots):
        message = "its origin is no commit, or no folder"
        raise ValueError(message)
    return found


def _recording(own: dict[str, Any], session: dict[str, Any]) -> Recording:
    """Return a recording such as a capture makes, so that everything after may rely on it."""
    from perfkit.profiling.saved_shape import MOST, session_of, value_of

    found = replace(value_of(Recording, {**own, "session": {}}), session=session_of(session))
    parts = [found, *(part for part in (found.timing, found.reach) if part is not None)]
    numbers = [
        value
        for part in parts
        for name in part.__dataclass_fields__
        if isinstance(value := getattr(part, name), int | float)
    ]
    if not all(0 <= number <= MOST for number in numbers):
        message = "a time or a count is negative or no number"
        raise ValueError(message)
    timing = found.timing
    if not (found.calls or found.cut_off) or (timing is not None and not timing.calls):
        message = "it has no calls"
        raise ValueError(message)
    if not found.samples:
        message = "it has no samples"
        raise ValueError(message)
    if not all(stack for stack, _ in stacks(found.session)):
        message = "a sample has no function"
        raise ValueError(message)
    return found


def save_set(folder: Path, recordings: Sequence[Recording], origin: Origin) -> None:
    """Keep sessions of one target in a folder of their own; the sessions kept there before go."""
    for old in folder.glob(f"session-*{SUFFIX}") if folder.is_dir() else ():
        old.unlink()
    for number, recording in enumerate(recordings, 1):
        write_whole(folder / f"session-{number:02}{SUFFIX}", session_text(recording, origin))


def load_all(folder: Path) -> tuple[Saved, ...]:
    """Return every saved recording of a folder, by name; UsageError where there is none."""
    found = tuple(load(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    if not found:
        raise UsageError(
            f"{folder}: found no saved profile (*{SUFFIX}), wanted some that perfkit profile wrote"
        )
    return found


def load_set(folder: Path) -> tuple[Saved, ...]:
    """Return the sessions of one target; UsageError where they are of several targets or sides."""
    found = load_all(folder)
    targets = sorted({one.recording.target for one in found})
    if len(targets) > 1:
        raise UsageError(
            f"{folder}: found sessions of {len(targets)} targets ({', '.join(targets[:3])}), wanted"
            " those of one; keep each set in a folder of its own"
        )
    if len({one.origin for one in found}) > 1:
        raise UsageError(
            f"{folder}: found sessions of different commits or folders, wanted one set; write it"
            " anew with --sessions and --save"
        )
    return found
