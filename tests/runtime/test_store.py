import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.schema import MIGRATIONS, VERSION
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import (
    NewerStoreError,
    StoreError,
    StoreFullError,
    UnstorableError,
)
from perfkit.runtime.windows import ALL_TIME, Calls, Key, Values

KEY = Key("api", "answer")
NOON = 1_700_049_600  # a whole hour
DAY = 86_400


def calls(*durations: int, errors: int = 0, degraded: int = 0) -> Calls:
    ok = len(durations) - errors - degraded
    return Calls(ok, errors, degraded, sum(durations), max(durations), Bins(durations))


def batch(start: int, *durations: int, key: Key = KEY) -> Batch:
    return Batch(start, {key: calls(*durations)})


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON + 100)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with Store(tmp_path / "t.sqlite", clock=clock) as opened:
        yield opened


def test_counts_of_one_interval_add_up_at_every_resolution(store: Store) -> None:
    store.add(Batch(NOON + 5, {KEY: calls(100, 200, errors=1)}))
    store.add(Batch(NOON + 5, {KEY: calls(5000, degraded=1)}))
    store.add(batch(NOON + 65, 7))
    seconds = list(store.windows(resolution=1))
    assert [(w.start, w.ok, w.errors, w.degraded, w.sum_ns, w.max_ns) for w in seconds] == [
        (NOON + 5, 1, 1, 1, 5300, 5000),
        (NOON + 65, 1, 0, 0, 7, 7),
    ]
    assert seconds[0].bins == Bins([100, 200, 5000])
    assert seconds[0].calls == 3
    assert [(w.start, w.calls) for w in store.windows(resolution=60)] == [(NOON, 3), (NOON + 60, 1)]
    (hour,) = store.windows(resolution=3600)
    assert (hour.start, hour.seconds, hour.calls, hour.bins.count) == (NOON, 3600, 4, 4)


def test_values_and_events_add_up(store: Store) -> None:
    store.add(Batch(NOON, values={KEY: Values(2, 3.0, 1.0, 2.0, 2.0)}, events={KEY: 3}))
    store.add(Batch(NOON + 1, values={KEY: Values(1, 0.5, 0.5, 0.5, 0.5)}, events={KEY: 1}))
    (minute,) = store.values(resolution=60)
    assert (minute.count, minute.sum, minute.min, minute.max, minute.last) == (3, 3.5, 0.5, 2, 0.5)
    assert minute.mean == pytest.approx(3.5 / 3)
    assert [e.count for e in store.events(resolution=1)] == [3, 1]


def test_a_query_names_component_name_and_time(store: Store) -> None:
    labelled = Key("web", "page", labels_text({"b": 'say "hi"\n', "a": 1}))
    store.add(batch(NOON, 1))
    store.add(batch(NOON + 10, 2, key=labelled))
    assert [w.key for w in store.windows("web", resolution=1)] == [labelled]
    assert labelled.label_values == {"a": "1", "b": 'say "hi"\n'}
    assert not list(store.windows("web", "other", resolution=1))
    assert [w.start for w in store.windows(since=NOON, until=NOON + 10)] == [NOON]
    assert [w.start for w in store.windows(since=NOON + 30, resolution=60)] == [NOON] * 2
    assert store.series() == [KEY, labelled]
    with pytest.raises(ValueError, match="one of"):
        list(store.windows(resolution=5))


def test_the_resolution_fits_the_span_and_what_is_still_kept(store: Store) -> None:
    now = NOON + 100
    assert store.resolution_for(now - 3600, None) == 1
    assert store.resolution_for(now - 5 * 3600, None) == 60
    assert store.resolution_for(now - 5 * 3600, now - 5 * 3600 + 60) == 1
    assert store.resolution_for(now - 7 * 3600, now - 7 * 3600 + 60) == 60, "seconds are gone"
    assert store.resolution_for(now - 30 * DAY, None) == 3600
    assert store.resolution_for(None, None) == 3600


def test_pruning_keeps_each_resolution_its_time(store: Store, clock: Clock) -> None:
    store.add(batch(NOON, 1))
    clock.now = NOON + 7 * 3600
    assert store.prune() == 1
    assert not list(store.windows(resolution=1))
    assert len(list(store.windows(resolution=60))) == 1
    clock.now = NOON + 500 * DAY
    assert store.prune() == 2
    assert not list(store.windows(resolution=3600))


def test_totals_outlive_what_is_pruned_and_dropped(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "t.sqlite"
    with Store(path, clock=clock) as store:
        store.add(Batch(NOON, {KEY: calls(100, 9000, errors=1)}, {KEY: Values(1, 2.0, 2, 2, 2)}))
        clock.now = NOON + 500 * DAY
        store.prune()
        assert not list(store.windows(resolution=3600))
        store.add(
            Batch(NOON + 500 * DAY, {KEY: calls(7)}, {KEY: Values(1, 3.0, 3, 3, 3)}, {KEY: 4})
        )
    with Store(path, max_bytes=1, clock=clock) as store:
        store.add(batch(NOON + 500 * DAY + 1, 8))
        assert [w.calls for w in store.windows(resolution=1)] == [1], "all others were dropped"
        (total,) = store.windows(resolution=ALL_TIME)
        assert (total.start, total.ok, total.errors, total.sum_ns, total.max_ns) == (
            *(0, 3, 1),
            *(9115, 9000),
        )
        assert total.bins == Bins([100, 9000, 7, 8])
        assert [(v.count, v.sum, v.last) for v in store.values(resolution=ALL_TIME)] == [(2, 5, 3)]
        assert [e.count for e in store.events(resolution=ALL_TIME)] == [4]
        with pytest.raises(ValueError, match="neither since nor until"):
            list(store.windows(since=NOON, resolution=ALL_TIME))


def test_a_store_without_totals_gets_those_of_its_hours(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with Store(path) as store:
        for second, duration in ((0, 10), (4000, 20), (8000, 30)):
            value = Values(1, duration, duration, duration, duration)
            store.add(Batch(NOON + second, {KEY: calls(duration)}, {KEY: value}, {KEY: 2}))
        totals = [
            [*read(resolution=ALL_TIME)] for read in (store.windows, store.values, store.events)
        ]
        for table in ("calls", "vals", "events"):
            store._connection.execute(f"DELETE FROM {table} WHERE seconds = 0")  # noqa: S608
        store._connection.execute("PRAGMA user_version = 2")
    with Store(path) as store:
        made = [
            [*read(resolution=ALL_TIME)] for read in (store.windows, store.values, store.events)
        ]
    assert made == totals
    assert [len(one) for one in made] == [1, 1, 1]


def test_a_full_store_lets_the_oldest_seconds_go(tmp_path: Path) -> None:
    with Store(tmp_path / "t.sqlite", max_bytes=120_000) as store:
        for second in range(0, 3600, 6):
            store.add(batch(NOON + second, *range(second, 10**9, 10**7)))
            assert store.bytes_used() < 150_000
        starts = [w.start for w in store.windows(resolution=1)]
        assert starts
        assert NOON not in starts
        assert starts[-1] == NOON + 3594
        (hour,) = store.windows(resolution=3600)
        assert hour.calls >= 600 * 99, "hours go last"


def test_a_full_store_may_refuse_instead(tmp_path: Path) -> None:
    with Store(tmp_path / "t.sqlite", max_bytes=1, on_full="stop") as store:
        with pytest.raises(StoreFullError, match="its bound is 1; raise"):
            store.add(batch(NOON, 1))
        assert not list(store.windows(resolution=1))


def test_a_batch_that_fails_leaves_nothing(store: Store) -> None:
    broken = Batch(NOON, {KEY: calls(1)}, {KEY: Values(1, "x", 0, 0, 0)})  # type: ignore[arg-type]
    broken.values[KEY].sum = None  # type: ignore[assignment]
    with pytest.raises(UnstorableError, match="does not take what was recorded"):
        store.add(broken)
    assert not list(store.windows(resolution=1))
    assert not store.series()
    store.add(batch(NOON, 1))
    assert len(list(store.windows(resolution=1))) == 1


def fill(store: Store) -> None:
    for second in range(10_000):
        store.add(batch(NOON + second, *range(1, 10**9, 10**7)))


def test_a_disk_without_room_is_told_and_stores_again_later(store: Store) -> None:
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        fill(store)
    stored = len(list(store.windows(resolution=1)))
    store._connection.execute("PRAGMA max_page_count = 100000")
    store.add(batch(NOON + 20_000, 1))
    assert len(list(store.windows(resolution=1))) == stored + 1


def test_readers_read_while_a_write_is_open(store: Store) -> None:
    store.add(batch(NOON, 1))
    store._connection.execute("BEGIN IMMEDIATE")
    store._connection.execute("DELETE FROM calls")
    with Store(store.path, read_only=True) as reader:
        assert len(list(reader.windows(resolution=1))) == 1
        with pytest.raises(StoreError, match="readonly"):
            reader.add(batch(NOON, 1))
    with (
        Store(store.path.parent / "other.sqlite", busy_seconds=0.01) as other,
        sqlite3.connect(other.path) as blocking,
    ):
        blocking.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            other.add(batch(NOON, 1))
        blocking.rollback()
    blocking.close()
    store._connection.execute("ROLLBACK")


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with Store(tmp_path / "t.sqlite", busy_seconds=30) as store:
            for second in range(20):
                store.add(batch(NOON + second, number))

    threads = [threading.Thread(target=write, args=(n,)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        windows = list(store.windows(resolution=1))
        assert [(w.start - NOON, w.calls, w.sum_ns) for w in windows] == [
            (second, 2, 3) for second in range(20)
        ]


def test_an_older_store_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    old = sqlite3.connect(path)
    old.executescript(MIGRATIONS[0])
    old.execute("INSERT INTO series VALUES (1, 'api', 'answer', '{}')")
    row = (1, NOON, 1, 1, 0, 0, 9, 9, Bins([9]).to_bytes())
    old.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    with pytest.raises(StoreError, match="of version 1, and only writing brings it to 3"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert [w.sum_ns for w in store.windows(resolution=1)] == [9]
        assert not list(store.events(resolution=1))


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.sqlite"
    Store(path).close()
    broken = (*MIGRATIONS, "CREATE TABLE more (x); CREATE TABLE more (x)")
    with monkeypatch.context() as patch:
        patch.setattr("perfkit.runtime.schema.MIGRATIONS", broken)
        with pytest.raises(StoreError, match="table more already exists"):
            Store(path)
    with Store(path) as store:
        store.add(batch(NOON, 1))
        tables = store._connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("more",) not in tables


def test_a_newer_store_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    Store(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    for read_only in (False, True):
        with pytest.raises(
            NewerStoreError, match=r"version 4, this perfkit reads up to 3; upgrade"
        ):
            Store(path, read_only=read_only)


def test_a_copy_on_a_disk_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "copy" / "telemetry.sqlite"
    with Store(path) as store:
        store.add(Batch(5, calls={KEY: calls(7)}))
    # A user who may do everything is told so even here; what counts is that no file is made.
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    with Store(path, read_only=True) as store:
        assert sum(one.calls for one in store.windows(resolution=1)) == 1
        assert [found.name for found in path.parent.iterdir()] == ["telemetry.sqlite"]


def test_files_that_are_no_store_are_told(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to have a header " * 20)
    with pytest.raises(StoreError, match=r"notes\.txt.*not a database"):
        Store(text)
    assert text.read_text().startswith("no database")
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(StoreError, match="no telemetry store; name another file"):
        Store(other)
    with pytest.raises(StoreError, match=r"missing\.sqlite.*unable to open"):
        Store(tmp_path / "missing.sqlite", read_only=True)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(text / "below" / "t.sqlite")
