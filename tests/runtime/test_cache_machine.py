"""The cache against a model that keeps every answer with its times, over random histories."""

from collections import OrderedDict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from perfkit.runtime.cache import cached

TTL, STALE, MOST = 5, 4, 3


class CacheMachine(RuleBasedStateMachine):
    """Answers are the numbers of the calls, so that an answer says which call made it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.calls = 0
        self.broken = False
        self.who = "a"
        self.kept: OrderedDict[tuple[str, int], tuple[int, int]] = OrderedDict()
        self.cache = cached(
            "machine",
            ttl=TTL,
            stale_if_error=STALE,
            max_items=MOST,
            principal=lambda: self.who,
            clock=lambda: float(self.now),
        )
        self.ask = self.cache(self.answer)

    def answer(self, _order: int) -> int:
        self.calls += 1
        if self.broken:
            raise OSError
        return self.calls

    @rule(seconds=st.integers(1, 6))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(broken=st.booleans())
    def turn(self, broken: bool) -> None:
        self.broken = broken

    @rule(who=st.sampled_from("ab"), order=st.integers(0, 2))
    def call(self, who: str, order: int) -> None:
        self.who = who
        key = (who, order)
        made, at = self.kept.get(key, (0, 0))
        age = self.now - at
        known = key in self.kept and age < TTL + STALE
        if key in self.kept and not known:
            del self.kept[key]
        if known:
            self.kept.move_to_end(key)
        calls = self.calls
        if known and age < TTL:
            assert self.ask(order) == made
            assert self.calls == calls, "a hit calls nothing"
            return
        try:
            got: int | None = self.ask(order)
        except OSError:
            got = None
        assert self.calls == calls + 1
        if self.broken:
            assert got == (made if known else None)
            return
        assert got == self.calls
        self.kept[key] = (self.calls, self.now)
        self.kept.move_to_end(key)
        if len(self.kept) > MOST:
            self.kept.popitem(last=False)

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.kept.clear()

    @invariant()
    def as_large_as_the_model(self) -> None:
        assert len(self.cache) == len(self.kept)
        assert not self.cache._flights


TestCache = CacheMachine.TestCase
TestCache.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
