"""The tables of a telemetry store, version by version."""

import sqlite3

MIGRATIONS = (
    # 1: calls
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        component TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL,
        UNIQUE (component, name, labels)
    );
    CREATE TABLE calls (
        seconds INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series,
        ok INTEGER NOT NULL, errors INTEGER NOT NULL, degraded INTEGER NOT NULL,
        sum_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, bins BLOB NOT NULL,
        PRIMARY KEY (seconds, start, series)
    ) WITHOUT ROWID;
    """,
    # 2: values and events
    """
    CREATE TABLE vals (
        seconds INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series,
        count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
        last REAL NOT NULL,
        PRIMARY KEY (seconds, start, series)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        seconds INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series,
        count INTEGER NOT NULL,
        PRIMARY KEY (seconds, start, series)
    ) WITHOUT ROWID;
    """,
    # 3: what each series has counted since the store exists, as an interval of no length at time 0
    """
    INSERT INTO calls
        SELECT 0, 0, series, sum(ok), sum(errors), sum(degraded), sum(sum_ns), max(max_ns),
            all_merged(bins)
        FROM calls WHERE seconds = 3600 GROUP BY series;
    INSERT INTO vals
        SELECT 0, 0, series, sum(count), sum(sum), min(min), max(max),
            (SELECT last FROM vals AS late WHERE late.seconds = 3600 AND late.series = vals.series
             ORDER BY start DESC LIMIT 1)
        FROM vals WHERE seconds = 3600 GROUP BY series;
    INSERT INTO events
        SELECT 0, 0, series, sum(count) FROM events WHERE seconds = 3600 GROUP BY series;
    """,
)
"""Script number N (from 1) makes a store of version N out of one of version N - 1; the
connection has the functions of :class:`perfkit.runtime.store.Store`."""

VERSION = len(MIGRATIONS)
TABLES = ("calls", "vals", "events")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version that a database says it has; 0 for a new one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the current version, each step whole or not at all."""
    for number, script in enumerate(MIGRATIONS, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version_of(connection) < number:  # another process may have been here first
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
