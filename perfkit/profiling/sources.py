"""Which files are the project's own, and what its repository calls them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

FOREIGN = {"site-packages", "dist-packages"}
"""Folders of installed packages, which may lie inside a project (a virtual environment)."""


@dataclass(frozen=True)
class Sources:
    """The folders that hold one side of a project, and the files that git tracks in it.

    ``roots`` are absolute: a checkout, a folder that a build was installed into. ``tracked`` are
    paths from the repository's root; None outside of a repository, where every file below a root
    counts.
    """

    roots: tuple[str, ...]
    tracked: frozenset[str] | None = None

    def own(self, file: str) -> str | None:
        """Return the path of ``file`` inside the project, None for everything else.

        A file of an installed build gets the path it was built from: of the tracked files that end
        like it, the shortest.
        """
        path = PurePath(file)
        if not path.is_absolute():
            return None
        for root in self.roots:
            if not path.is_relative_to(root):
                continue
            inner = path.relative_to(root)
            if FOREIGN & set(inner.parts):
                return None
            name = inner.as_posix()
            if self.tracked is None or name in self.tracked:
                return name
            ending = [one for one in self._by_name.get(inner.name, ()) if one.endswith(f"/{name}")]
            if ending:
                return min(ending, key=lambda one: (len(one), one))
        return None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.tracked or ():
            found.setdefault(PurePath(name).name, []).append(name)
        return found


def sources(roots: Iterable[object], tracked: Iterable[str] | None) -> Sources:
    """Return sources of folders in any form; those that are given twice count once."""
    return Sources(
        roots=tuple(dict.fromkeys(str(root) for root in roots)),
        tracked=None if tracked is None else frozenset(tracked),
    )
