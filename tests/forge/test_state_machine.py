"""One comment, whatever happens: a machine that mixes runs, faults, lag and other jobs."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace

from forge_server import BOT, SECONDARY, TOKEN, UNICORN, Clock, Fault, serving
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perfkit.errors import PostingError
from perfkit.forge import github as github_headers
from perfkit.forge.github import GitHub
from perfkit.forge.http import Client, Limits, Timing
from perfkit.forge.post import post_comment, waiting
from perfkit.forge.sticky import Posted, Run, Wanted, mark_of, own

METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE"])
FAULTS = st.lists(
    st.one_of(
        st.builds(Fault, METHODS, status=st.sampled_from([500, 502, None]), write=st.booleans()),
        st.builds(Fault, METHODS, status=st.just(403), body=st.just(SECONDARY)),
        st.builds(Fault, METHODS, status=st.just(502), body=st.just(UNICORN)),
    ),
    max_size=Limits(total_seconds=0.0).tries - 1,
)
"""Fewer than a read is repeated: as many in a row would be a forge that is down."""


class Sticky(RuleBasedStateMachine):
    """Jobs of one pull request post, in any order, one inside the gaps of another."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.forge = self.stack.enter_context(serving())
        self.forge.say("mallory", "<!-- perfkit comment perfkit run=99.1 -->\nnot yours")
        self.forge.say(BOT, "> <!-- perfkit comment perfkit run=99.1 -->\n> quoted")
        self.newest = 0
        self.others = 2

    def teardown(self) -> None:
        self.stack.close()

    def post(self, run: int, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        client = Client(
            api=self.forge.api,
            variable="GITHUB_API_URL",
            credential=github_headers.credential(TOKEN),
            secret=TOKEN,
            limits=Limits(total_seconds=10_000.0),
            timing=Timing(now=clock.now, elapsed=clock.now, sleep=clock.sleep),
        )
        words = Wanted(
            key="perfkit",
            author=BOT,
            run=Run(run, 1),
            sha="",
            rows={},
            first=True,
            render=lambda *_: f"run {run}",
        )
        post_comment(GitHub(client, "o/r"), 7, words, waiting(client))
        self.newest = max(self.newest, run)

    def ours(self) -> list[tuple[int, str]]:
        return [
            (number, comment["body"])
            for number, comment in sorted(self.forge.comments.items())
            if comment["user"]["login"] == BOT and mark_of(comment["body"]) is not None
        ]

    @rule(run=st.integers(1, 9), faults=FAULTS, lag=st.integers(0, 3))
    def a_job(self, run: int, faults: list[Fault], lag: int) -> None:
        self.forge.lag = lag
        self.forge.faults.extend(faults)
        before = self.forge.count("POST", accepted=True)
        had = len(self.ours())
        self.post(run)
        self.forge.faults.clear()
        created = self.forge.count("POST", accepted=True) - before
        assert created == (0 if had else 1)

    @rule(run=st.integers(1, 9), others=st.lists(st.integers(1, 9), min_size=1, max_size=2))
    def jobs_that_create_at_the_same_time(self, run: int, others: list[int]) -> None:
        self.forge.lag = 0

        def meanwhile(run: int) -> Callable[[], None]:
            return lambda: self.post(run)

        for one in others:
            self.forge.faults.append(Fault("POST", passes=True, before=meanwhile(one)))
        self.post(run)
        self.forge.faults.clear()

    @rule(
        run=st.integers(1, 9),
        others=st.lists(
            st.tuples(st.sampled_from(["GET", "PATCH"]), st.booleans(), st.integers(1, 9)),
            min_size=1,
            max_size=2,
        ),
    )
    def jobs_that_update_at_the_same_time(
        self, run: int, others: list[tuple[str, bool, int]]
    ) -> None:
        """Others post whole, before or after a look at the one comment or its update.

        None newer stands between a look and the update that follows: see the rule below.
        """
        self.forge.lag = 0

        def meanwhile(run: int) -> Callable[[], None]:
            return lambda: self.post(run)

        for method, before, one in others:
            between = (method == "GET") is not before
            act = meanwhile(min(one, run) if between else one)
            fault = Fault(method, "issues/comments/", passes=True)
            self.forge.faults.append(replace(fault, **{"before" if before else "after": act}))
        self.post(run)
        self.forge.faults.clear()

    @precondition(lambda self: self.newest)
    @rule()
    def a_newer_job_writes_while_the_update_of_an_older_one_is_on_its_way(self) -> None:
        self.forge.lag = 0
        older, newer = self.newest + 1, self.newest + 2
        wrote, overwrote = threading.Event(), threading.Event()

        class Pausing(Clock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                wrote.set()
                overwrote.wait(10)

        other = threading.Thread(target=self.post, args=(newer, Pausing()), daemon=True)

        def meanwhile() -> None:
            other.start()
            wrote.wait(10)

        over = Fault("PATCH", passes=True, before=meanwhile, after=overwrote.set)
        self.forge.faults.append(over)
        self.post(older)
        other.join(10)
        assert not self.forge.faults
        self.newest = newer

    @rule(run=st.integers(1, 9))
    def one_that_nobody_waited_for(self, run: int) -> None:
        """A job was killed between creating and looking again."""
        self.forge.lag = 0
        self.forge.say(BOT, f"<!-- perfkit comment perfkit run={run}.1 -->\nrun {run}")
        self.newest = max(self.newest, run)
        self.post(run)

    @rule()
    def someone_deletes_it(self) -> None:
        for number, _ in self.ours():
            del self.forge.comments[number]
        self.newest = 0

    @rule()
    def a_forge_that_is_down(self) -> None:
        self.forge.faults.extend(Fault(status=502) for _ in range(40))
        with contextlib.suppress(PostingError):
            self.post(9)
        self.forge.faults.clear()

    @invariant()
    def there_is_exactly_one_with_the_newest_words(self) -> None:
        found = [text.partition("\n")[2] for _, text in self.ours()]
        assert found == ([f"run {self.newest}"] if self.newest else [])

    @invariant()
    def the_comments_of_others_are_as_they_were(self) -> None:
        others = [self.forge.comments[number]["body"] for number in (1001, 1002)]
        assert others[0].endswith("not yours")
        assert others[1].endswith("quoted")


TestSticky = Sticky.TestCase
TestSticky.settings = settings(max_examples=40, stateful_step_count=10, deadline=None)


def test_the_machine_knows_its_own_comments() -> None:
    marked = Posted(1, BOT, "<!-- perfkit comment perfkit run=1.1 -->")
    words = Wanted(
        key="perfkit", author=BOT, run=None, sha="", rows={}, first=True, render=lambda *_: ""
    )
    assert [comment for comment, _ in own([marked], words)] == [marked]
