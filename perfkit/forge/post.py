"""Bringing a pull request to its one comment, whatever the network does in between.

List, plan, do one thing, look again. A creation whose answer was lost is looked for before it is
tried again; what two jobs created at the same time is brought down to the oldest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from perfkit.errors import PostingError
from perfkit.forge.answer import RefusedError, UnansweredError
from perfkit.forge.check_run import CheckRun
from perfkit.forge.event import Occasion
from perfkit.forge.http import Client
from perfkit.forge.sticky import Posted, Wanted, own, plan

TRIES = 5
"""Rounds of list, plan, act. Each further one follows a lost answer or another job's change."""

LOOKS_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Waits before looking for what was just written: a listing may lag behind."""


class Thread(Protocol):
    """The comments of pull requests, on any forge."""

    def author(self) -> str:
        """Return whose comments are ours."""
        ...

    def numbers_of(self, occasion: Occasion) -> list[int]:
        """Return the open pull requests with this head commit."""
        ...

    def comments(self, number: int) -> list[Posted]:
        """Return all of them."""
        ...

    def create(self, number: int, body: str) -> Posted:
        """Create one."""
        ...

    def update(self, number: int, comment: int, body: str) -> None:
        """Replace the text of one."""
        ...

    def delete(self, number: int, comment: int) -> None:
        """Delete one."""
        ...


class Checks(Protocol):
    """The check runs of commits."""

    def create_check(self, check: CheckRun) -> None:
        """Create one."""
        ...

    def has_check(self, check: CheckRun) -> bool:
        """Whether it exists."""
        ...


Wait = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the comment: ``done`` is created, updated or left, ``why`` a clause on it."""

    done: str
    why: str = ""


def waiting(client: Client) -> Wait:
    """Return the wait between looks, which ends where posting has taken long enough."""
    return lambda seconds: client.wait(seconds, "the comment is not seen in the listing yet")


def number_for(thread: Thread, occasion: Occasion) -> int | None:
    """Return the pull request to comment on, None where there is none.

    PostingError where more than one has this head commit: any choice could be the wrong one.
    """
    if occasion.number is not None or not occasion.sha:
        return occasion.number
    found = thread.numbers_of(occasion)
    if len(found) > 1:
        numbers = ", ".join(str(number) for number in sorted(found))
        raise PostingError(
            f"found {len(found)} open pull requests with the head {occasion.sha[:10]} ({numbers}),"
            " wanted exactly one; nothing was posted. Name one with --pull-request."
        )
    return found[0] if found else None


def post_comment(thread: Thread, number: int, wanted: Wanted, wait: Wait) -> Outcome:
    """Bring pull request ``number`` to the one comment that is wanted.

    Raises:
        PostingError: the forge refused, or did not answer in time.
    """
    done = ""
    gone: set[int] = set()
    lost: UnansweredError | None = None
    for _ in range(TRIES):
        comments = [one for one in thread.comments(number) if one.id not in gone]
        step = plan(comments, wanted)
        try:
            if step.write is not None and step.keep is None:
                created = thread.create(number, step.write)
                done = "created"
                step = plan(_with_new(thread, number, created, gone, wait), wanted)
            if step.write is not None and step.keep is not None:
                thread.update(number, step.keep, step.write)
                done = done or "updated"
            for duplicate in step.delete:
                _delete(thread, number, duplicate)
        except UnansweredError as error:
            lost = error
            if step.keep is None:
                _look_for_lost(thread, number, wanted, wait)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND or step.keep is None:
                raise
            gone.add(step.keep)  # someone deleted it in between
        else:
            return Outcome(done or "left", "" if done else step.why)
    raise lost or PostingError("the comment changed with every look at it; run the job again.")


def post_check(checks: Checks, check: CheckRun, wait: Wait) -> None:
    """Create a check run, once, also where the answer is lost."""
    lost: UnansweredError | None = None
    for _ in range(TRIES):
        try:
            checks.create_check(check)
        except UnansweredError as error:
            lost = error
            if _seen(lambda: checks.has_check(check), wait):
                return
        else:
            return
    raise lost or PostingError("the check run was not created.")


def _with_new(
    thread: Thread, number: int, created: Posted, gone: set[int], wait: Wait
) -> Sequence[Posted]:
    """Return the comments once the listing shows the new one, and so those before it."""
    found: list[Posted] = []

    def shows_it() -> bool:
        found[:] = [one for one in thread.comments(number) if one.id not in gone]
        return any(one.id == created.id for one in found)

    return found if _seen(shows_it, wait) else [*found, created]


def _look_for_lost(thread: Thread, number: int, wanted: Wanted, wait: Wait) -> None:
    _seen(lambda: bool(own(thread.comments(number), wanted)), wait)


def _seen(look: Callable[[], bool], wait: Wait) -> bool:
    for seconds in LOOKS_SECONDS:
        if seconds:
            wait(seconds)
        if look():
            return True
    return False


def _delete(thread: Thread, number: int, comment: int) -> None:
    try:
        thread.delete(number, comment)
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:  # the other creator was faster
            raise
