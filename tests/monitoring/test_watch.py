import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from production_settings import settings

from perfkit.__main__ import run
from perfkit.monitoring import store_telemetry
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.delivery import Delivery
from perfkit.monitoring.journal import Journal
from perfkit.monitoring.metric_names import CALLS, DURATION, MEMORY_GAUGE
from perfkit.monitoring.routing import Message, Router
from perfkit.monitoring.rules import rules_of
from perfkit.monitoring.states import Evaluator
from perfkit.monitoring.store_telemetry import OTHERS, StoreTelemetry, open_store
from perfkit.monitoring.telemetry import Selector
from perfkit.monitoring.watch import Step, evaluate_past, watch
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key, Values

START = 1_800_000_000
FAILS = {
    "name": "Fails", "kind": "threshold", "signal": "error-ratio", "above": "5%",
    "window": "10s", "severity": "page",
}  # fmt: skip


@dataclass
class Clock:
    """Wall clock and monotonic clock that only sleeping moves."""

    now: float = float(START)
    ran: float = 0.0
    jump: float = 0.0
    meanwhile: Callable[[float], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        self.ran += seconds
        self.now += seconds + self.jump
        self.jump = 0.0
        self.meanwhile(self.now)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "telemetry.sqlite", clock=lambda: float(START)) as opened:
        yield opened


def _second(store: Store, at: float, *, bad: int = 0, name: str = "sum", slow: int = 0) -> None:
    """Store what ended in the second before ``at``, as the runtime does once it is over."""
    durations = Bins([10_000_000] * (100 - slow) + [10**9] * slow)
    calls = Calls(100 - bad, bad, 0, 100, 100, durations)
    store.add(Batch(int(at) - 1, calls={Key("shop", name): calls}))


def _watch(
    tmp_path: Path, store: Store, clock: Clock, *, steps: int, told: list[tuple[float, Message]]
) -> list[Step]:
    given = settings(tmp_path / "config", FAILS, alerts={"interval": "1s"})
    journal = Journal(tmp_path / "journal")
    try:
        return list(
            watch(
                Evaluator(rules_of(given), interval=1.0),
                StoreTelemetry(store),
                Router(given.monitoring),
                Delivery(
                    journal,
                    {"stderr": lambda message: told.append((clock.now, message))},
                    begin=lambda work: work(),
                ),
                until=clock.ran + steps,
                clock=lambda: clock.now,
                monotonic=lambda: clock.ran,
                sleep=clock.sleep,
            )
        )
    finally:
        journal.close()


def test_a_fault_is_told_within_three_seconds(tmp_path: Path, store: Store) -> None:
    clock = Clock()
    fault = START + 5.3

    def application(now: float) -> None:
        # The runtime stores a second when it is over.
        _second(store, now, bad=100 if now - 1 >= int(fault) else 0)

    clock.meanwhile = application
    told: list[tuple[float, Message]] = []
    steps = _watch(tmp_path, store, clock, steps=15, told=told)
    assert len(steps) == 16
    ((at, message),) = told
    assert message.firing
    assert 0 < at - fault <= 3


def test_a_clock_that_goes_back_makes_no_rate_negative_and_is_told(
    tmp_path: Path, store: Store
) -> None:
    clock = Clock()

    def application(now: float) -> None:
        clock.jump = -600.0 if clock.ran == 5 else 0.0
        _second(store, now, bad=50)

    clock.meanwhile = application
    told: list[tuple[float, Message]] = []
    steps = _watch(tmp_path, store, clock, steps=12, told=told)
    notes = [note for step in steps for note in step.notes]
    assert len([note for note in notes if "the clock went back by 599" in note]) == 1
    assert all(alert.value > 0 for step in steps for alert in step.evaluation.alerts)
    assert [alert.name for alert in steps[-1].evaluation.firing] == ["Fails"]


def test_a_store_that_cannot_be_read_ends_no_alert_and_is_told(
    tmp_path: Path, store: Store
) -> None:
    clock = Clock()
    broken = sqlite3.connect(":memory:")
    whole = store._connection

    def application(now: float) -> None:
        if clock.ran < 3:
            _second(store, now, bad=50)
        store._connection = broken if clock.ran >= 3 else whole

    clock.meanwhile = application
    told: list[tuple[float, Message]] = []
    steps = _watch(tmp_path, store, clock, steps=600, told=told)
    broken.close()
    store._connection = whole
    assert [step.blind for step in steps[:5]] == [False, False, False, True, True]
    assert "the telemetry store cannot be used" in steps[-1].notes[0]
    assert [message.firing for _, message in told] == [True], "nobody is told that it is over"


def test_what_lasted_before_a_restart_follows_from_the_store(tmp_path: Path, store: Store) -> None:
    for second in range(120):
        _second(store, START - second, bad=50)
    given = settings(tmp_path / "config", {**FAILS, "for": "1min"})
    _, found = evaluate_past(rules_of(given), StoreTelemetry(store), START, interval=15.0)
    assert [alert.state for alert in found.alerts] == ["firing"]
    given = settings(tmp_path / "config", {**FAILS, "for": "1h"})
    _, found = evaluate_past(rules_of(given), StoreTelemetry(store), START, interval=15.0)
    assert [alert.state for alert in found.alerts] == ["pending"]


def test_what_fires_between_its_levels_follows_from_the_store(tmp_path: Path, store: Store) -> None:
    for second in range(600):
        _second(store, START - second, bad=50 if second > 300 else 3)
    for clear, firing in (("2%", 1), ("4%", 0)):
        rules = rules_of(settings(tmp_path / clear, {**FAILS, "clear": clear}))
        _, found = evaluate_past(rules, StoreTelemetry(store), START, interval=15.0)
        assert len(found.firing) == firing


@pytest.mark.parametrize(
    ("window", "resolution"), [(600.0, 1), (3600.0, 60), (6 * 3600.0, 60), (86400.0, 3600)]
)
def test_windows_are_read_at_a_resolution_that_fits_them(window: float, resolution: int) -> None:
    since, found = store_telemetry._span(window, START + 30.5)
    assert found == resolution
    assert since % resolution == 0
    assert 0 <= since - (START + 30.5 - window) < resolution


@bounded(max_examples=200)
@given(st.floats(1, 40 * 86400), st.floats(0, 7200))
def test_the_parts_of_a_window_are_all_of_it_and_no_more(window: float, late: float) -> None:
    at = START + late
    pieces = store_telemetry._pieces(window, at)
    assert [piece.until for piece in pieces] == [*(piece.since for piece in pieces[1:]), at]
    for number, (since, until, resolution) in enumerate(pieces):
        assert since % resolution == 0
        assert until % resolution == 0 or number == len(pieces) - 1
        assert since <= until
    exact = 1 if window <= 5 * 3600 else 60 if window <= 13 * 86400 else 3600
    assert 0 <= pieces[0].since - (at - window) < exact or pieces[0].since == at


def test_the_store_and_counters_of_the_same_calls_agree(store: Store) -> None:
    counters = CounterTelemetry()
    ok = bad = fast = 0
    for second in range(600):
        at = START - 599 + second
        failing = 7 if second > 300 else 0
        _second(store, at, bad=failing, slow=3)
        ok, bad, fast = ok + 100 - failing, bad + failing, fast + 97
        labels = {"component": "shop", "name": "sum"}
        counters.add(CALLS, {**labels, "outcome": "ok"}, at, ok)
        counters.add(CALLS, {**labels, "outcome": "error"}, at, bad)
        counters.add(f"{DURATION}_count", labels, at, ok + bad)
        counters.add(f"{DURATION}_bucket", {**labels, "le": "0.25"}, at, fast)
    telemetry, shop = StoreTelemetry(store), Selector("shop")
    for window in (60.0, 300.0):
        assert telemetry.calls(shop, window, START) == pytest.approx(
            counters.calls(shop, window, START), rel=1e-3
        )
        assert telemetry.within(shop, 0.25, window, START) == pytest.approx(
            counters.within(shop, 0.25, window, START), rel=1e-3
        )
        assert telemetry.finished(shop, window, START) == pytest.approx(
            counters.finished(shop, window, START), rel=1e-3
        )


def test_values_of_quality_and_memory_come_from_the_store(store: Store) -> None:
    for second in range(10):
        at = START - 10 + second
        quality = Values(2, 1.8, 0.8, 1.0, 1.0)
        memory = Values(1, 100.0 + second, 100.0 + second, 100.0 + second, 100.0 + second)
        values = {Key("shop", "reconciled"): quality, Key("shop", MEMORY_GAUGE): memory}
        store.add(Batch(at, values=values))
    telemetry = StoreTelemetry(store)
    assert telemetry.quality("shop", "reconciled", 60, START) == pytest.approx(0.9)
    assert telemetry.quality("shop", "other", 60, START) is None
    ((first, *_),) = telemetry.memory("shop", 60, START)
    assert first == (START - 10.0, 100.0)


def test_more_names_than_anyone_reads_count_together_and_are_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_telemetry, "MOST_NAMES", 3)
    for number in range(5):
        _second(store, START, name=f"call {number}")
    telemetry = StoreTelemetry(store)
    rates = telemetry.calls(Selector("shop"), 10, START)
    assert {key.name: rate for key, rate in rates.items()} == {
        "call 0": 10, "call 1": 10, "call 2": 10, OTHERS: 20,
    }  # fmt: skip
    telemetry.calls(Selector("shop"), 10, START + 1)
    assert len(telemetry.notes) == 1
    assert "more than 3 names" in telemetry.notes[0]


def _verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str, bad: int = 50, **more: object
) -> int:
    given = {**FAILS, **more}
    journal = {"journal": str(tmp_path / "journal")}
    file = {"name": "diary", "kind": "file", "path": str(tmp_path / "diary")}
    settings(tmp_path / "config", given, notification={**journal, "receivers": [file]})
    monkeypatch.setattr("time.time", lambda: float(START))
    path = tmp_path / "telemetry.sqlite"
    if not path.exists():
        with Store(path) as opened:
            for second in range(20):
                _second(opened, START - second, bad=bad)
    return run(["--config", str(tmp_path / "config"), "alerts", *words, "--store", str(path)])


def test_check_exits_1_where_something_fires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verb(tmp_path, monkeypatch, "check") == 1
    assert "1 firing, 0 pending" in capsys.readouterr().out
    assert _verb(tmp_path, monkeypatch, "check", "--json", above="60%") == 0
    assert json.loads(capsys.readouterr().out)["alerts"] == []


def test_watch_ends_after_its_time_and_tells_the_receivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verb(tmp_path, monkeypatch, "watch", "--for", "0s", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert [alert["alert"] for alert in document["alerts"]] == ["Fails"]
    assert document["undelivered"] == 0
    assert (tmp_path / "diary").read_text().count("FIRING [page] Fails: shop: more than 5%") == 1
    assert _verb(tmp_path, monkeypatch, "watch", "--for", "0s") == 1
    assert (tmp_path / "diary").read_text().count("\n") == 1, "it was told before the restart"


def test_wrong_options_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verb(tmp_path, monkeypatch, "watch", "--for", "5") == 2
    assert "--for: found 5 without a unit" in capsys.readouterr().err
    assert _verb(tmp_path, monkeypatch, "watch", "--interval", "0s") == 2
    assert "option --interval: interval: found zero" in capsys.readouterr().err


def test_no_rule_no_store_and_a_newer_store_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(tmp_path / "none")
    assert run(["--config", str(tmp_path / "none"), "alerts", "check"]) == 2
    assert "found no alert rule" in capsys.readouterr().err
    path = tmp_path / "telemetry.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for words in (("check",), ("watch", "--for", "0s")):
        assert _verb(tmp_path, monkeypatch, *words) == 2
        assert "version 99" in capsys.readouterr().err
    path.unlink()
    path.mkdir()
    assert _verb(tmp_path, monkeypatch, "check") == 4
    with pytest.raises(Exception, match="no such telemetry store"):
        open_store(tmp_path / "absent")
