"""The one comment of a pull request: which it is, what it should hold, what is left to do.

Pure: the listed comments come in, a plan goes out. The comment is known by its first line, an HTML
comment that GitHub and GitLab do not show, and by its author. That line also remembers the run that
wrote it, so that an older one never overwrites a newer one, and what was failing, so that a
regression that vanished can be told.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from perfkit.model import Report, Status, Verdict

Policy = Literal["always", "on-change", "on-regression", "never"]

REMEMBERED = 100
"""Failing and resolved rows in the first line, at most: 4.6 kB of :data:`BODY_BYTES`."""

BODY_BYTES = 60_000
"""UTF-8 bytes of a whole comment, this line included. GitHub refuses more than 65,536 characters;
however it counts them, each has at least one byte."""

DIGEST_CHARACTERS = 16
"""Of a row's name: 64 bits, by which two of 50,000 rows are the same once in 10**10 suites."""

SHA_SHOWN = 10

MARK = re.compile(
    r"<!-- perfkit comment (?P<key>[\w.-]+) run=(?P<run>\d{1,20})\.(?P<attempt>\d{1,20})"
    r"(?: open=(?P<open>[0-9a-f,]+))?(?: resolved=(?P<resolved>[0-9a-f:,]+))? -->\r?(?:\n|$)"
)


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """A CI run, ordered by when it was started: its number, and which attempt of it."""

    number: int
    attempt: int


OUTSIDE_CI = Run(0, 0)


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment as the forge lists it; ``id`` grows with the time of creation."""

    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The first line of a comment, with what it remembers of rows by their digests.

    ``open`` are rows that failed, ``resolved`` those that failed before, each with the commit in
    which it passed again.
    """

    key: str
    run: Run
    open: tuple[str, ...] = ()
    resolved: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the line as :func:`mark_of` reads it."""
        resolved = ",".join(f"{digest}:{sha}" for digest, sha in self.resolved)
        return (
            f"<!-- perfkit comment {self.key} run={self.run.number}.{self.run.attempt}"
            f"{f' open={chr(44).join(self.open)}' if self.open else ''}"
            f"{f' resolved={resolved}' if resolved else ''} -->"
        )


def mark_of(body: str) -> Mark | None:
    """Return what the first line remembers, None where it is no comment of perfkit.

    Shorter digests, of an earlier version, are forgotten: several rows may be meant by one.
    """
    found = MARK.match(body)
    if found is None:
        return None
    pairs = [pair.split(":") for pair in (found["resolved"] or "").split(",") if pair]
    return Mark(
        key=found["key"],
        run=Run(int(found["run"]), int(found["attempt"])),
        open=tuple(one for one in (found["open"] or "").split(",") if _is_digest(one)),
        resolved=tuple(
            (pair[0], pair[1])
            for pair in pairs
            if len(pair) == 2 and _is_digest(pair[0])  # noqa: PLR2004  # digest:commit
        ),
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """A row that failed in an earlier comment and passes since ``sha`` (shortened)."""

    name: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The comment to have.

    ``rows`` is each gated thing's name with its status; ``first`` whether a comment may be created
    where there is none; ``run`` None outside CI, where the newest word is this one. ``render``
    makes the visible text, given what was resolved and how many UTF-8 bytes it may have.
    """

    key: str
    author: str
    run: Run | None
    sha: str
    rows: Mapping[str, Status]
    first: bool
    render: Callable[[Sequence[Resolved], int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is left to do: ``write`` into the comment ``keep`` (None: a new one), then delete.

    ``write`` None: nothing is to be written, and ``why`` says why in a clause.
    """

    keep: int | None = None
    write: str | None = None
    delete: tuple[int, ...] = ()
    why: str = ""


def rows_of(report: Report) -> dict[str, Status]:
    """Return each gated thing of a report with its status, by a name that tells kinds apart.

    A row that is waived or in quarantine is left out: it may still be slow, so it neither fails nor
    is resolved.
    """
    return {
        **{
            f"benchmark {row.benchmark}": row.status
            for row in report.comparisons
            if not row.waived and not row.quarantined
        },
        **{f"budget {budget.name}": budget.status for budget in report.budgets},
        **{f"leak check {leak.target}": leak.status for leak in report.leaks if not leak.waived},
    }


def may_create(policy: Policy, report: Report) -> bool:
    """Whether ``policy`` asks for a first comment about ``report``."""
    blocking = report.status in {Status.FAILED, Status.ERROR}
    match policy:
        case "always":
            return True
        case "on-change":
            still = {Verdict.UNCHANGED, Verdict.INCONCLUSIVE}
            return blocking or any(row.verdict not in still for row in report.comparisons)
        case "on-regression":
            return blocking
        case "never":
            return False


def own(comments: Sequence[Posted], wanted: Wanted) -> list[tuple[Posted, Mark]]:
    """Return the comments that are this one, oldest first: marked, and by the same author.

    A comment that quotes the first line has something in front of it, or another author.
    """
    found = [
        (comment, mark)
        for comment in sorted(comments, key=lambda comment: comment.id)
        if comment.author == wanted.author and (mark := mark_of(comment.body)) is not None
    ]
    return [(comment, mark) for comment, mark in found if mark.key == wanted.key]


def plan(comments: Sequence[Posted], wanted: Wanted) -> Plan:
    """Return what makes exactly one comment of the newest run out of ``comments``.

    Two jobs that create one at the same time both keep the oldest, so they come to the same.
    """
    found = own(comments, wanted)
    if not found:
        if not wanted.first:
            return Plan(why="the policy asks for no comment on this report")
        return Plan(write=body(wanted, None))
    keep = found[0][0]
    newest, mark = max(found, key=lambda pair: (pair[1].run, -pair[0].id))
    older = wanted.run is not None and wanted.run < mark.run
    content = newest.body if older else body(wanted, mark)
    why = "a newer run has written it" if older else "it says the same already"
    return Plan(
        keep=keep.id,
        write=None if _same(keep.body, content) else content,
        delete=tuple(comment.id for comment, _ in found[1:]),
        why=why,
    )


def overwritten(found: str, written: str) -> bool:
    """Whether a comment reads as an older run's after ``written`` was put there."""
    now, then = mark_of(found), mark_of(written)
    return now is not None and then is not None and now.run < then.run


def body(wanted: Wanted, before: Mark | None) -> str:
    """Return the whole comment, its first line and the visible text: :data:`BODY_BYTES` at most."""
    digests = {_digest(name): name for name in wanted.rows}
    status = {digest: wanted.rows[name] for digest, name in digests.items()}
    failing = {digest for digest, found in status.items() if found is Status.FAILED}
    passing = {digest for digest, found in status.items() if found is Status.PASSED}
    was_open = set(before.open) if before else set()
    already = dict(before.resolved) if before else {}
    resolved = {
        **{digest: sha for digest, sha in already.items() if digest in passing},
        **dict.fromkeys(sorted(was_open & passing), wanted.sha[:SHA_SHOWN]),
    }
    mark = Mark(
        key=wanted.key,
        run=wanted.run or (before.run if before else OUTSIDE_CI),
        # What is not measured, or undecided, is not resolved: it stays remembered.
        open=tuple(sorted(failing | (was_open - passing))[:REMEMBERED]),
        resolved=tuple(resolved.items())[-REMEMBERED:],
    )
    line = f"{mark}\n"  # ASCII
    found = [Resolved(digests[digest], sha) for digest, sha in mark.resolved]
    return line + wanted.render(found, BODY_BYTES - len(line))


def _digest(name: str) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARACTERS]


def _is_digest(text: str) -> bool:
    return len(text) == DIGEST_CHARACTERS


def _same(one: str, other: str) -> bool:
    """Whether two bodies are the same, whatever the forge did to line ends and the last blanks."""
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()
