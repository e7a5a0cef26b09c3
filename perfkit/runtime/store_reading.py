"""Reading a telemetry store: intervals of calls, values and events, at the resolution that fits."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from perfkit.runtime.bins import damage
from perfkit.runtime.bounds import Bounds
from perfkit.runtime.store_errors import (
    OF_ANOTHER_PROCESS,
    DamagedStoreError,
    StoreBusyError,
    StoreError,
)
from perfkit.runtime.windows import (
    ALL_TIME,
    RESOLUTIONS,
    EventWindow,
    Key,
    ValueWindow,
    Window,
)

MOST_INTERVALS = 4320
"""Intervals of one series that a query without a resolution reads at most: 72 minutes of
seconds, 3 days of minutes, and hours beyond that."""


class _Asked(NamedTuple):
    component: str | None
    name: str | None
    since: float | None
    until: float | None
    resolution: int | None


class Reading:
    """What a store that is open has for readers; ``clock`` is Unix time.

    Raises, in every method:
        StoreError: the file could not be read.
    """

    path: Path
    _connection: sqlite3.Connection
    _bounds: Bounds
    _clock: Callable[[], float]

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

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Raise what SQLite and the file system say as one sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            kind = StoreBusyError if code in OF_ANOTHER_PROCESS else StoreError
            raise kind(
                f"{self.path}: the telemetry store cannot be used ({error}); see that the file is a"
                " store, its folder exists and is writable, and the disk has room."
            ) from error
