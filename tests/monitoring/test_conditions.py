"""What each kind of condition says on samples, and on their absence."""

import math

import pytest

from perfkit.monitoring.conditions import (
    Burn,
    Condition,
    Good,
    Growth,
    Memory,
    NoData,
    Quality,
    Share,
    Slow,
    evaluate,
)
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.metric_names import CALLS, DURATION, MEMORY, QUALITY
from perfkit.monitoring.telemetry import Selector

SHOP = Selector("shop")
END = 600


def _telemetry(*, durations: bool = True) -> CounterTelemetry:
    """Ten minutes: a hundred calls a step, ten failed, twenty slow, quality 0.9, memory + 1 KiB."""
    telemetry = CounterTelemetry()
    for step, at in enumerate(range(0, END + 1, 15)):
        named = {"component": "shop", "name": "sum"}
        for outcome, count in (("ok", 85), ("error", 10), ("degraded", 5)):
            telemetry.add(CALLS, {**named, "outcome": outcome}, at, step * count)
        if durations:
            telemetry.add(f"{DURATION}_count", named, at, step * 100)
            telemetry.add(f"{DURATION}_bucket", {**named, "le": "1.0"}, at, step * 80)
        telemetry.add(f"{QUALITY}_sum", named, at, step * 9.0)
        telemetry.add(f"{QUALITY}_count", named, at, step * 10.0)
        telemetry.add(MEMORY, {"component": "shop"}, at, 1_000_000 + 1024.0 * step)
        telemetry.add(MEMORY, {"component": "shop", "pid": "2"}, at, 500_000)
    return telemetry


def _good(within: float | None, *, degraded_is_good: bool = False) -> Good:
    return Good("answered", SHOP, within, degraded_is_good)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        (Share(SHOP, "error", 0.09, 300, by_call=False), 0.1),
        (Share(SHOP, "degraded", 0.04, 300, by_call=False), 0.05),
        (Slow(SHOP, 0.95, 1.0, 300, by_call=False), 0.8),
        (Quality("shop", "sum", 0.95, 300), 0.9),
        (Memory("shop", 1_000_000, 300), 1_000_000 + 1024.0 * 40),
        (Growth("shop", 20_000, 300), 1024.0 * 20),
        (Burn(_good(None), 0.14, 120, 300), 0.15),
        (Burn(_good(None, degraded_is_good=True), 0.09, 120, 300), 0.1),
        # Failed and slow count both: 0.15 and 0.2.
        (Burn(_good(1.0), 0.34, 120, 300), 0.35),
    ],
)
def test_a_condition_holds_beyond_its_level_and_not_at_it(
    condition: Condition, value: float
) -> None:
    found = evaluate(condition, _telemetry(), END)
    assert found == {None: pytest.approx(value)}
    assert evaluate(condition, CounterTelemetry(), END) == {}, "no data fires on nothing"


@pytest.mark.parametrize(
    "condition",
    [
        Share(SHOP, "error", 0.11, 300, by_call=False),
        Slow(SHOP, 0.79, 1.0, 300, by_call=False),
        Slow(SHOP, 0.95, 0.5, 300, by_call=False),  # no such bucket
        Quality("shop", "sum", 0.89, 300),
        Quality("shop", "other", 0.95, 300),
        Memory("shop", 2_000_000, 300),
        Growth("shop", 21_000, 300),
        Burn(_good(None), 0.16, 120, 300),
        Burn(_good(0.5), 0.01, 120, 300),  # no such bucket
        NoData(SHOP, 300),
    ],
)
def test_a_condition_within_its_level_is_silent(condition: Condition) -> None:
    assert evaluate(condition, _telemetry(), END) == {}


def test_slow_calls_that_nobody_counted_burn_a_budget_as_in_prometheus() -> None:
    """There, a rate divided by a rate of zero is infinite; without the counter there is nothing."""
    telemetry = CounterTelemetry()
    named = {"component": "shop", "name": "sum"}
    for at in range(0, END + 1, 15):
        telemetry.add(f"{DURATION}_count", named, at, at)
        telemetry.add(f"{DURATION}_bucket", {**named, "le": "1.0"}, at, 0)
    burn = Burn(_good(1.0), 0.5, 120, 300)
    assert evaluate(burn, telemetry, END) == {}
    for at in range(0, END + 1, 15):
        telemetry.add(CALLS, {**named, "outcome": "ok"}, at, 5)
    assert evaluate(burn, telemetry, END) == {None: math.inf}
    assert evaluate(Burn(_good(None), 0.5, 120, 300), telemetry, END) == {}, "none of none is bad"


def test_each_call_is_judged_by_itself() -> None:
    telemetry = _telemetry()
    for step, at in enumerate(range(0, END + 1, 15)):
        named = {"component": "shop", "name": "fast"}
        telemetry.add(CALLS, {**named, "outcome": "ok"}, at, step * 100)
        telemetry.add(f"{DURATION}_count", named, at, step * 100)
        telemetry.add(f"{DURATION}_bucket", {**named, "le": "1.0"}, at, step * 100)
    assert set(evaluate(Slow(SHOP, 0.95, 1.0, 300, by_call=True), telemetry, END)) == {"sum"}
    failing = Share(SHOP, "error", 0.01, 300, by_call=True)
    assert evaluate(failing, telemetry, END) == {"sum": pytest.approx(0.1)}


def test_only_missing_calls_are_no_data() -> None:
    assert evaluate(NoData(SHOP, 300), CounterTelemetry(), END) == {None: 1.0}
    assert evaluate(NoData(SHOP, 300), _telemetry(), END + 600) == {None: 1.0}
    assert evaluate(NoData(Selector("shop", "other"), 300), _telemetry(), END) == {None: 1.0}


def test_memory_without_a_slope_does_not_grow() -> None:
    telemetry = CounterTelemetry()
    telemetry.add(MEMORY, {"component": "shop"}, 0, 5.0)
    assert evaluate(Growth("shop", 1, 300), telemetry, 0) == {}
    telemetry.add(MEMORY, {"component": "shop"}, 15, 5.0)
    assert evaluate(Growth("shop", 1, 300), telemetry, 15) == {}
