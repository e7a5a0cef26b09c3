"""Which changed files are words for people, that no measured code can read; pure."""

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

SUFFIXES = {".md", ".markdown", ".rst", ".adoc"}
NAMES = {"authors", "changelog", "codeowners", "contributors", "copying", "license", "notice"}
"""Names without a suffix. A .txt is none: it may be data, or requirements."""

FORGES = {".github", ".gitlab"}
"""Folders at the top that forges read, and no build."""

SPHINX = "conf.py"
"""Makes no folder one of code: documentation has it."""


def code_folders(files: Iterable[str]) -> frozenset[str]:
    """Return the folders below the repository's root that hold Python, of all its files.

    >>> sorted(code_folders(["setup.py", "src/shop/__init__.py", "docs/conf.py"]))
    ['src/shop']
    """
    paths = [PurePosixPath(name) for name in files]
    return frozenset(
        str(path.parent)
        for path in paths
        if path.suffix == ".py" and path.name != SPHINX and len(path.parts) > 1
    )


def is_prose(name: str, folders: Collection[str]) -> bool:
    """Whether a file is prose outside of every folder of code, or for a forge alone.

    What lies in or below a folder of code may be installed with it, or be read from beside it.

    >>> [is_prose(name, {"shop"}) for name in ("README.md", "shop/templates/mail.md", "a.json")]
    [True, False, False]
    """
    path = PurePosixPath(name)
    if path.parts[0] in FORGES and path.suffix != ".py":
        return True
    words = path.suffix.lower() in SUFFIXES or path.name.lower() in NAMES
    return words and not any(str(parent) in folders for parent in path.parents)
