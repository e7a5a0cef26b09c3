"""Whatever an application passes, nothing raises into it, and all else is stored."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recorded_telemetry import Recorded

from perfkit import runtime
from perfkit.runtime.batch import Batch
from perfkit.runtime.recorder import RECORDER, Recorder
from perfkit.runtime.series import LARGEST_VALUE, Collected
from perfkit.runtime.storable import UNREADABLE
from perfkit.runtime.store import ALL_TIME, Store
from perfkit.runtime.windows import Key
from perfkit.runtime.writing import MOST_BATCHES

REFUSED = "runtime.refused"


class Lazy:
    """A proxy outside of its context: asking what it stands for raises."""

    @property
    def __class__(self) -> Any:  # noqa: ANN401  # whatever it stands for
        raise RuntimeError("working outside of request context")


class Bad:
    """Raises whatever is asked of it."""

    def fail(self, *_: object) -> Any:  # noqa: ANN401  # it returns nothing
        raise RuntimeError("asked")

    __str__ = __repr__ = __hash__ = __bool__ = __float__ = __iter__ = __eq__ = fail
    items = keys = fail


BAD: Any = Bad()


def test_a_lazy_answer_is_not_asked_what_it_stands_for(recorded: Recorded) -> None:
    lazy = Lazy()

    @runtime.track("call")
    def call() -> object:
        return lazy

    assert call() is lazy
    assert runtime.cached("call", ttl=1, copies="none")(call)() is lazy
    assert recorded.outcomes() == {"call": (2, 0, 0)}


@pytest.mark.parametrize(
    ("labels", "stored", "unreadable"),
    [
        ({"user": BAD, "country": "in"}, {"user": UNREADABLE, "country": "in"}, 4),
        ({BAD.fail: 1}, {UNREADABLE: "1"}, 4),
        (3, {}, 4),
        (BAD, {}, 4),
        ({"file": "caf\udce9"}, {"file": "caf\\udce9"}, 0),
        ({"\ud800": 1}, {"\\ud800": "1"}, 0),
        ({None: None}, {"None": "None"}, 0),
    ],
)
def test_labels_that_cannot_be_read_are_recorded_as_well_as_can_be(
    recorded: Recorded,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    labels: Any,  # noqa: ANN401  # hostile
    stored: Mapping[str, str],
    unreadable: int,
) -> None:
    monkeypatch.setattr(RECORDER.collected, "_told", set())
    monkeypatch.setattr(RECORDER, "_sampled", {})
    runtime.event("seen", labels=labels)
    runtime.quality("share", 1, labels=labels)
    runtime.gauge("length", lambda: 2.0, labels=labels)
    with runtime.track("block", labels=labels):
        pass
    assert recorded.outcomes() == {"block": (1, 0, 0)}
    events = recorded.events()
    assert (events["seen"], events.get("runtime.invalid_label", 0)) == (1, unreadable)
    assert len(caplog.records) == (1 if unreadable else 0)
    with Store(recorded.path, read_only=True) as store:
        keys = [key for key in store.series() if key.component == "shop"]
    found = {key.name: key.label_values for key in keys if key.name != "process.rss_bytes"}
    assert found == dict.fromkeys(("seen", "share", "length", "block"), stored)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (None, "None"),
        (["x"], "['x']"),
        (BAD, UNREADABLE),
        ("caf\udce9", "caf\\udce9"),
        ("nul\0", "nul\0"),
        (b"page", "b'page'"),
    ],
)
def test_any_name_is_one(
    recorded: Recorded,
    name: Any,  # noqa: ANN401  # hostile
    stored: str,
) -> None:
    for component in ("", name):
        runtime.event(name, component=component)
        with runtime.track(name, component=component):
            pass
    assert recorded.outcomes() == {stored: (2, 0, 0)}
    assert recorded.events()[stored] == 2
    assert RECORDER.trouble is None


@pytest.mark.parametrize(
    "make",
    [
        Bad,
        Lazy,
        *(lambda value=value: value for value in (1e308, -1e300, float("inf"), 10**400, "x", None)),
    ],
)
def test_values_that_no_store_can_sum_are_counted(
    recorded: Recorded, make: Callable[[], Any]
) -> None:
    runtime.quality("words", make())
    for _ in range(3):
        runtime.quality("words", LARGEST_VALUE)
        runtime.quality("words", -LARGEST_VALUE)
    assert recorded.events() == {"runtime.invalid_value": 1}
    with Store(recorded.path, read_only=True) as store:
        (found,) = store.values("shop", "words", resolution=ALL_TIME)
    assert (found.count, found.max, found.sum) == (6, LARGEST_VALUE, 0.0)


def test_components_are_capped_with_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfkit.runtime.series.MOST_SERIES", 2)
    collected = Collected()
    keys = [collected.key(component, "page", None) for component in ("a", "b", "a", "c", "d")]
    assert keys[:3] == [Key("a", "page"), Key("b", "page"), Key("a", "page")]
    assert keys[3:] == [Key("", "(other)")] * 2
    assert collected.key("b", "more", None) == Key("b", "(other)")


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=6)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2)), max_size=20
    )
)
@example([("\ud800", "\udfff", {"\udce9": "\0"}), ("", "\\ud800", {})])
def test_any_text_is_stored_and_read_back(given_events: list[Any]) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder, "t.sqlite")) as store:
        collected = Collected()
        for component, name, labels in given_events:
            collected.happened(collected.key(component, name, labels))
        store.add(Batch(60, *collected.drain("shop")))
        assert sum(e.count for e in store.events(resolution=60)) == len(given_events)
        for key in store.series():
            str(key).encode("utf-8")
            "".join(text for pair in key.label_values.items() for text in pair).encode("utf-8")
        names = {(key.component or "shop", key.name) for key in store.series()}
    wanted = {
        tuple(
            text.encode("utf-8", "backslashreplace").decode() for text in (one[0] or "shop", one[1])
        )
        for one in given_events
    }
    assert names == wanted


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(lambda path, _: Store(path, clock=lambda: 60.0), lambda: 60.0)
    made._run = lambda: None  # type: ignore[method-assign]  # the test is the thread
    made.start(tmp_path / "t.sqlite", "shop")
    yield made
    made.stop()


def stored(path: Path) -> dict[str, int]:
    with Store(path, read_only=True) as store:
        return {e.name: e.count for e in store.events(resolution=ALL_TIME)}


def test_what_can_never_be_stored_keeps_nothing_else_waiting(
    recorder: Recorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for turn in range(3):
        for name in "abcde":
            recorder.event(name)
        recorder.collected.happened(Key("shop", "too many"), 2**64)
        recorder.collected.happened(Key("shop", "no name", None))  # type: ignore[arg-type]
        recorder.tick()
        assert not recorder.writing.waiting
        assert recorder.trouble is not None
        assert "takes" not in caplog.text
        assert stored(tmp_path / "t.sqlite") | {REFUSED: 0} == {
            **dict.fromkeys("abcde", turn + 1),
            REFUSED: 0,
        }
    recorder.tick()
    assert stored(tmp_path / "t.sqlite")[REFUSED] == 6
    assert recorder.trouble is None
    (told,) = (record.getMessage() for record in caplog.records)
    assert "does not take what was recorded" in told
    assert told.startswith("telemetry is not stored: ")


def test_a_damaged_row_in_the_store_costs_its_own_series_only(
    recorder: Recorder, tmp_path: Path
) -> None:
    def call(name: str) -> None:
        recorder.collected.timed(recorder.collected.key("", name, None)).ok.append(5)

    for name in ("sound", "hurt"):
        call(name)
    recorder.tick()
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        other.execute(
            "UPDATE calls SET bins = x'63'"
            " WHERE series = (SELECT id FROM series WHERE name = 'hurt')"
        )
    for name in ("sound", "hurt"):
        call(name)
    recorder.tick()
    assert recorder.trouble is not None
    assert recorder.trouble.startswith("hurt is left out: ")
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        assert [w.ok for w in store.windows(name="sound", resolution=1)] == [2]
    with sqlite3.connect(tmp_path / "t.sqlite") as other:
        assert other.execute("SELECT ok FROM calls WHERE bins = x'63'").fetchall() == [(1,)] * 4


@pytest.mark.parametrize(
    ("provoke", "passes"),
    [
        ("PRAGMA query_only = 1", True),
        ("PRAGMA max_page_count = 1", True),
        ("DROP TABLE events", False),
    ],
)
def test_only_what_may_pass_waits(recorder: Recorder, provoke: str, passes: bool) -> None:
    recorder.event("first")
    recorder.tick()
    assert recorder.writing.store is not None
    recorder.writing.store._connection.execute(provoke)
    for number in range(2000):
        recorder.event(f"{number}" * 20)
    recorder.tick()
    assert bool(recorder.writing.waiting) == passes
    if not passes:
        assert recorder.collected.drain("shop")[2][Key("perfkit.runtime", REFUSED)] >= 1999


def test_a_locked_store_is_waited_for_in_the_middle_of_what_fails(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorder.event("before")
    recorder.tick()
    store = recorder.writing.store
    assert store is not None
    store._connection.execute("PRAGMA busy_timeout = 0")
    insert = store._insert
    calls = 0

    def then_locked(*given: Any) -> None:  # noqa: ANN401  # as it is
        nonlocal calls
        calls += 1
        if calls == 2:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        insert(*given)

    monkeypatch.setattr(store, "_insert", then_locked)
    recorder.event("after")
    recorder.collected.happened(Key("shop", "too many"), 2**64)
    recorder.tick()
    assert 1 <= len(recorder.writing.waiting) <= MOST_BATCHES
    monkeypatch.undo()
    recorder.tick()
    assert stored(tmp_path / "t.sqlite") == {"before": 1, "after": 1}


def test_what_a_stop_cannot_store_is_told(
    recorder: Recorder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "add", _raising(sqlite3.OperationalError("disk I/O error")))
    recorder.event("tick")
    recorder.stop()
    assert "telemetry that could not be stored is lost at the end" in caplog.text


def _raising(error: Exception) -> Callable[..., None]:
    def raises(*_: object) -> None:
        raise error

    return raises


def test_a_start_takes_any_component(tmp_path: Path) -> None:
    runtime.start(tmp_path / "t.sqlite", None)  # type: ignore[arg-type]
    runtime.event("tick")
    runtime.stop()
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        assert {e.component for e in store.events(resolution=60)} == {"None"}
