"""Bringing a pull request to its one comment, whatever the network does in between.

List, plan, do one thing, look again. A creation whose answer was lost is looked for before it is
tried again; what two jobs created at the same time is brought down to the oldest.

No forge has a conditional update, so a job may overwrite what another wrote after its last look. It
looks right before it writes, and every job looks again at what it wrote: the newer of two, which
knows what belongs there, writes once more.
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
from perfkit.forge.sticky import Plan, Posted, Wanted, overwritten, own, plan

TRIES = 5
"""Rounds of list, plan, act. Each further one follows a lost answer or another job's change."""

LOOKS_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Waits before looking for what was just written: a listing may lag behind."""


SETTLED_SECONDS = 2.0
"""Wait before looking again at what was written. Another job's update that is under way, from its
last look on, takes two requests: it has arrived by then."""


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

    def comment(self, number: int, comment: int) -> Posted:
        """Return one of them."""
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


class OvertakenError(PostingError):
    """Another job or person changed the comment between two looks at it."""


Wait = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the comment: ``done`` is created, updated or left, ``why`` a clause on it."""

    done: str
    why: str = ""


def waiting(client: Client) -> Wait:
    """Return the wait between looks, which ends where posting has taken long enough."""
    return lambda seconds: client.wait(seconds, "the comment is to be looked at again")


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
    lost: PostingError | None = None
    for _ in range(TRIES):
        comments: Sequence[Posted]
        comments = [one for one in thread.comments(number) if one.id not in gone]
        step = plan(comments, wanted)
        try:
            if step.write is not None and step.keep is None:
                created = thread.create(number, step.write)
                done = "created"
                comments = _with_new(thread, number, created, gone, wait)
                step = plan(comments, wanted)
            if step.write is not None and step.keep is not None:
                step = _planned_now(thread, number, step.keep, comments, wanted)
            if step.write is not None and step.keep is not None:
                thread.update(number, step.keep, step.write)
                done = done or "updated"
            _delete(thread, number, step.delete)
            why = _settled(thread, number, step, wait)
        except (UnansweredError, OvertakenError) as error:
            lost = error
            if step.keep is None:
                _look_for_lost(thread, number, wanted, wait)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND or step.keep is None:
                raise
            gone.add(step.keep)  # someone deleted it in between
        else:
            return Outcome(done or "left", why if done else step.why)
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


def _planned_now(
    thread: Thread, number: int, keep: int, comments: Sequence[Posted], wanted: Wanted
) -> Plan:
    """Return the plan with the comment to keep as it is now: listing all pages took a while."""
    now = thread.comment(number, keep)
    step = plan([now if one.id == keep else one for one in comments], wanted)
    if step.keep != keep:
        raise OvertakenError("the comment was changed by somebody else; run the job again.")
    return step


def _settled(thread: Thread, number: int, step: Plan, wait: Wait) -> str:
    """Return what to say of the comment some time after it was written, mostly nothing.

    OvertakenError where an older run has written over it, RefusedError where it is gone.
    """
    if step.write is None or step.keep is None:
        return ""
    try:
        wait(SETTLED_SECONDS)
        found = thread.comment(number, step.keep)
    except PostingError as error:
        if isinstance(error, RefusedError) and error.status == HTTPStatus.NOT_FOUND:
            raise
        return f"whether it stayed is not known: {error}"
    if overwritten(found.body, step.write):
        raise OvertakenError("older runs keep writing over the comment; run the job again.")
    return ""


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


def _delete(thread: Thread, number: int, duplicates: Sequence[int]) -> None:
    for duplicate in duplicates:
        try:
            thread.delete(number, duplicate)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:  # the other creator was faster
                raise
