"""The index of a results folder: each file is read once, however often it is asked for.

The index lies in the folder itself, ignored by git, as segments of columns that are written once
under a name of their own. A file is known by the digest of its content, since a checkout changes
every modification time. Size, times and inode only spare the hashing, under git's own rule for
its index (racy-git in git's documentation): they count when the file had been left alone for some
time before it was hashed. Deleting the index is safe, two processes may write it at once, and
where it cannot be written everything is read anew.
"""

import gc
import hashlib
import logging
import os
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, NamedTuple

import numpy as np

from perfkit.baselines.asv_json import BrokenJsonError, parse
from perfkit.baselines.collection import Collection, Unreadable
from perfkit.baselines.columns import COLUMNS, NONE, ColumnBuilder
from perfkit.baselines.result_file import UnreadableResultError, read_result
from perfkit.baselines.segment import BrokenSegmentError, Segment, read_segment, segment_bytes
from perfkit.errors import UsageError

log = logging.getLogger("perfkit.baselines")

FOLDER: Final = Path(".perfkit", "index")
"""Where the index lies, below the results folder."""

NOT_RESULTS: Final = frozenset({"machine.json", "benchmarks.json"})
"""JSON files of a results folder that asv does not read as results either."""

HIGHEST_BYTES: Final = 256 * 2**20
"""Bound of one result file: asv's largest known ones have 20 MiB."""

SETTLED_NANOSECONDS: Final = 2_000_000_000
"""A file that changed this shortly before it was hashed might change again within one tick of the
file system's clock (2 s on FAT, 1 s on old NFS), and is hashed again next time."""

MOST_SEGMENTS: Final = 16
"""From here on segments are written into one: each costs opening and joining."""


Stat = tuple[int, int, int, int]
"""What a file looked like when it was hashed: size, modified and changed (ns), inode."""

CHANGED: Final = 2


class _Known(NamedTuple):
    """A file's state and the digest of what it held."""

    seen: Stat
    digest: bytes


def read_results(
    folder: Path, *, use_index: bool = True
) -> tuple[Collection, tuple[Unreadable, ...]]:
    """Return all results below ``folder``, those of asv and of perfkit, and what is unreadable.

    Only files that the index does not know are read; ``use_index`` False reads every file and
    writes nothing. Raises UsageError where there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: no such folder of results; `perfkit bench` measures a commit and stores it."
        )
    place = folder / FOLDER
    started = _now_of(place) if use_index else None
    known = _read_known(place / "hints") if started is not None else {}
    segments = list(_read_segments(place)) if use_index else []
    indexed = {digest for segment in segments for digest in segment.columns["digest"].tolist()}
    found: dict[str, _Known] = {}
    unreadable: list[Unreadable] = []
    builder = ColumnBuilder()
    paths: dict[bytes, str] = {}
    for path, entry in _files(folder):
        old = known.get(path)
        if old is not None and old.seen == entry and old.digest in indexed:
            found[path] = old
            paths[old.digest] = path
            continue
        try:
            data, seen = _content(f"{folder}/{path}")
        except (OSError, UnreadableResultError) as error:
            unreadable.append(Unreadable(path=path, reason=_reason(error)))
            continue
        digest = hashlib.sha256(data).digest()[:16]
        found[path] = _Known(seen, digest)
        paths[digest] = path
        if digest not in indexed:
            indexed.add(digest)
            with _uncollected():
                _add(builder, digest, data)
    fresh = builder.columns()
    if fresh["digest"].size:
        segments.append(Segment(tuple(builder.texts), fresh))
    collection = Collection.of(segments, paths)
    if started is not None:
        trusted = {
            path: one
            for path, one in found.items()
            if one.seen[CHANGED] < started - SETTLED_NANOSECONDS
        }
        _write(place, collection, fresh=bool(fresh["digest"].size))
        if trusted != known:
            _write_known(place / "hints", trusted)
    unreadable += _errors(segments, paths)
    return collection, tuple(sorted(unreadable, key=lambda one: one.path))


def _add(builder: ColumnBuilder, digest: bytes, data: bytes) -> None:
    try:
        builder.add(digest, read_result(data))
    except UnreadableResultError as error:
        builder.add_error(digest, str(error))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        # JSON may hold anything anywhere; what no check foresaw is still only one file.
        builder.add_error(digest, f"not shaped as a result of asv: {type(error).__name__}: {error}")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the cyclic garbage collector off, if it is on.

    Parsing makes a million lists without a single cycle; looking for one takes half of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _errors(segments: Sequence[Segment], paths: dict[bytes, str]) -> Iterator[Unreadable]:
    said = set()
    for segment in segments:
        errors = segment.columns["error"]
        for row in np.flatnonzero(errors != NONE):
            digest = segment.columns["digest"][row].tobytes()
            if digest in paths and digest not in said:
                said.add(digest)
                yield Unreadable(path=paths[digest], reason=segment.texts[errors[row]])


def _files(folder: Path) -> Iterator[tuple[str, Stat]]:
    """Yield the path, relative to ``folder``, and the state of every candidate."""
    root = f"{folder}/"
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(root + below) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{below}{name}/")
                elif name.endswith(".json") and name not in NOT_RESULTS:
                    try:
                        found = _stat_of(entry.stat())
                    except OSError:
                        found = (-1, 0, 0, 0)  # a dangling link; reading it says so
                    yield below + name, found


def _stat_of(found: os.stat_result) -> Stat:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _content(path: str) -> tuple[bytes, Stat]:
    """Return a file's content and its state before it was read."""
    # A pipe under a file's name would otherwise be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableResultError("not a regular file")
        if found.st_size > HIGHEST_BYTES:
            raise UnreadableResultError(
                f"{found.st_size >> 20} MiB, above the bound of {HIGHEST_BYTES >> 20} MiB"
            )
        parts = []
        while part := os.read(descriptor, found.st_size + 1):
            parts.append(part)
        return b"".join(parts), _stat_of(found)
    finally:
        os.close(descriptor)


def _now_of(place: Path) -> int | None:
    """Return the file system's time, which is what its files' times are compared with.

    None where the index cannot be written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        ignore = place.parent / ".gitignore"
        if not ignore.exists():
            replace_file(ignore, b"*\n")
        with NamedTemporaryFile(dir=place, prefix=".now-") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError as error:
        log.info("%s: no index is kept here: %s", place, error.strerror)
        return None


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` into ``path`` at once. Not synced: an index is checked and can be lost."""
    partial = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _read_known(path: Path) -> dict[str, _Known]:
    try:
        rows = parse(path.read_bytes())
        return {
            name: _Known((size, modified, changed, inode), bytes.fromhex(digest))
            for name, (size, modified, changed, inode, digest) in rows.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, BrokenJsonError, AttributeError, TypeError, ValueError) as error:
        log.info("%s: ignored, every file is hashed again: %s", path, error)
        return {}


def _write_known(path: Path, known: dict[str, _Known]) -> None:
    import orjson

    rows = {name: (*one.seen, one.digest.hex()) for name, one in known.items()}
    try:
        replace_file(path, orjson.dumps(rows))
    except OSError as error:
        log.info("%s: not written: %s", path, error.strerror)


def _segment_paths(place: Path) -> list[Path]:
    return sorted(place.glob("*.columns"))


def _read_segments(place: Path) -> Iterator[Segment]:
    for path in _segment_paths(place):
        try:
            yield read_segment(path)
        except FileNotFoundError:
            continue  # another process has just joined it with others
        except (OSError, BrokenSegmentError) as error:
            log.info("%s: ignored, its files are read again: %s", path, error)
            path.unlink(missing_ok=True)


def _write(place: Path, collection: Collection, *, fresh: bool) -> None:
    """Write the newest segment, or all of them as one when they have become many."""
    if not fresh:
        return
    try:
        old = _segment_paths(place)
        if len(old) < MOST_SEGMENTS:
            newest = collection.segments[-1]
            data = segment_bytes(newest.texts, newest.columns)
            replace_file(place / f"{uuid.uuid4().hex}.columns", data)
            return
        columns = {name: collection.column(name) for name in COLUMNS}
        replace_file(
            place / f"{uuid.uuid4().hex}.columns", segment_bytes(collection.texts, columns)
        )
        for path in old:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.info("%s: the index is not written: %s", place, error.strerror)
