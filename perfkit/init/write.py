"""Writing the planned files into a repository, never over what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from perfkit.durable import write_whole


@dataclass(frozen=True, slots=True)
class Written:
    """Paths below the root: what was written, and what existed and was kept."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def write_files(root: Path, planned: Mapping[PurePosixPath, str], *, force: bool) -> Written:
    """Write what does not exist yet, or everything with ``force``.

    Raises MeasurementError at the first file that cannot be written; run again, it goes on where
    it stopped.
    """
    written, kept = [], []
    for path, text in planned.items():
        target = root / path
        # A dangling link is somebody's file as well.
        if not force and (target.exists() or target.is_symlink()):
            kept.append(str(path))
            continue
        write_whole(target, text)
        written.append(str(path))
    return Written(tuple(written), tuple(kept))
