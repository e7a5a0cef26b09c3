"""What a store forgets, by clocks that a test sets."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit import runtime
from perfkit.runtime.batch import Batch
from perfkit.runtime.bounds import LEAST_KEPT, RETENTION, Bounds
from perfkit.runtime.pruning import AFTER_JUMP_SECONDS, PRUNE_SECONDS, Pruning
from perfkit.runtime.recorder import RECORDER, Recorder
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Key

NOON = 1_700_049_600.0  # a whole hour
DAY = 86_400.0


class Clocks:
    """A wall clock and a monotonic one; time passes on both, the wall clock can be set."""

    def __init__(self) -> None:
        self.wall = NOON
        self.true = 50.0

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.true += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def recorder(tmp_path: Path, clocks: Clocks) -> Iterator[Recorder]:
    made = Recorder(
        lambda path, bounds: Store(path, clock=lambda: clocks.wall, retention=bounds.retention),
        lambda: clocks.wall,
        lambda: clocks.true,
    )
    made._run = lambda: None  # type: ignore[method-assign]  # the test is the thread
    made.start(tmp_path / "t.sqlite", "shop")
    yield made
    made.stop()


def stored(path: Path, resolution: int = 1) -> list[float]:
    """Return the starts of what is stored, in seconds from NOON."""
    with Store(path, read_only=True) as store:
        return [e.start - NOON for e in store.events("shop", resolution=resolution)]


def live(recorder: Recorder, clocks: Clocks, seconds: float, step: float = 600.0) -> None:
    end = clocks.true + seconds
    while clocks.true < end:
        clocks.wait(step)
        recorder.tick()


def test_a_clock_that_jumps_ahead_and_back_deletes_nothing(
    recorder: Recorder, clocks: Clocks, tmp_path: Path
) -> None:
    for _ in range(3):
        recorder.event("tick")
        clocks.wait(1)
        recorder.tick()
    live(recorder, clocks, 2 * PRUNE_SECONDS)
    clocks.wall += 500 * DAY
    recorder.event("tick")
    for _ in range(3):
        recorder.tick()
    live(recorder, clocks, PRUNE_SECONDS)
    clocks.wall -= 500 * DAY
    live(recorder, clocks, 3 * PRUNE_SECONDS)
    assert stored(tmp_path / "t.sqlite", 1)[:3] == [0, 1, 2]
    assert stored(tmp_path / "t.sqlite", 3600)[0] == 0


def test_after_a_jump_back_pruning_goes_on(
    recorder: Recorder, clocks: Clocks, tmp_path: Path
) -> None:
    clocks.wall += 500 * DAY
    recorder.tick()
    clocks.wall -= 500 * DAY
    recorder.tick()
    recorder.event("tick")
    recorder.tick()
    assert stored(tmp_path / "t.sqlite") == [0]
    live(recorder, clocks, RETENTION[1] - PRUNE_SECONDS)
    assert stored(tmp_path / "t.sqlite") == [0]
    live(recorder, clocks, 2 * PRUNE_SECONDS)
    assert stored(tmp_path / "t.sqlite") == []
    assert stored(tmp_path / "t.sqlite", 60) == [0]


def test_a_clock_that_was_put_right_prunes_an_hour_later(
    recorder: Recorder, clocks: Clocks, tmp_path: Path
) -> None:
    recorder.event("tick")
    recorder.tick()
    clocks.wall += 500 * DAY
    live(recorder, clocks, AFTER_JUMP_SECONDS)
    assert stored(tmp_path / "t.sqlite", 3600) == [0]
    live(recorder, clocks, 2 * PRUNE_SECONDS)
    assert stored(tmp_path / "t.sqlite", 3600) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.integers(1, 1200)),
            st.tuples(st.just("set"), st.integers(-(10**8), 10**8)),
        ),
        max_size=40,
    )
)
def test_it_is_due_only_after_even_time(steps: list[tuple[str, int]]) -> None:
    clocks = Clocks()
    pruning = Pruning(lambda: clocks.wall, lambda: clocks.true)
    even = 0.0  # seconds since a jump of more than a minute was seen
    needed = PRUNE_SECONDS
    for what, seconds in steps:
        if what == "wait":
            clocks.wait(seconds)
            even += seconds
        else:
            clocks.wall += seconds
            if abs(clocks.wall - clocks.true - pruning._ahead) > 60:
                even, needed = 0.0, AFTER_JUMP_SECONDS
        due = pruning.due()
        assert due == (even >= needed)
        if due:
            even, needed = 0.0, PRUNE_SECONDS


def test_a_row_of_a_far_future_makes_nothing_old_where_a_store_is_full(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with Store(path) as store:
        for second in range(100):
            store.add(Batch(int(NOON) + second, events={Key("shop", "tick"): 1}))
        store.add(Batch(int(NOON + 500 * DAY), events={Key("shop", "tick"): 1}))
        assert store._drop_oldest(1) == 11
    assert stored(path)[0] == 11
    assert len(stored(path)) == 90


def test_a_start_sets_the_bounds_of_its_store(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    runtime.start(path, max_bytes=1, on_full="stop", retention={1: 7200})
    runtime.event("tick")
    RECORDER.tick()
    trouble, store = RECORDER.trouble, RECORDER.writing.store
    runtime.stop()
    assert store is not None
    assert store._bounds == Bounds(1, "stop", {1: 7200, 60: RETENTION[60], 3600: RETENTION[3600]})
    assert trouble is not None
    assert "its bound is 1; raise the bound" in trouble
    runtime.start(path)
    runtime.event("tick")
    runtime.stop()
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count FROM events WHERE seconds = 0").fetchone() == (1,)


def test_a_retention_of_its_own_prunes_sooner(
    recorder: Recorder, clocks: Clocks, tmp_path: Path
) -> None:
    recorder.start(tmp_path / "t.sqlite", "shop", Bounds(retention=LEAST_KEPT))
    recorder.event("tick")
    recorder.tick()
    live(recorder, clocks, LEAST_KEPT[1] + 2 * PRUNE_SECONDS)
    assert stored(tmp_path / "t.sqlite") == []
    assert stored(tmp_path / "t.sqlite", 60) == [0]


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ({"max_bytes": 0}, "at least 1 byte, not 0"),
        ({"on_full": "panic"}, r"one of \('drop-oldest', 'stop'\), not 'panic'"),
        ({"retention": {5: 1}}, r"by resolution, \(1, 60, 3600\) seconds; none is 5"),
        ({"retention": {60: 60}}, "of 60 s are kept for at least 86400 s, .*; not for 60 s"),
        ({"retention": {1: float("nan")}}, "not for nan s"),
    ],
)
def test_bounds_that_make_no_sense_are_refused_at_the_start(
    tmp_path: Path, bounds: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        runtime.start(tmp_path / "t.sqlite", **bounds)
    assert not RECORDER.recording
