"""A file of columns: written once, read without copying."""

import json
import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perfkit.baselines.columns import COLUMNS, Columns

MAGIC = b"perfkit columns 3\n"
"""Begins every segment; another number for another meaning of the columns."""

ALIGNMENT = 8


class BrokenSegmentError(ValueError):
    """A file that is no whole segment of this version."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Columns and the texts that some of them point to."""

    texts: tuple[str, ...]
    columns: Columns


def segment_bytes(texts: tuple[str, ...], columns: Columns) -> bytes:
    """Return the file of a segment: magic, checksum, sizes, header, then every column."""
    parts, sizes = [], {}
    for name, kind in COLUMNS.items():
        data = columns[name].astype(kind, copy=False).tobytes()
        sizes[name] = len(data)
        parts.append(data + bytes(-len(data) % ALIGNMENT))
    header = json.dumps({"sizes": sizes, "texts": texts}).encode()
    header += b" " * (-len(header) % ALIGNMENT)
    payload = len(header).to_bytes(8, "little") + header + b"".join(parts)
    return MAGIC + zlib.crc32(payload).to_bytes(4, "little") + bytes(PADDING) + payload


PADDING = -(len(MAGIC) + 4) % ALIGNMENT
START = len(MAGIC) + 4 + PADDING


def read_segment(path: Path) -> Segment:
    """Return the segment in ``path``; BrokenSegmentError where it is none, or OSError."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise BrokenSegmentError("empty") from error
    view = memoryview(data)
    if data[: len(MAGIC)] != MAGIC:
        raise BrokenSegmentError("of another version")
    checksum = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little")
    if zlib.crc32(view[START:]) != checksum:
        raise BrokenSegmentError("damaged")
    length = int.from_bytes(data[START : START + 8], "little")
    at = START + 8
    header: dict[str, Any] = json.loads(data[at : at + length])
    at += length
    columns = {}
    for name, kind in COLUMNS.items():
        size = header["sizes"][name]
        columns[name] = np.frombuffer(view[at : at + size], dtype=kind)
        at += size + -size % ALIGNMENT
    return Segment(tuple(header["texts"]), columns)
