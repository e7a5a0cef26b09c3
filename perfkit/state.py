"""The folder in which perfkit keeps what no repository should hold."""

from pathlib import Path

STATE = ".perfkit"
"""Folder at a repository's root for builds, captures, profiles and telemetry; ignores itself in
git."""


def make_folder(folder: Path) -> None:
    """Create a folder with its parents; one inside of a state folder hides that from git.

    OSError where it cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder.absolute()
    for place in (whole, *whole.parents):
        ignore = place / ".gitignore"
        if place.name == STATE and not ignore.exists():
            ignore.write_text("*\n")
