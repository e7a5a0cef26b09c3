"""All results of a folder at once: columns over files, results, processes and samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfkit.baselines.columns import FILE_COLUMNS, NONE, ROW_COLUMNS, TEXTS, Texts
from perfkit.baselines.segment import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file without a readable result, and one sentence about why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The readable files of a folder as columns, see :mod:`perfkit.baselines.columns`.

    ``segments`` are the parts they lie in and ``paths`` where each digest was found, relative to
    the folder. Files of equal content are one file. Columns are joined when they are asked for,
    so that the samples are only read by whoever wants them.
    """

    segments: tuple[Segment, ...]
    paths: dict[bytes, str]
    texts: tuple[str, ...]
    _numbers: tuple[NDArray[np.int32], ...]
    """Per segment, the number in ``texts`` of each of its own."""
    _live: tuple[NDArray[np.bool_], ...]
    """Per segment, which of its files count: present, readable, in no earlier segment."""

    @classmethod
    def of(cls, segments: Sequence[Segment], paths: dict[bytes, str]) -> "Collection":
        """Return the files of ``segments`` whose digest is one of ``paths``."""
        texts = Texts()
        numbers, live = [], []
        seen: set[bytes] = set()
        for segment in segments:
            known = [texts[text] for text in segment.texts]
            # One more, so that NONE finds itself at the end.
            numbers.append(np.array([*known, NONE], dtype=np.int32))
            digests = segment.columns["digest"].tolist()
            errors = segment.columns["error"].tolist()
            fresh = [
                digest in paths and digest not in seen and error == NONE
                for digest, error in zip(digests, errors, strict=True)
            ]
            seen.update(digests)
            live.append(np.array(fresh, dtype=bool))
        return cls(
            segments=tuple(segments),
            paths=paths,
            texts=tuple(texts),
            _numbers=tuple(numbers),
            _live=tuple(live),
        )

    @property
    def files(self) -> int:
        """How many files were read."""
        return sum(int(live.sum()) for live in self._live)

    def column(self, name: str) -> NDArray[Any]:
        """Return one column over all files, results, processes or samples."""
        return np.concatenate(
            [
                self._part(index, name)[self._kept(index, name)]
                for index in range(len(self.segments))
            ]
            or [np.empty(0, {**FILE_COLUMNS, **ROW_COLUMNS}.get(name, "<f8"))]
        )

    def file_of_row(self) -> NDArray[np.int64]:
        """Return for each result the position of its file in the columns of files."""
        rows = self.column("rows")
        return np.repeat(np.arange(rows.size), rows)

    def _part(self, index: int, name: str) -> NDArray[Any]:
        found = self.segments[index].columns[name]
        return self._numbers[index][found] if name in TEXTS else found

    def _kept(self, index: int, name: str) -> NDArray[np.bool_] | slice:
        live = self._live[index]
        if live.all():
            return slice(None)
        columns = self.segments[index].columns
        if name in FILE_COLUMNS:
            return live
        of_row = np.repeat(live, columns["rows"])
        if name in ROW_COLUMNS:
            return of_row
        counts = columns["samples" if name == "sample" else "processes"]
        return np.repeat(of_row, counts)
