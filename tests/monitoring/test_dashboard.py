"""One frame of the dashboard, from stores that a clock of the test's own has filled."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from production_settings import settings

from perfkit.config.load import Settings
from perfkit.errors import MeasurementError, UsageError
from perfkit.model.dashboard import ComponentRow, Dashboard
from perfkit.monitoring.dashboard import FRESH_SECONDS, Observer
from perfkit.monitoring.grid import MOST_CELLS, MOST_STEPS, grid_for
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import DamagedStoreError
from perfkit.runtime.windows import Calls, Key, Values

NOW = 1_800_000_000.5
LAST = 1_799_999_998
"""The newest second that is surely written."""

FAILS = {"name": "SumsFail", "kind": "threshold", "signal": "error-ratio", "above": "5%"}
WRONG = {"name": "Wrong", "kind": "quality", "quality": "recognised", "below": "95%"}
OBJECTIVE = {"name": "answered", "component": "shop", "target": "99%"}


def calls(ok: int, errors: int = 0, degraded: int = 0, *, ns: int = 1_000_000) -> Calls:
    count = ok + errors + degraded
    return Calls(ok, errors, degraded, count * ns, ns, Bins([ns] * count))


def value(number: float) -> Values:
    return Values(1, number, number, number, number)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite"


def fill(path: Path, *batches: Batch) -> None:
    with Store(path, clock=lambda: NOW) as opened:
        for batch in batches:
            opened.add(batch)


def seconds(count: int, of: dict[Key, Calls], **more: Any) -> list[Batch]:  # noqa: ANN401  # a batch's
    return [Batch(LAST - back, calls=of, **more) for back in range(count)]


def look(
    path: Path,
    found: Settings,
    *,
    window: float = 60.0,
    at: float = NOW,
    only: tuple[str, ...] = (),
) -> Dashboard:
    return Observer(path, found, window=window, only=only).look(at)


def row(shown: Dashboard, name: str) -> ComponentRow:
    return next(one for one in shown.components if one.name == name)


def test_a_frame_counts_what_the_window_holds(store: Path, tmp_path: Path) -> None:
    fill(
        store,
        *seconds(
            30,
            {
                Key("shop", "price", '{"country": "in"}'): calls(6, 1, 0),
                Key("shop", "price"): calls(2, 0, 1),
                Key("shop", "stock"): calls(1, ns=80_000_000),
            },
        ),
        Batch(LAST - 500, calls={Key("shop", "price"): calls(1000)}),
    )
    shown = look(store, settings(tmp_path / "config"))
    shop = row(shown, "shop")
    assert (shop.traffic.calls, shop.traffic.errors, shop.traffic.degraded) == (330, 30, 30)
    assert shop.traffic.rate == pytest.approx(330 / (NOW - shown.since))
    assert shop.traffic.error_ratio == pytest.approx(1 / 11)
    # By name, whatever the labels; the slowest first.
    assert [(one.name, one.traffic.calls) for one in shop.calls] == [("stock", 30), ("price", 300)]
    took = shop.traffic.durations
    assert took is not None
    assert took.p50 == pytest.approx(0.001, rel=0.032)
    assert (took.p95, took.p99, took.largest) == (pytest.approx(0.08, rel=0.032), 0.08, 0.08)
    assert shop.last_seen == LAST + 1
    assert shop.timeline.rate[-1] == 11
    assert shop.timeline.starts[-1] == LAST
    assert shop.timeline.rate[0] == 0
    assert shop.timeline.p99[0] is None
    assert shop.timeline.bad_ratio[-1] == pytest.approx(2 / 11)
    assert shown.resolution == 1
    assert any("nothing was recorded in the first" in note for note in shown.notes)


def test_guards_caches_qualities_memory_and_events_have_rows(store: Path, tmp_path: Path) -> None:
    guard, cache = '{"guard": "stock"}', '{"cache": "catalogue"}'

    def at(back: int, breaker: float, in_use: float) -> Batch:
        return Batch(
            LAST - back,
            values={
                Key("shop", "guard.breaker", guard): value(breaker),
                Key("shop", "guard.in_use", guard): value(in_use),
                Key("shop", "process.rss_bytes"): value(2.0**20 * (10 + back)),
                Key("shop", "recognised"): value(0.9),
            },
            events={
                Key("shop", "guard.shed", guard): 2,
                Key("shop", "cache.hit", cache): 6,
                Key("shop", "cache.shared", cache): 1,
                Key("shop", "cache.miss", cache): 2,
                Key("shop", "cache.stale", cache): 1,
                Key("shop", "cache.eviction", cache): 3,
                Key("shop", "order"): 5,
            },
        )

    fill(store, at(1, 0.5, 0.7), at(0, 1.0, 0.25))
    shop = row(look(store, settings(tmp_path / "config", WRONG)), "shop")
    (found,) = shop.guards
    assert (found.name, found.breaker, found.in_use, found.in_use_peak) == (
        "stock",
        "open",
        0.25,
        0.7,
    )
    assert found.decisions == {"shed": 4}
    assert shop.in_use == 0.25
    (kept,) = shop.caches
    assert (kept.hits, kept.misses, kept.stale, kept.evictions) == (14, 4, 2, 6)
    assert kept.hit_ratio == shop.hit_ratio == pytest.approx(0.7)
    assert (shop.memory, shop.memory_peak) == (10 * 2**20, 11 * 2**20)
    (quality,) = shop.values
    assert (quality.name, quality.mean, quality.minimum, quality.count) == (
        "recognised",
        0.9,
        0.95,
        2,
    )
    assert quality.means[-2:] == (0.9, 0.9)
    assert [(one.name, one.count) for one in shop.events] == [("order", 10)]
    assert (shop.timeline.hit_ratio[-1], shop.timeline.in_use[-1]) == (0.7, 0.25)


def test_a_gauge_that_is_no_longer_written_is_not_known(store: Path, tmp_path: Path) -> None:
    guard = Key("shop", "guard.breaker", '{"guard": "stock"}')
    memory = Key("shop", "process.rss_bytes")
    stopped = LAST - int(FRESH_SECONDS) - 1
    fill(store, Batch(stopped, values={guard: value(1.0), memory: value(5.0)}))
    shop = row(look(store, settings(tmp_path / "config")), "shop")
    assert shop.guards[0].breaker is None
    assert (shop.memory, shop.memory_peak, shop.state) == (None, 5.0, "unwatched")


@pytest.mark.parametrize(
    ("rules", "errors", "breaker", "state"),
    [
        ([FAILS], 10, 0.0, "firing"),
        ([FAILS], 0, 1.0, "breaker open"),
        ([FAILS], 0, 0.0, "ok"),
        ([], 10, 0.0, "unwatched"),
    ],
)
def test_the_state_of_a_component_is_its_worst(  # noqa: PLR0917  # a row of the table and two fixtures
    rules: list[dict[str, Any]],
    errors: int,
    breaker: float,
    state: str,
    store: Path,
    tmp_path: Path,
) -> None:
    guard = Key("shop", "guard.breaker", '{"guard": "stock"}')
    fill(
        store,
        *seconds(5, {Key("shop", "price"): calls(10, errors)}, values={guard: value(breaker)}),
    )
    found = settings(tmp_path / "config", *rules, components=("shop", "mcp"))
    shown = look(store, found)
    assert row(shown, "shop").state == state
    assert row(shown, "mcp").state == "no data"
    assert shown.failing == (state == "firing")
    assert shown.measured


def test_an_alert_that_is_muted_fails_nothing(store: Path, tmp_path: Path) -> None:
    silence = {
        "alert": "SumsFail",
        "expires": "2099-12-31",
        "reason": "known",
        "author": "you",
    }
    fill(store, *seconds(5, {Key("shop", "price"): calls(1, 1)}))
    shown = look(store, settings(tmp_path / "config", FAILS, alerts={"silences": [silence]}))
    (alert,) = shown.alerts
    assert (alert.state, alert.muted) == ("firing", "silenced by you: known")
    assert (shown.failing, row(shown, "shop").state) == (False, "ok")


def test_an_objective_shows_its_budget(store: Path, tmp_path: Path) -> None:
    fill(store, *seconds(10, {Key("shop", "price"): calls(98, 2)}))
    found = settings(tmp_path / "config", objectives=(OBJECTIVE,))
    shown = look(store, found)
    (one,) = shown.objectives
    assert (one.state, one.total, one.bad) == ("exceeded", 1000, 20)
    assert one.budget_left == pytest.approx(-1.0)
    assert one.burn == pytest.approx(2.0)
    assert one.burn_hour == pytest.approx(2.0)
    assert shown.failing


def test_nothing_in_the_window_is_not_measured(store: Path, tmp_path: Path) -> None:
    fill(store, Batch(LAST - 3600, calls={Key("shop", "price"): calls(10)}))
    shown = look(store, settings(tmp_path / "config"))
    shop = row(shown, "shop")
    assert not shown.measured
    assert (shop.state, shop.last_seen, shop.traffic.durations) == ("no data", None, None)
    assert shop.traffic.error_ratio is None


def test_what_is_not_configured_is_shown_after_what_is(store: Path, tmp_path: Path) -> None:
    of = {Key(name, "call"): calls(1) for name in ("zoo", "ant", "shop")}
    fill(store, *seconds(1, of))
    found = settings(tmp_path / "config", components=("shop", "mcp"))
    assert [one.name for one in look(store, found).components] == ["shop", "mcp", "ant", "zoo"]
    assert [one.name for one in look(store, found, only=("zoo",)).components] == ["zoo"]
    with pytest.raises(
        UsageError, match=r"found 'sho', wanted one of .*'ant', 'mcp', 'shop', 'zoo'"
    ):
        look(store, found, only=("sho",))


def test_rules_are_evaluated_when_they_are_due(store: Path, tmp_path: Path) -> None:
    fill(store, *seconds(5, {Key("shop", "price"): calls(10, 0)}))
    observer = Observer(store, settings(tmp_path / "config", FAILS), window=60.0)
    assert not observer.look(NOW).alerts
    fill(store, Batch(LAST + 1, calls={Key("shop", "price"): calls(0, 90)}))
    early = observer.look(NOW + 2)
    assert (row(early, "shop").traffic.errors, early.alerts) == (90, ())
    assert [one.name for one in observer.look(NOW + 15).alerts] == ["SumsFail"]
    back = observer.look(NOW - 3)  # a clock that goes back is evaluated at once, and told
    assert any("the clock went back" in note for note in back.notes)


def test_records_of_the_future_are_told(store: Path, tmp_path: Path) -> None:
    fill(
        store,
        Batch(LAST, calls={Key("shop", "price"): calls(1)}),
        Batch(LAST + 7200, calls={Key("shop", "price"): calls(5)}),
    )
    shown = look(store, settings(tmp_path / "config"))
    assert row(shown, "shop").traffic.calls == 1
    assert any("in the future" in note for note in shown.notes)


def test_many_names_and_components_are_capped_and_told(store: Path, tmp_path: Path) -> None:
    many = {Key("shop", f"name {index:04}"): calls(1) for index in range(1010)}
    others = {Key(f"component {index:03}", "call"): calls(1) for index in range(120)}
    fill(
        store, Batch(LAST, calls=many | others, events={Key("perfkit.runtime", "runtime.lost"): 3})
    )
    shown = look(store, settings(tmp_path / "config"))
    shop = row(shown, "shop")
    assert shop.traffic.calls == 1010
    assert (len(shop.calls), shop.left_out) == (50, 951)
    assert len(shown.components) == 100
    notes = "\n".join(shown.notes)
    assert "more than 1,000 names of calls" in notes
    assert "21 more components are not shown" in notes
    assert "runtime.lost, 3 times: recorded calls were lost" in notes


def test_labels_that_are_no_json_are_shown_as_they_are(store: Path, tmp_path: Path) -> None:
    fill(
        store,
        Batch(
            LAST,
            values={
                Key("shop", "size", "not json"): value(1.0),
                Key("shop", "w", "[1]"): value(2.0),
            },
        ),
    )
    shop = row(look(store, settings(tmp_path / "config")), "shop")
    assert [dict(one.labels) for one in shop.values] == [{"labels": "not json"}, {"labels": "[1]"}]


def test_no_store_and_a_broken_one_are_sentences(store: Path, tmp_path: Path) -> None:
    found = settings(tmp_path / "config")
    with pytest.raises(MeasurementError, match="no such telemetry store"):
        look(store, found)
    fill(store, Batch(LAST, calls={Key("shop", "price"): calls(1)}))
    with Store(store) as opened:
        opened._connection.execute("UPDATE calls SET bins = x'63'")
    with pytest.raises(DamagedStoreError, match=r"shop, price in the .* \(bins of format 99"):
        look(store, found)
    with Store(store) as opened:  # whole bytes, and a bin that no duration has
        opened._connection.execute("UPDATE calls SET bins = x'01ffff0100'")
    with pytest.raises(MeasurementError, match="holds what is no telemetry"):
        look(store, found)


@given(
    window=st.floats(10, 31 * 86400),
    at=st.floats(1e9, 2e9),
    series=st.integers(0, 5000),
)
def test_a_grid_is_affordable_and_lies_within_its_window(
    window: float, at: float, series: int
) -> None:
    grid = grid_for(window, at, series=series)
    assert grid.resolution in {1, 60, 3600}
    assert grid.step % grid.resolution == 0
    assert grid.since % grid.step == 0
    assert at - window <= grid.since < at
    assert at - grid.since > window - grid.step
    starts = grid.starts
    assert len(starts) <= MOST_STEPS + 1
    assert all(grid.since <= start < at for start in starts)
    assert all(0 < grid.covered(start) <= grid.step for start in starts)
    if window > 7200 and grid.resolution < 3600:
        assert window / grid.resolution * series <= MOST_CELLS
