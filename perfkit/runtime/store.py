"""Telemetry in one SQLite file: many processes write, many read at the same time.

Every count goes into an interval of one second, of one minute and of one hour in the same
transaction, so that each resolution is always whole; retention then differs by resolution. It also
goes into a total of its series that is kept as long as the store (``ALL_TIME``). The file is in WAL
mode: readers and the writer do not wait for each other. What :meth:`Store.add` has returned from
survives a kill of the process; after a loss of power the last seconds may be missing
(``synchronous=NORMAL``), and the file is whole.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.bounds import MOST_BYTES, RETENTION, Bounds, OnFull
from perfkit.runtime.schema import TABLES, VERSION, migrate, version_of
from perfkit.runtime.store_errors import (
    OF_THE_ROW,
    NewerStoreError,
    StoreError,
    StoreFullError,
    UnstorableError,
)
from perfkit.runtime.store_reading import Reading
from perfkit.runtime.windows import ALL_TIME, RESOLUTIONS, Key
from perfkit.state import make_folder


class Store(Reading):
    """A telemetry store. One object belongs to one thread at a time, and not to two processes.

    ``max_bytes``, ``on_full`` and ``retention`` are as in :class:`~perfkit.runtime.bounds.Bounds`.
    ``read_only`` opens an existing file and never writes. ``busy_seconds`` is how long a write
    waits for that of another process.

    Raises:
        ValueError: a bound makes no sense.
        StoreError: the file cannot be opened, or is no store.
        NewerStoreError: a later version of perfkit wrote it.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        read_only: bool = False,
        max_bytes: int = MOST_BYTES,
        on_full: OnFull = "drop-oldest",
        retention: Mapping[int, float] = RETENTION,
        busy_seconds: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self._bounds = Bounds(max_bytes, on_full, retention)
        self._clock = clock
        self._numbers: dict[Key, int] = {}
        with self._named():
            if not read_only:
                make_folder(self.path.parent)
            mode = "ro" if read_only else "rwc"
            if read_only and self._is_frozen():
                mode += "&immutable=1"
            self._connection = sqlite3.connect(
                f"file:{quote(str(self.path.absolute()))}?mode={mode}",
                uri=True,
                timeout=busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise

    def _is_frozen(self) -> bool:
        """Whether this is a copy on a disk that cannot be written, where no process writes either.

        Reading a store in WAL mode makes a file beside it, unless SQLite is told.
        """
        wal = self.path.with_name(f"{self.path.name}-wal")
        return not (wal.exists() or os.access(self.path.parent, os.W_OK))

    def _prepare(self, *, read_only: bool) -> None:
        # As of one moment: another process may be making the tables just now.
        self._connection.execute("BEGIN")
        version = version_of(self._connection)
        has_tables = self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
        self._connection.execute("COMMIT")
        if version > VERSION:
            raise NewerStoreError(
                f"{self.path}: is a telemetry store of version {version}, this perfkit reads up to"
                f" {VERSION}; upgrade perfkit, or name another store."
            )
        if version == 0 and has_tables:
            raise StoreError(
                f"{self.path}: is a database, but no telemetry store; name another file."
            )
        if read_only:
            if version < VERSION:
                raise StoreError(
                    f"{self.path}: is a telemetry store of version {version}, and only writing"
                    f" brings it to {VERSION}; let an application of this version write to it."
                )
            return
        if version == 0:
            # Rows lie in the order of their key; one of more than 2 kB would spill at 8 kB a page.
            self._connection.execute("PRAGMA page_size = 8192")
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.create_function("merged", 2, _merged, deterministic=True)
        self._connection.create_aggregate("all_merged", 1, _Merging)  # type: ignore[arg-type]  # typeshed knows whole numbers only
        migrate(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # Writing

    def add(self, batch: Batch) -> None:
        """Store a batch whole; added to what the same intervals hold already.

        Raises:
            StoreFullError: the store is full and its policy is to stop.
            UnstorableError: it cannot be written as it is; trying again does not help.
            StoreError: it could not be written; nothing of the batch is stored.
        """
        with self._named():
            if self.bytes_used() > self._bounds.max_bytes:
                self._make_room()
            with self._transaction(), self._telling_unstorable():
                for seconds in RESOLUTIONS:
                    self._insert(seconds, batch.start - batch.start % seconds, batch)
                self._insert(ALL_TIME, 0, batch)

    def _insert(self, seconds: int, start: int, batch: Batch) -> None:
        execute = self._connection.execute
        for key, calls in batch.calls.items():
            execute(
                "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET ok = ok + excluded.ok,"
                " errors = errors + excluded.errors, degraded = degraded + excluded.degraded,"
                " sum_ns = sum_ns + excluded.sum_ns, max_ns = max(max_ns, excluded.max_ns),"
                " bins = merged(bins, excluded.bins)",
                (
                    *(seconds, start, self._number(key)),
                    *(calls.ok, calls.errors, calls.degraded, calls.sum_ns, calls.max_ns),
                    calls.bins.to_bytes(),
                ),
            )
        for key, values in batch.values.items():
            execute(
                "INSERT INTO vals VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count,"
                " sum = sum + excluded.sum, min = min(min, excluded.min),"
                " max = max(max, excluded.max), last = excluded.last",
                (
                    *(seconds, start, self._number(key)),
                    *(values.count, values.sum, values.min, values.max, values.last),
                ),
            )
        for key, count in batch.events.items():
            execute(
                "INSERT INTO events VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (seconds, start, self._number(key), count),
            )

    def _number(self, key: Key) -> int:
        """Return the number of a series, a new one if needed; within a transaction."""
        number = self._numbers.get(key)
        if number is None:
            columns = (key.component, key.name, key.labels)
            self._connection.execute(
                "INSERT INTO series (component, name, labels) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                columns,
            )
            (number,) = self._connection.execute(
                "SELECT id FROM series WHERE component = ? AND name = ? AND labels = ?", columns
            ).fetchone()
            self._numbers[key] = number
        return int(number)

    def bytes_used(self) -> int:
        """Return the size of the pages in use; the file may be larger, it shrinks with pruning."""
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {what}").fetchone()[0])
            for what in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _make_room(self) -> None:
        if self._bounds.on_full == "stop":
            raise StoreFullError(
                f"{self.path}: holds {self.bytes_used()} bytes, its bound is"
                f" {self._bounds.max_bytes}; raise the bound, keep less,"
                " or let the oldest intervals go (drop-oldest)."
            )
        for seconds in RESOLUTIONS:
            while self.bytes_used() > self._bounds.max_bytes * 0.9:
                oldest = self._drop_oldest(seconds)
                if not oldest:
                    break

    def _drop_oldest(self, seconds: int) -> int:
        """Delete the oldest tenth of a resolution's rows; return how many went.

        By their number and not by their time: a row from a clock that was far ahead makes nothing
        else old.
        """
        gone = 0
        with self._transaction():
            for table in TABLES:
                (rows,) = self._connection.execute(
                    f"SELECT count(*) FROM {table} WHERE seconds = ?",  # noqa: S608  # a name of ours
                    (seconds,),
                ).fetchone()
                if rows:
                    (last,) = self._connection.execute(
                        f"SELECT start FROM {table} WHERE seconds = ?"  # noqa: S608  # a name of ours
                        " ORDER BY start LIMIT 1 OFFSET ?",
                        (seconds, rows // 10),
                    ).fetchone()
                    gone += self._delete(table, seconds, last + 1)
        self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return gone

    def _delete(self, table: str, seconds: int, before: float) -> int:
        return self._connection.execute(
            f"DELETE FROM {table} WHERE seconds = ? AND start < ?",  # noqa: S608  # a name of ours
            (seconds, before),
        ).rowcount

    def prune(self) -> int:
        """Delete what is older than its resolution is kept; return the number of rows.

        Raises:
            StoreError: the file could not be written.
        """
        now = int(self._clock())
        with self._named():
            with self._transaction():
                gone = sum(
                    self._delete(table, seconds, now - kept)
                    for table in TABLES
                    for seconds, kept in self._bounds.retention.items()
                )
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return gone

    # The rim

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._numbers.clear()  # a number that was given out goes with the transaction
            if self._connection.in_transaction:  # SQLite itself rolls back where the disk is full
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _telling_unstorable(self) -> Iterator[None]:
        """Tell what is wrong with a row apart from what is wrong with the file or the disk."""
        try:
            yield
        except (OSError, MemoryError):
            raise
        except Exception as error:
            # What Python's own part raises, such as for an integer of 65 bits, has no code.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code not in OF_THE_ROW:
                raise
            raise UnstorableError(
                f"{self.path}: does not take what was recorded, or what it holds of the same series"
                f" is damaged ({error})."
            ) from error


def _merged(left: bytes, right: bytes) -> bytes:
    bins = Bins.from_bytes(left)
    bins.merge(Bins.from_bytes(right))
    return bins.to_bytes()


class _Merging:
    """The bins of many rows in one, for SQLite."""

    def __init__(self) -> None:
        self._bins = Bins()

    def step(self, encoded: bytes) -> None:
        self._bins.merge(Bins.from_bytes(encoded))

    def finalize(self) -> bytes:
        return self._bins.to_bytes()
