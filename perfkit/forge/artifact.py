"""A report out of a CI artifact that anybody may have made, as a fork's pull request uploads it.

Nothing is unpacked to disk. One file is read, by its fixed name, up to a fixed size; an archive
that is odd in any way is refused whole. What the file says is for the schema to judge.
"""

import json
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from perfkit.errors import UsageError

REPORT = "perfkit-report.json"
"""The only name that is read."""

ARTIFACT_BYTES = 2**25
"""Of the zip file, everything that was uploaded with the report included."""
REPORT_BYTES = 2**25
"""Of the report, unpacked: some 25,000 rows. Python's objects take ten times as much memory."""
ENTRIES = 1_000
"""Files in the archive; each costs memory before it is looked at."""
NAME_QUOTED = 80
"""Characters of a name that an error quotes."""
NESTING = 16
"""Levels of objects and lists in the report; perfkit's own have 6."""

DAMAGED = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # what zipfile says of an encrypted file
)
"""What reading a damaged or unusual archive raises."""


def report_text(artifact: Path) -> str:
    """Return the text of the report in a zip file or a folder; UsageError where it is not safe.

    The text is UTF-8 JSON of at most :data:`REPORT_BYTES` and :data:`NESTING` levels.
    """
    place = f"{artifact}: {REPORT}"
    if not artifact.exists():
        raise UsageError(
            f"{artifact}: no such file or folder; give the artifact as the forge serves it (a zip"
            " file), or the folder that it was unpacked into."
        )
    if not (artifact.is_dir() or artifact.is_file()):
        # A device or a pipe may have no end.
        raise UsageError(f"{artifact}: neither a zip file nor a folder, so no artifact.")
    try:
        content = _from_folder(artifact) if artifact.is_dir() else _from_zip(artifact)
    except FileNotFoundError as error:
        raise UsageError(
            f"{artifact}: found no {REPORT}, wanted it at the top of the artifact; write it with"
            f" `perfkit check --output {REPORT}`."
        ) from error
    except DAMAGED as error:
        raise UsageError(
            f"{artifact}: not readable as an artifact ({error}); give the zip file that the forge"
            f" serves for it, or the folder that holds {REPORT}."
        ) from error
    try:
        text = content.decode("utf-8")
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON in UTF-8 ({error}).") from error
    if nested_deeper(value, NESTING):
        raise UsageError(f"{place}: nested deeper than {NESTING} levels, which no report is.")
    return text


def nested_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists stand in each other more than ``levels`` deep."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, dict | list):
            if depth == levels:
                return True
            inner = found.values() if isinstance(found, dict) else found
            waiting += [(one, depth + 1) for one in inner]
    return False


def _from_folder(folder: Path) -> bytes:
    path = folder / REPORT
    # A link could lead to any file of this machine, and a pipe would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path}: not a regular file.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return _at_most(file, REPORT_BYTES, str(path))
    finally:
        os.close(descriptor)


def _from_zip(path: Path) -> bytes:
    if path.stat().st_size > ARTIFACT_BYTES:
        raise UsageError(f"{path}: larger than {ARTIFACT_BYTES:,} bytes, which no artifact is.")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > ENTRIES:
            raise UsageError(f"{path}: more than {ENTRIES:,} files, which no artifact has.")
        for entry in entries:
            _refuse_odd(path, entry)
        found = [entry for entry in entries if entry.filename == REPORT]
        if not found:
            raise FileNotFoundError(REPORT)
        if len(found) > 1:
            raise UsageError(f"{path}: holds {REPORT} {len(found)} times.")
        with archive.open(found[0]) as file:
            return _at_most(file, REPORT_BYTES, f"{path}: {REPORT}")


def _refuse_odd(path: Path, entry: zipfile.ZipInfo) -> None:
    # orig_filename is what the archive says; zipfile cuts the other at a null character.
    told = entry.orig_filename
    # A log with "##[" in it would be obeyed by a GitHub runner.
    name = repr(told[:NAME_QUOTED]).replace("##[", "#[")
    parts = PurePosixPath(told.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in told or "\0" in told:
        raise UsageError(f"{path}: holds {name}, a name that leads out of the artifact.")
    kind = stat.S_IFMT(entry.external_attr >> 16)  # the upper half is the Unix mode
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise UsageError(f"{path}: holds {name}, which is a link or a device.")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        # Others exist that ask for gigabytes before the first byte comes out.
        raise UsageError(f"{path}: holds {name}, compressed in an unusual way.")
    if entry.file_size > REPORT_BYTES:
        raise UsageError(
            f"{path}: holds {name} with {entry.file_size:,} bytes, wanted at most {REPORT_BYTES:,}."
        )


def _at_most(file: IO[bytes], size: int, place: str) -> bytes:
    # What the archive says about the size is not believed: no more than this is unpacked.
    content = file.read(size + 1)
    if len(content) > size:
        raise UsageError(f"{place}: larger than {size:,} bytes, which no report is.")
    return content
