"""Whose code a file is, how a place in it is written, and what is written there."""

import linecache
import re
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

from perfkit.memory.naming import NAMELESS
from perfkit.memory.series import Frame, Holder

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


def naming_one_of(holders: Iterable[Holder]) -> Callable[[Frame], bool]:
    """Return the test for a line of source that names one of these containers.

    CPython gives the memory of a freed list or tuple to the next one, so the line that allocated
    what is kept may be innocent; the line that names the container is not.
    """
    words = {
        re.findall(r"\w+", holder.name.partition(" in ")[0])[-1]
        for holder in holders
        if holder.kind != NAMELESS
    }
    names = re.compile(rf"\b({'|'.join(words)})\b" if words else "(?!)")

    def keeps(frame: Frame) -> bool:
        return names.search(linecache.getline(frame.file, frame.line)) is not None

    return keeps
