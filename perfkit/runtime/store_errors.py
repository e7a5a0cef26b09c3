"""What can be wrong with a telemetry store, and what of it SQLite says by which code."""

import sqlite3
from typing import ClassVar

from perfkit.errors import ExitCode, PerfkitError

OF_ANOTHER_PROCESS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""Primary result codes that pass when another process has written."""

OF_THE_ROW = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_RANGE,
    }
)
"""Primary result codes of an insert that come again with the same row. All others are about the
file, the disk, memory or another process, and may pass: busy, locked, full, read-only, I/O, ..."""


class StoreError(PerfkitError):
    """The store cannot be opened, read or written; the message names the file."""

    exit_code: ClassVar[ExitCode] = ExitCode.MEASUREMENT


class NewerStoreError(StoreError):
    """The store is of a later version of perfkit."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class DamagedStoreError(StoreError):
    """A row of the store cannot be read; the message names its series."""


class StoreFullError(StoreError):
    """The store has its largest size, and its policy is to stop."""


class StoreBusyError(StoreError):
    """Another process writes to the store just now."""


class UnstorableError(StoreError):
    """A batch holds, or meets in the store, what makes it fail however often it is tried."""
