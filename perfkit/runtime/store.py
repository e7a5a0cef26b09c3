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
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import quote

from perfkit.errors import ExitCode, PerfkitError
from perfkit.runtime.bins import Bins, damage
from perfkit.runtime.bounds import MOST_BYTES, RETENTION, Bounds, OnFull
from perfkit.runtime.schema import TABLES, VERSION, migrate, version_of
from perfkit.runtime.windows import (
    ALL_TIME,
    RESOLUTIONS,
    Calls,
    EventWindow,
    Key,
    Values,
    ValueWindow,
    Window,
)
from perfkit.state import make_folder

MOST_INTERVALS = 4320
"""Intervals of one series that a query without a resolution reads at most: 72 minutes of
seconds, 3 days of minutes, and hours beyond that."""

_OF_ANOTHER_PROCESS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_OF_THE_ROW = frozenset(
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


@dataclass
class Batch:
    """What is stored at once: everything that ended in the second ``start`` (Unix time)."""

    start: int
    calls: dict[Key, Calls] = field(default_factory=dict)
    values: dict[Key, Values] = field(default_factory=dict)
    events: dict[Key, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.calls or self.values or self.events)

    @property
    def names(self) -> list[str]:
        """The names of its series, as often as they are in it."""
        return [key.name for kind in (self.calls, self.values, self.events) for key in kind]

    def halves(self) -> tuple["Batch", ...]:
        """Return it as two batches; as none where it is of one series, which has no halves."""
        kinds: tuple[dict[Key, Any], ...] = (self.calls, self.values, self.events)
        rows = [(number, *row) for number, kind in enumerate(kinds) for row in kind.items()]
        if len(rows) < 2:  # noqa: PLR2004  # one row each
            return ()
        middle = len(rows) // 2
        return tuple(
            Batch(
                self.start,
                *({key: what for kind, key, what in some if kind == number} for number in range(3)),
            )
            for some in (rows[:middle], rows[middle:])
        )


class _Asked(NamedTuple):
    component: str | None
    name: str | None
    since: float | None
    until: float | None
    resolution: int | None


class Store:
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

    # Reading

    def windows(
        self,
        component: str | None = None,
        name: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        resolution: int | None = None,
    ) -> Iterator[Window]:
        """Yield the calls of each series and interval, by start.

        Intervals that overlap ``since <= t < until`` (Unix seconds) are taken whole; both ends are
        open by default. Without a resolution (1, 60 or 3600) it is the finest that covers the time
        from ``since`` on with at most ``MOST_INTERVALS`` intervals and is kept that long. The
        resolution ``ALL_TIME`` gives the totals of the series; their start is 0.

        Raises:
            DamagedStoreError: a row is damaged.
            StoreError: the file could not be read.
        """
        columns = "ok, errors, degraded, sum_ns, max_ns, bins"
        asked = _Asked(component, name, since, until, resolution)
        for row in self._read("calls", columns, asked):
            window = Window._make(row)
            if (wrong := damage(window.encoded)) is not None:
                span = f"{window.seconds} s from {window.start}" if window.seconds else "totals"
                raise DamagedStoreError(
                    f"{self.path}: the calls of {window.component}, {window.name} in the"
                    f" {span} are damaged ({wrong}); put a backup"
                    " in its place, or move the file away and let the application begin a new one."
                )
            yield window

    def values(
        self,
        component: str | None = None,
        name: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        resolution: int | None = None,
    ) -> Iterator[ValueWindow]:
        """Yield the values of each quality or gauge and interval, as :meth:`windows` does."""
        columns = "count, sum, min, max, last"
        for row in self._read("vals", columns, _Asked(component, name, since, until, resolution)):
            yield ValueWindow(*row)

    def events(
        self,
        component: str | None = None,
        name: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        resolution: int | None = None,
    ) -> Iterator[EventWindow]:
        """Yield the counts of each event and interval, as :meth:`windows` does."""
        for row in self._read("events", "count", _Asked(component, name, since, until, resolution)):
            yield EventWindow(*row)

    def series(self) -> list[Key]:
        """Return every series that was ever stored, by component, name and labels.

        Raises:
            StoreError: the file could not be read.
        """
        with self._named():
            rows = self._connection.execute(
                "SELECT component, name, labels FROM series ORDER BY 1, 2, 3"
            ).fetchall()
        return [Key(*row) for row in rows]

    def _read(
        self, table: str, columns: str, asked: _Asked
    ) -> list[Any]:  # a row of SQLite has any types
        seconds = asked.resolution
        if seconds is None:
            seconds = self.resolution_for(asked.since, asked.until)
        if seconds == ALL_TIME:
            if (asked.since, asked.until) != (None, None):
                raise ValueError("totals are of all time: they have neither since nor until")
        elif seconds not in RESOLUTIONS:
            raise ValueError(f"a resolution is one of {RESOLUTIONS} seconds, not {seconds}")
        first = None if asked.since is None else int(asked.since // seconds) * seconds
        conditions = {
            "seconds = ?": seconds,
            "start >= ?": first,
            "start < ?": asked.until,
            "component = ?": asked.component,
            "name = ?": asked.name,
        }
        given = {text: value for text, value in conditions.items() if value is not None}
        with self._named():
            return self._connection.execute(
                f"SELECT start, seconds, component, name, labels, {columns}"  # noqa: S608  # names of ours, values are bound
                f" FROM {table} JOIN series ON series.id = series"
                f" WHERE {' AND '.join(given)} ORDER BY start, series",
                tuple(given.values()),
            ).fetchall()

    def resolution_for(self, since: float | None, until: float | None) -> int:
        """Return the resolution that a query without one reads."""
        now = self._clock()
        if since is None:
            return RESOLUTIONS[-1]
        span = (now if until is None else until) - since
        for seconds in RESOLUTIONS:
            kept = now - since <= self._bounds.retention[seconds]
            if kept and span <= MOST_INTERVALS * seconds:
                return seconds
        return RESOLUTIONS[-1]

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
            if code not in _OF_THE_ROW:
                raise
            raise UnstorableError(
                f"{self.path}: does not take what was recorded, or what it holds of the same series"
                f" is damaged ({error})."
            ) from error

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Raise what SQLite and the file system say as one sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            kind = StoreBusyError if code in _OF_ANOTHER_PROCESS else StoreError
            raise kind(
                f"{self.path}: the telemetry store cannot be used ({error}); see that the file is a"
                " store, its folder exists and is writable, and the disk has room."
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
