"""The breaker and the budget against plain models, over random histories."""

from collections import deque

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from state_machines import Counted, steps_of

from perfkit.runtime.breaker import BUCKETS, Breaker, State
from perfkit.runtime.budget import RetryBudget

HISTORIES = 240


class BudgetMachine(Counted):
    """Never more retries than the share of calls and what was saved."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(share=0.25, most=3)
        self.saved = 12  # in quarters, so that the model is exact
        self.calls = self.retries = 0

    @rule()
    def call(self) -> None:
        self.budget.earn()
        self.calls += 1
        self.saved = min(12, self.saved + 1)

    @rule()
    def retry(self) -> None:
        allowed = self.budget.spend()
        assert allowed == (self.saved >= 4)
        if allowed:
            self.saved -= 4
            self.retries += 1

    @invariant()
    def within_its_bound(self) -> None:
        assert self.budget.saved * 4 == self.saved
        assert self.retries <= 0.25 * self.calls + 3


class BreakerMachine(Counted):
    """A breaker beside a list of every outcome with its time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.changes: list[State] = []
        self.breaker = Breaker(
            0.5,
            window=10,
            least=3,
            cool_down=4,
            clock=lambda: float(self.now),
            changed=self.changes.append,
        )
        self.state = State.CLOSED
        self.since = 0
        self.period = 0
        self.outcomes: list[tuple[int, bool]] = []
        self.open: deque[tuple[int, int]] = deque()

    def become(self, state: State) -> None:
        self.state, self.since = state, self.now
        self.period += 1
        self.outcomes = []

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def enter(self) -> None:
        ticket = self.breaker.enter()
        wanted = True
        if self.state is not State.CLOSED:
            wanted = self.now - self.since >= 4
            if wanted:
                self.become(State.HALF_OPEN)
        assert (ticket is not None) == wanted
        if ticket is not None:
            self.open.append((ticket, self.period))

    @precondition(lambda self: self.open)
    @rule(failed=st.booleans(), newest=st.booleans())
    def leave(self, failed: bool, newest: bool) -> None:
        ticket, period = self.open.pop() if newest else self.open.popleft()
        self.breaker.leave(ticket, failed=failed)
        if period != self.period:
            return
        if self.state is State.HALF_OPEN:
            self.become(State.OPEN if failed else State.CLOSED)
            return
        self.outcomes.append((self.now, failed))
        recent = [bad for when, bad in self.outcomes if when > self.now - BUCKETS]
        if failed and len(recent) >= 3 and sum(recent) >= 0.5 * len(recent):
            self.become(State.OPEN)

    @invariant()
    def as_the_model(self) -> None:
        assert self.breaker.state is self.state

    @invariant()
    def one_probe_at_a_time(self) -> None:
        if self.state is State.HALF_OPEN:
            assert sum(period == self.period for _, period in self.open) <= 1

    @invariant()
    def tells_every_change(self) -> None:
        assert len(self.changes) == self.period


def test_the_budget_is_as_its_model_over_ten_thousand_steps() -> None:
    assert steps_of(BudgetMachine, HISTORIES) >= 10_000


def test_the_breaker_is_as_its_model_over_ten_thousand_steps() -> None:
    assert steps_of(BreakerMachine, HISTORIES) >= 10_000
