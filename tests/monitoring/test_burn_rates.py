"""The table of burn rates, told by what fires: each figure has a history on either side of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from production_settings import settings

from perfkit.monitoring import rules as making
from perfkit.monitoring.burn_rates import BURN_RATES
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.metric_names import CALLS
from perfkit.monitoring.rules import Rule, rules_of
from perfkit.monitoring.states import Evaluator

BUDGET = 0.001
"""Of an objective of 99.9 %."""
MINUTE, HOUR, DAY = 60, 3600, 86400
BURNS = {
    "1h": (14.4, 5 * MINUTE, 1 * HOUR, "page"),
    "6h": (6, 30 * MINUTE, 6 * HOUR, "page"),
    "1d": (3, 2 * HOUR, 1 * DAY, "ticket"),
    "3d": (1, 6 * HOUR, 3 * DAY, "ticket"),
}
"""Label of the alert -> factor, short and long window, severity, as the workbook has them."""
SAMPLES = 40
"""In a short window."""
CALLED = 1e6
"""Calls between two samples."""


@dataclass(frozen=True)
class History:
    """The share of calls that failed, by how many seconds before the end they did."""

    name: str
    window: str
    """Label of the alert that it is about."""
    fires: bool
    share: Callable[[float], float]


def _histories() -> Iterator[History]:
    for window, (factor, short, long, _) in BURNS.items():
        limit = factor * BUDGET

        def ended(at: float, limit: float = limit) -> Callable[[float], float]:
            return lambda age: 20 * limit if age > at else 0.0

        def burst(
            begun: float, ended: float, limit: float = limit, short: int = short
        ) -> Callable[[float], float]:
            # What fails in the short window is a sixth of the limit in the long one.
            recent = 2 * limit
            return lambda age: recent if age <= short else 20 * limit * (ended < age <= begun)

        yield History("above", window, True, lambda _, limit=limit: 1.03 * limit)  # type: ignore[misc]  # bound now
        yield History("below", window, False, lambda _, limit=limit: 0.97 * limit)  # type: ignore[misc]  # likewise
        yield History("ended within the short window", window, True, ended(0.9 * short))
        yield History("ended before the short window", window, False, ended(1.1 * short))
        yield History("a burst in the long window", window, True, burst(long, 0.9 * long))
        yield History(
            "a burst before the long window", window, False, burst(1.2 * long, 1.1 * long)
        )


HISTORIES = tuple(_histories())


def _rules(folder: Path) -> tuple[Rule, ...]:
    given = settings(
        folder,
        {"name": "Burns", "kind": "burn-rate", "objective": "answered"},
        objectives=({"name": "answered", "component": "shop", "target": "99.9%"},),
    )
    return rules_of(given)


@cache
def _telemetry(history: History) -> tuple[CounterTelemetry, float]:
    """The counters of a history, and its end."""
    _, short, long, _ = BURNS[history.window]
    step, telemetry = short / SAMPLES, CounterTelemetry()
    ok = bad = 0.0
    end = 1.5 * long
    for number in range(round(end / step) + 1):
        at = number * step
        # What is counted at a sample happened between the one before and it.
        failed = history.share(end - at + step / 2) * CALLED if number else 0.0
        ok, bad = ok + CALLED - failed, bad + failed
        for outcome, value in (("ok", ok), ("error", bad)):
            labels = {"component": "shop", "name": "sum", "outcome": outcome}
            telemetry.add(CALLS, labels, at, value)
    return telemetry, end


def _fires(rules: Sequence[Rule], history: History) -> bool:
    """Whether the rule that a history is about fires at its end; rules are in BURNS' order."""
    rule = rules[list(BURNS).index(history.window)]
    telemetry, end = _telemetry(history)
    return bool(Evaluator([rule], interval=60.0).step(telemetry, end).firing)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda one: f"{one.window} {one.name}")
def test_a_budget_that_burns_is_told_by_both_windows(tmp_path: Path, history: History) -> None:
    assert _fires(_rules(tmp_path), history) == history.fires


def test_alerts_say_their_window_and_how_urgent_they_are(tmp_path: Path) -> None:
    found = {rule.labels["window"]: rule.labels["severity"] for rule in _rules(tmp_path)}
    assert list(found) == list(BURNS)
    assert found == {window: severity for window, (*_, severity) in BURNS.items()}


def _mutants() -> list[Any]:
    return [
        pytest.param(number, key, times, id=f"{window} {key} x{times:g}")
        for number, window in enumerate(BURNS)
        for key in ("factor", "short", "long")
        for times in (0.1, 0.5, 1.0, 1.25, 2, 10)
    ]


@pytest.mark.parametrize(("number", "key", "times"), _mutants())
def test_any_moved_figure_of_the_table_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, key: str, times: float
) -> None:
    """The same histories, another table: none of these would leave all tests green."""
    rates = list(BURN_RATES)
    rates[number] = replace(rates[number], **{key: getattr(rates[number], key) * times})
    monkeypatch.setattr(making, "BURN_RATES", tuple(rates))
    rules = _rules(tmp_path)
    wrong = [one.name for one in HISTORIES if _fires(rules, one) != one.fires]
    assert bool(wrong) == (times != 1.0)
