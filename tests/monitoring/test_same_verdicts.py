"""Rules on the store (check, watch, monitor) and on counters (test): the same verdicts.

Counters are judged as promtool judges them: benchmarks/monitoring/promtool.py. Here both are fed
the same generated calls over days, so that windows read seconds, minutes and hours.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from perfkit.monitoring.burn_rates import BURN_RATES, WINDOWS
from perfkit.monitoring.conditions import (
    Burn,
    Condition,
    Good,
    NoData,
    Quality,
    Rate,
    Share,
    Slow,
    evaluate,
)
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.metric_names import CALLS, DURATION, QUALITY
from perfkit.monitoring.store_telemetry import StoreTelemetry
from perfkit.monitoring.telemetry import Selector, Telemetry
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key, Values

HOUR, DAY = 3600, 86_400
END = 1_800_000_000 + 17 * 60
"""A whole minute and no whole hour."""
BEFORE = END - 25 * 60
"""As when `for` asks for the past: what came after it must not count."""
BEGINNING = END - 4 * DAY
NAMES = ("sum", 'say "hi"', "quiet", "seldom")
WINDOW_LENGTHS = sorted({60.0, 600.0, 660.0, 2 * HOUR + 60.0, 7.0 * HOUR, *WINDOWS})
FAST, SLOW, LIMIT = 10_000_000, 2_000_000_000, 1.0
"""Nanoseconds, far from the limit (seconds) by the width of a bin."""


@dataclass
class Second:
    """What ended in one second: calls by name and outcome, slow ones by name, a quality."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    slow: Counter[str] = field(default_factory=Counter)
    values: list[float] = field(default_factory=list)


def generated(source: random.Random) -> dict[int, Second]:
    """Seconds with calls: sparse over days, dense at the end, and at every edge of a window."""
    moments = {BEGINNING + 5}
    for at in (END, BEFORE):
        for window in WINDOW_LENGTHS:
            moments |= {int(at - window) + off for off in (-1, 0, 1) if source.random() < 0.5}
        moments |= {at - 1, at}
    moments |= {source.randrange(BEGINNING, END) for _ in range(60)}
    moments |= {END - source.randrange(3 * HOUR) for _ in range(40)}
    failing = source.choice([0.0, 0.01, 0.3])
    found: dict[int, Second] = {}
    for moment in sorted(moments):
        second = found[moment] = Second()
        for name in NAMES:
            if moment > BEGINNING + 5 and (name == "quiet" or source.random() < 0.3):
                continue
            count = source.randrange(1, 40)
            bad = sum(source.random() < failing for _ in range(count))
            poor = source.randrange(count - bad + 1) if source.random() < 0.2 else 0
            second.calls += Counter(
                {(name, "ok"): count - bad - poor, (name, "error"): bad, (name, "degraded"): poor}
            )
            second.slow[name] = source.randrange(count + 1)
        second.values = [source.random() for _ in range(source.randrange(4))]
    return found


def stored(store: Store, seconds: dict[int, Second]) -> None:
    for moment, one in seconds.items():
        batch = Batch(moment)
        for name in {name for name, _ in one.calls}:
            ok, error, degraded = (one.calls[name, key] for key in ("ok", "error", "degraded"))
            count, slow = ok + error + degraded, one.slow[name]
            durations = Bins([SLOW] * slow + [FAST] * (count - slow))
            batch.calls[Key("shop", name)] = Calls(ok, error, degraded, 0, 0, durations)
        if one.values:
            batch.values[Key("shop", "q")] = Values(
                len(one.values), sum(one.values), min(one.values), max(one.values), one.values[-1]
            )
        store.add(batch)


def counted(seconds: dict[int, Second]) -> CounterTelemetry:
    """The same as counters that exist since the beginning, scraped at least every ten minutes."""
    scrapes = set(range(BEGINNING, END + 600, 600))
    scrapes |= {int(at - window) for at in (END, BEFORE) for window in (0.0, *WINDOW_LENGTHS)}
    telemetry = CounterTelemetry(left_closed=True)
    calls, slow, values, total = Counter[tuple[str, str]](), Counter[str](), 0, 0.0
    waiting = sorted(seconds.items(), reverse=True)
    for at in sorted(scrapes):
        while waiting and waiting[-1][0] < at:
            _, one = waiting.pop()
            calls += one.calls
            slow += one.slow
            values, total = values + len(one.values), total + sum(one.values)
        for name in NAMES:
            labels = {"component": "shop", "name": name}
            count = 0
            for outcome in ("ok", "error", "degraded"):
                telemetry.add(CALLS, {**labels, "outcome": outcome}, at, calls[name, outcome])
                count += calls[name, outcome]
            telemetry.add(f"{DURATION}_count", labels, at, count)
            telemetry.add(f"{DURATION}_bucket", {**labels, "le": "1.0"}, at, count - slow[name])
        labels = {"component": "shop", "name": "q"}
        telemetry.add(f"{QUALITY}_count", labels, at, values)
        telemetry.add(f"{QUALITY}_sum", labels, at, total)
    return telemetry


def conditions() -> Iterator[Callable[[float], Condition]]:
    """Every kind over every window, waiting for its level."""
    shop = Selector("shop")
    for window in WINDOW_LENGTHS:
        for by_call in (False, True):
            yield lambda x, w=window, b=by_call: Share(shop, "error", x, w, b)  # type: ignore[misc]  # bound now
            yield lambda x, w=window, b=by_call: Share(shop, "degraded", x, w, b)  # type: ignore[misc]  # likewise
            yield lambda x, w=window, b=by_call: Slow(shop, x, LIMIT, w, b)  # type: ignore[misc]  # likewise
            yield lambda x, w=window, b=by_call: Rate(shop, "above", x, w, b)  # type: ignore[misc]  # likewise
            yield lambda x, w=window, b=by_call: Rate(shop, "below", x, w, b)  # type: ignore[misc]  # likewise
        yield lambda x, w=window: Rate(Selector("shop", "seldom"), "below", x, w, False)  # type: ignore[misc]  # likewise
        yield lambda x, w=window: Quality("shop", "q", x, w)  # type: ignore[misc]  # likewise
        for name in (None, "sum", "seldom", "quiet"):
            yield lambda _, w=window, n=name: NoData(Selector("shop", n), w)  # type: ignore[misc]  # likewise
    for within in (None, LIMIT):
        for degraded_is_good in (False, True):
            good = Good("o", shop, within, degraded_is_good)
            for rate in BURN_RATES:
                yield lambda x, g=good, r=rate: Burn(g, x, r.short, r.long)  # type: ignore[misc]  # likewise


def levels(condition: Callable[[float], Condition], telemetry: Telemetry, at: float) -> set[float]:
    """Levels just beside what is measured, and far from it."""
    measured = [
        value for far in (-1e9, 1e9) for value in evaluate(condition(far), telemetry, at).values()
    ]
    beside = {value * factor for value in measured for factor in (0.999999, 1.000001)}
    return {*beside, -1e9, 0.0, 1e9}


@pytest.mark.parametrize("seed", range(16))
def test_the_store_and_counters_come_to_the_same_verdicts(tmp_path: Path, seed: int) -> None:
    seconds = generated(random.Random(seed))
    counters = counted(seconds)
    with Store(tmp_path / "t.sqlite", clock=lambda: float(END)) as store:
        stored(store, seconds)
        telemetry = StoreTelemetry(store)
        for at in (float(BEFORE), float(END)):
            firing = silent = 0
            for condition in conditions():
                for level in levels(condition, counters, at):
                    asked = condition(level)
                    wanted = evaluate(asked, counters, at)
                    found = evaluate(asked, telemetry, at)
                    assert found.keys() == wanted.keys(), asked
                    assert found == pytest.approx(dict(wanted), rel=1e-9), asked
                    firing, silent = firing + bool(found), silent + (not found)
            assert firing > 100
            assert silent > 100
        assert telemetry.notes == []
