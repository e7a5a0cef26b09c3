"""Whose code a file is, and how a place in it is written."""

import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

from perfkit.memory.series import Frame

_INSTALLED = ("/site-packages/", "/dist-packages/")
"""What a path to an installed package holds, in every environment and on every distribution."""


def own_code(roots: Iterable[str]) -> Callable[[str], bool]:
    """Return the test for a file of the target's own code.

    That is what lies under ``roots``, and otherwise all but the standard library, installed
    packages and code without a file.
    """
    files = frozenset(roots)
    folders = tuple(f"{root}/" for root in files)
    stdlib = f"{sysconfig.get_path('stdlib')}/"

    def own(file: str) -> bool:
        if file in files or file.startswith(folders):
            return True
        return not file.startswith(("<", stdlib)) and not any(part in file for part in _INSTALLED)

    return own


def shown_from(cwd: Path) -> Callable[[Frame], str]:
    """Return how a frame is written: relative to its library folder or to ``cwd``."""
    folders = (f"{sysconfig.get_path('stdlib')}/", f"{cwd.resolve()}/")

    def show(frame: Frame) -> str:
        file = frame.file
        for part in _INSTALLED:
            file = file.rpartition(part)[2]
        for folder in folders:
            file = file.removeprefix(folder)
        return f"{file}:{frame.line} {frame.function}"

    return show
