"""Writing a file so that a reader finds the old content or the new, never half of it."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from perfkit.errors import MeasurementError
from perfkit.state import make_folder


def write_whole(path: Path, content: str | bytes) -> None:
    """Put ``content`` (text as UTF-8) into ``path`` through a synced temporary file and a rename.

    The folder is created. Raises MeasurementError, naming the path, when that is not possible;
    what was stored before is then untouched.
    """
    try:
        make_folder(path.parent)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            partial = Path(file.name)
            try:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
                partial.chmod(0o644)  # a temporary file is private, a stored one is not
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        _sync_folder(path.parent)
    except OSError as error:
        raise MeasurementError(
            f"{path}: cannot be written ({error.strerror or error}); make the folder writable or"
            " name another one."
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can sync a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
