from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from perfkit.monitoring.conditions import Rate
from perfkit.monitoring.rules import Rule
from perfkit.monitoring.states import MOST_ALERTS, Evaluator
from perfkit.monitoring.telemetry import Outcome, Selector

RULE = Rule(
    name="Busy",
    condition=Rate(Selector("shop"), "above", 1.0, 60.0, by_call=False),
    labels={"component": "shop", "severity": "page"},
    summary="busy",
    why="",
    hold=0.0,
    keep_firing_for=0.0,
)


@dataclass
class Given:
    """Telemetry of rates that the test sets."""

    rates: dict[Outcome, float] = field(default_factory=dict)

    def set(self, value: float) -> "Given":
        self.rates = {Outcome("sum", "ok"): value}
        return self

    def calls(self, selector: Selector, window: float, at: float) -> dict[Outcome, float]:
        del selector, window, at
        return self.rates

    def finished(self, *_: object) -> dict[str, float]:
        raise AssertionError

    def within(self, *_: object) -> dict[str, float]:
        raise AssertionError

    def quality(self, *_: object) -> None:
        raise AssertionError

    def memory(self, *_: object) -> list[list[tuple[float, float]]]:
        raise AssertionError


HIGH, LOW = Given().set(2.0), Given().set(0.5)


def _states(evaluator: Evaluator, *steps: tuple[float, Given]) -> list[str]:
    found = []
    for at, telemetry in steps:
        alerts = evaluator.step(telemetry, at).alerts
        found.append(alerts[0].state if alerts else "")
    return found


def test_an_alert_that_fires_is_over_at_its_level_to_clear_at_and_not_before() -> None:
    low = Rate(Selector("shop"), "above", 0.6, 60.0, by_call=False)
    between = Given().set(0.8)
    evaluator = Evaluator([replace(RULE, clear=low, hold=15.0)], interval=15)
    steps = (between, HIGH, between, HIGH, HIGH, between, LOW, between, HIGH)
    assert _states(evaluator, *((15.0 * n, step) for n, step in enumerate(steps))) == [
        *("", "pending", "", "pending", "firing", "firing", "", "", "pending"),
    ]


def test_each_call_is_kept_by_itself_and_for_the_time_after_it_is_over() -> None:
    both = Given({Outcome("a", "ok"): 2.0, Outcome("b", "ok"): 0.8})
    above, low = (Rate(Selector("shop"), "above", x, 60.0, by_call=True) for x in (1.0, 0.6))
    given = replace(RULE, condition=above, clear=low, keep_firing_for=30.0)
    evaluator = Evaluator([given], interval=15)
    assert [one.labels["name"] for one in evaluator.step(both, 0.0).firing] == ["a"]
    both.rates = dict.fromkeys(both.rates, 0.8)
    assert [one.value for one in evaluator.step(both, 15.0).firing] == [0.8]
    both.rates = dict.fromkeys(both.rates, 0.5)
    assert [len(evaluator.step(both, at).firing) for at in (30.0, 45.0, 60.0)] == [1, 1, 0]


def test_a_condition_has_to_last() -> None:
    evaluator = Evaluator([replace(RULE, hold=30.0)], interval=15)
    steps = ((0, HIGH), (15, HIGH), (30, HIGH), (45, LOW), (60, HIGH), (75, LOW), (90, HIGH))
    assert _states(evaluator, *steps) == [
        "pending",
        "pending",
        "firing",
        "",
        "pending",
        "",
        "pending",
    ]


def test_an_alert_stays_until_its_condition_is_gone_for_long_enough() -> None:
    evaluator = Evaluator([replace(RULE, keep_firing_for=30.0)], interval=15)
    steps = ((0, HIGH), (15, LOW), (30, LOW), (40, HIGH), (55, LOW), (70, LOW), (85, LOW))
    assert _states(evaluator, *steps) == ["firing"] * 6 + [""]


def test_a_clock_that_goes_back_keeps_how_long_it_lasted_and_is_told() -> None:
    evaluator = Evaluator([replace(RULE, hold=30.0)], interval=15)
    assert _states(evaluator, (1000, HIGH), (1015, HIGH)) == ["pending"] * 2
    found = evaluator.step(HIGH, 400)
    assert found.alerts[0].since == 400 - 15
    assert found.notes == (
        "the clock went back by 615.000 s; alerts keep how long they have lasted",
    )
    assert _states(evaluator, (415, HIGH)) == ["firing"]


def test_a_long_pause_is_told() -> None:
    evaluator = Evaluator([RULE], interval=15)
    evaluator.step(HIGH, 0)
    assert evaluator.step(HIGH, 3600).notes[0].startswith("nothing was evaluated for 3600 s")


def test_too_many_calls_are_counted_and_told() -> None:
    by_call = Rate(Selector("shop"), "above", 1.0, 60.0, by_call=True)
    evaluator = Evaluator([replace(RULE, condition=by_call)], interval=15)
    many = Given({Outcome(f"call {number:05}", "ok"): 2.0 for number in range(5000)})
    found = evaluator.step(many, 0)
    assert len(found.alerts) == MOST_ALERTS
    assert found.alerts[0].labels["name"] == "call 00000"
    assert "5000 calls at once, only the first 100" in found.notes[0]


def test_a_step_that_cannot_look_changes_nothing() -> None:
    evaluator = Evaluator([RULE, RULE], interval=15)
    evaluator.step(HIGH, 0)
    broken = Given()
    broken.calls = None  # type: ignore[assignment,method-assign]  # which no telemetry is
    with pytest.raises(TypeError):
        evaluator.step(broken, 15)
    assert [alert.since for alert in evaluator.step(HIGH, 30).alerts] == [0, 0]


class Alerting(RuleBasedStateMachine):
    """The states against their definition, over the whole past of a condition."""

    def __init__(self) -> None:
        super().__init__()
        self.rule = replace(RULE, hold=3.0, keep_firing_for=4.0)
        self.evaluator = Evaluator([self.rule], interval=1)
        self.past: list[tuple[float, bool]] = []
        self.found = ""

    @rule(true=st.booleans(), wait=st.sampled_from([1.0, 2.0]))
    def step(self, *, true: bool, wait: float) -> None:
        at = (self.past[-1][0] if self.past else 0.0) + wait
        self.past.append((at, true))
        (self.found,) = _states(self.evaluator, (at, HIGH if true else LOW))

    @invariant()
    def is_as_defined(self) -> None:
        state, since, gone = "", 0.0, None
        for at, true in self.past:
            if true:
                since = at if not state else since
                state = "firing" if state == "firing" or at - since >= self.rule.hold else "pending"
                gone = None
            elif state == "firing":
                gone = at if gone is None else gone
                state = "firing" if at - gone < self.rule.keep_firing_for else ""
            else:
                state = ""
        assert self.found == state


Alerting.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAlerting = Alerting.TestCase
