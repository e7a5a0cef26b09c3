"""One file that holds a copy of folders and databases, with the digest of everything in it.

A backup is a tar archive: ``manifest.json`` first, then the files, and behind the end of the
archive, where tar does not look, the SHA-256 of all before it. SQLite databases are copied with
the online backup API while others write to them, and are whole as of one moment; other files are
copied as they are.
"""

import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from perfkit.errors import MeasurementError, UsageError

MANIFEST = "manifest.json"
FORMAT = 1
SQLITE_MAGIC = b"SQLite format 3\x00"
"""The first bytes of a database (sqlite.org/fileformat.html, section 1.3)."""

SIDE_FILES = ("-wal", "-shm", "-journal")
"""Ends of the names of files that belong to a database and are folded into its copy."""

SEAL = b"perfkit-backup-sha256 "
"""Stands before the digest at the end of the file."""

PIECE = 1 << 20
LARGEST_MANIFEST = 256 << 20
"""Bytes; a manifest has about 150 for each file."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """One file: its path in the archive, size in bytes, and SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; ``taken_at`` in seconds since 1970, when copying began."""

    taken_at: float
    files: tuple[BackedUp, ...]

    @property
    def digest(self) -> str:
        """One SHA-256 over the names and digests of all files."""
        lines = [
            f"{one.sha256} {one.path}\n" for one in sorted(self.files, key=lambda one: one.path)
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def back_up(sources: Sequence[Path], archive: Path, *, taken_at: float) -> Manifest:
    """Copy ``sources`` (files or folders) into ``archive``, through a temporary file and a rename.

    Each source stands in the archive under its own name.

    Raises:
        UsageError: a source does not exist, two have one name, or ``archive`` is within one.
        MeasurementError: something cannot be read, or the archive cannot be written.
    """
    names = [source.resolve().name for source in sources]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"two sources are called {min(twice)}; a backup keeps them by their names")
    for source in sources:
        if not source.exists():
            raise UsageError(f"{source}: does not exist, so there is nothing to back up")
        if archive.resolve().is_relative_to(source.resolve()):
            raise UsageError(
                f"{archive}: is within {source}, so that each backup would hold those before it:"
                " write it elsewhere"
            )
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".perfkit-backup-", dir=archive.parent) as scratch:
            manifest = _write(sources, Path(scratch), taken_at)
            whole = Path(scratch, "whole.tar")
            with whole.open("rb") as file:
                os.fsync(file.fileno())
            whole.replace(archive)
        _sync(archive.parent)
    except (OSError, sqlite3.Error) as error:
        raise MeasurementError(f"{archive}: the backup was not made: {error}") from error
    return manifest


def _write(sources: Sequence[Path], scratch: Path, taken_at: float) -> Manifest:
    """Copy everything to ``scratch`` first: what is hashed is then what is stored."""
    copies = scratch / "files"
    found = []
    for source in sources:
        for path, name in files_of(source.resolve()):
            copy = copies / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, copy)
            found.append(BackedUp(name, copy.stat().st_size, _digest(copy)))
    manifest = Manifest(taken_at, tuple(found))
    text = json.dumps(
        {"format": FORMAT, "taken_at": taken_at, "files": [asdict(one) for one in found]}, indent=1
    ).encode()
    with tarfile.open(scratch / "whole.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        for one in found:
            tar.add(copies / one.path, arcname=f"files/{one.path}", recursive=False)
    seal = SEAL + _digest(scratch / "whole.tar").encode()
    with (scratch / "whole.tar").open("ab") as file:
        file.write(seal)
    return manifest


def _sealed(archive: Path) -> bool:
    """Return whether every byte of a backup, padding included, is as it was written."""
    length = len(SEAL) + 2 * hashlib.sha256().digest_size
    with archive.open("rb") as file:
        left = max(0, file.seek(0, os.SEEK_END) - length)
        file.seek(0)
        digest = hashlib.sha256()
        while left and (piece := file.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
        return file.read() == SEAL + digest.hexdigest().encode()


def files_of(source: Path) -> Iterator[tuple[Path, str]]:
    """Yield every regular file of a source with its name in the archive; links are left out."""
    if source.is_file():
        yield source, source.name
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            database = next(
                (path.name.removesuffix(end) for end in SIDE_FILES if path.name.endswith(end)), None
            )
            if database is None or not _is_database(path.with_name(database)):
                yield path, str(PurePosixPath(source.name, *path.relative_to(source).parts))


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _copy(path: Path, copy: Path) -> None:
    if _is_database(path):
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
        return
    with path.open("rb") as read, copy.open("wb") as write:
        while piece := read.read(PIECE):
            write.write(piece)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(archive: Path) -> Manifest:
    """Return what a backup says it holds. Raises MeasurementError where it is no whole backup."""
    try:
        with tarfile.open(archive, "r:") as tar:
            entry = tar.next()
            file = tar.extractfile(entry) if entry and entry.name == MANIFEST else None
            if file is None:
                raise MeasurementError(f"{archive}: is no backup of perfkit: it has no manifest")
            values: dict[str, Any] = json.loads(file.read(LARGEST_MANIFEST))
        if values["format"] != FORMAT:
            raise MeasurementError(
                f"{archive}: has format {values['format']}, this perfkit reads {FORMAT}: update it"
            )
        files = tuple(
            BackedUp(str(one["path"]), int(one["size"]), str(one["sha256"]))
            for one in values["files"]
        )
        return Manifest(float(values["taken_at"]), files)
    except (OSError, tarfile.TarError) as error:
        raise MeasurementError(f"{archive}: cannot be read as a backup: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MeasurementError(f"{archive}: its manifest is damaged: {error}") from error


def problems(archive: Path) -> list[str]:
    """Return what is wrong with a backup, a sentence each; empty where every byte is as it was.

    Raises MeasurementError where it is no backup, or its manifest is damaged.
    """
    manifest = read_manifest(archive)
    wanted = {f"files/{one.path}": one for one in manifest.files}
    found = []
    try:
        with tarfile.open(archive, "r:") as tar:
            for entry in tar:
                one = wanted.pop(entry.name, None)
                if one is None:
                    if entry.name != MANIFEST:
                        found.append(f"{entry.name}: is not in the manifest")
                    continue
                file = tar.extractfile(entry)
                if file is None or hashlib.file_digest(file, "sha256").hexdigest() != one.sha256:  # type: ignore[arg-type]
                    found.append(f"{one.path}: its content is not what was backed up")
        if not found and not wanted and not _sealed(archive):
            found.append("a byte that belongs to no file is not as it was written")
    except (OSError, tarfile.TarError) as error:
        found.append(f"the archive ends or breaks in its middle: {error}")
    found += [f"{one.path}: is missing" for one in wanted.values()]
    return found


def is_restored(manifest: Manifest, folder: Path) -> bool:
    """Return whether ``folder`` holds exactly the files of a backup, byte by byte."""
    wanted = {one.path: one.sha256 for one in manifest.files}
    found = {
        str(PurePosixPath(*path.relative_to(folder).parts)): _digest(path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return wanted == found


def restore(archive: Path, folder: Path) -> Manifest:
    """Put the files of a backup into ``folder``, which must not exist yet or be empty.

    Everything is checked in a folder beside it, which then takes its name: a reader finds all or
    nothing.

    Raises:
        UsageError: ``folder`` holds something.
        MeasurementError: the backup is damaged, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is not empty; restore beside it, look, and move it yourself")
    manifest = read_manifest(archive)
    if wrong := problems(archive):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise MeasurementError(f"{archive}: nothing was restored: {wrong[0]}{more}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".perfkit-restore-", dir=folder.parent) as scratch:
            with tarfile.open(archive, "r:") as tar:
                # PEP 706: no absolute names, no "..", no devices, no links that lead outside.
                tar.extractall(scratch, filter="data")
            files = Path(scratch, "files")
            files.mkdir(exist_ok=True)
            for one in manifest.files:
                with (files / one.path).open("rb") as file:
                    os.fsync(file.fileno())
            if folder.exists():
                folder.rmdir()
            files.rename(folder)
        _sync(folder.parent)
    except (OSError, tarfile.TarError) as error:
        raise MeasurementError(f"{folder}: could not be restored: {error}") from error
    return manifest


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
