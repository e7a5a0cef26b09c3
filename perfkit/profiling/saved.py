"""Recordings as files: sessions for pyinstrument that also hold what perfkit knows of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perfkit.durable import write_whole
from perfkit.errors import UsageError
from perfkit.model import Reach, Timing
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


def _origin(values: dict[str, Any]) -> Origin:
    return Origin(**{**values, "roots": tuple(map(str, values["roots"]))})


def _recording(own: dict[str, Any], session: dict[str, Any]) -> Recording:
    records = [
        (list(map(str, stack)), float(seconds)) for stack, seconds in session["frame_records"]
    ]
    session["duration"] = float(session["duration"])
    session["sys_path"] = list(map(str, session["sys_path"]))
    reach = own.get("reach")
    found = Recording(
        **{
            **own,
            "timing": None if own["timing"] is None else Timing(**own["timing"]),
            "reach": None if reach is None else Reach(**reach),
        },
        session={**session, "frame_records": records},
    )
    _check(found)
    return found


def _check(found: Recording) -> None:
    """Refuse what no capture makes, so that everything after may rely on it; ValueError."""
    timing = found.timing
    numbers = [found.seconds, found.interval]
    numbers += [] if timing is None else [timing.median, timing.total]
    numbers += [seconds for _, seconds in found.session["frame_records"]]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        message = "a time is negative or no number"
        raise ValueError(message)
    if not (int(found.calls) > 0 or found.cut_off) or (timing and not int(timing.calls) > 0):
        message = "it has no calls"
        raise ValueError(message)
    if not found.samples:
        message = "it has no samples"
        raise ValueError(message)
    if not all(stack for stack, _ in stacks(found.session)):
        message = "a sample has no function"
        raise ValueError(message)


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
