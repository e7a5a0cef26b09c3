"""What a tool said of a case, and how right it was: pure values."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from leak_zoo.case import Case

ACCUSED = {"leak", "native"}
"""States that block a merge: growth of a line, and growth outside of what memray sees."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A tool's verdict on one case; ``failed`` is its own state and never counts as right.

    ``functions`` are those that it names, the first first; ``seconds`` is the time from start to
    end of its process.
    """

    case: Case
    state: str
    functions: tuple[str, ...]
    holders: tuple[str, ...]
    seconds: float

    @property
    def right(self) -> bool:
        """Whether a leak is accused, or an innocent case is not."""
        return self.state != "failed" and (self.state in ACCUSED) == (self.case.kind == "leak")

    @property
    def names_the_function(self) -> bool:
        """Whether the first place is in a function at fault."""
        return bool(self.functions) and self.functions[0] in self.case.functions

    @property
    def names_the_holder(self) -> bool:
        """Whether one of the holders is the container that holds."""
        return any((self.case.holder or "") in holder for holder in self.holders)


@dataclasses.dataclass(frozen=True)
class Score:
    """Counts over the answers of one tool on one set of cases, each as (count, of how many)."""

    found: tuple[int, int]
    accused: tuple[int, int]
    undecided: tuple[int, int]
    named: tuple[int, int]
    held: tuple[int, int]
    seconds: float
    slowest: float


def score(answers: Sequence[Answer]) -> Score:
    """Count. A failed answer is undecided, finds nothing and accuses nobody.

    Functions count over all leaks that memray can see, holders over all that a container holds,
    found or not.
    """
    leaks = [one for one in answers if one.case.kind == "leak"]
    innocent = [one for one in answers if one.case.kind == "innocent"]
    seen = [one for one in leaks if one.case.state is None]
    contained = [one for one in leaks if one.case.holder]
    return Score(
        found=(sum(one.right for one in leaks), len(leaks)),
        accused=(sum(one.state in ACCUSED for one in innocent), len(innocent)),
        undecided=(sum(one.state not in ACCUSED | {"clean"} for one in answers), len(answers)),
        named=(sum(one.names_the_function for one in seen), len(seen)),
        held=(sum(one.names_the_holder for one in contained), len(contained)),
        seconds=sum(one.seconds for one in answers) / len(answers),
        slowest=max(one.seconds for one in answers),
    )


def changed(runs: Sequence[Sequence[Answer]]) -> list[str]:
    """Return the names of the cases whose state was not the same in every run."""
    states: dict[str, set[str]] = {}
    for answers in runs:
        for one in answers:
            states.setdefault(one.case.target, set()).add(one.state)
    return [target for target, seen in states.items() if len(seen) > 1]


def wrong(answers: Iterable[Answer]) -> Iterator[str]:
    """Say in a line each what came out otherwise than the case states."""
    for one in answers:
        if not one.right:
            what = "not found" if one.case.kind == "leak" else "accused"
            what = "failed" if one.state == "failed" else what
            yield f"{one.case.target}: {what} ({one.state})"
        elif one.case.kind == "leak":
            if one.case.state is None and not one.names_the_function:
                first = one.functions[0] if one.functions else "nothing"
                yield f"{one.case.target}: names {first} first"
            if one.case.holder and not one.names_the_holder:
                yield f"{one.case.target}: holder {one.case.holder} not named: {one.holders}"


@dataclasses.dataclass(frozen=True)
class Requirement:
    """One figure that was asked for: its limit as text, what was measured, and the answer."""

    what: str
    wanted: str
    measured: str
    met: bool

    @property
    def word(self) -> str:
        """The answer: ``met`` or ``NOT met``."""
        return "met" if self.met else "NOT met"


def required(
    zoo: Sequence[Score],
    unseen: Sequence[Score],
    alone: Mapping[str, float],
    *,
    differing: Sequence[str],
    seconds: float,
) -> list[Requirement]:
    """Compare with what is required; every run of a set counts, the worst decides.

    ``seconds`` is the longest time of the whole zoo, ``alone`` the seconds of single cases with
    nothing beside them; ``differing`` the cases that changed their state between runs.
    """
    runs = len(zoo)
    found = min(one.found for one in zoo)
    accused = max(one.accused for one in zoo)
    named = min(one.named for one in zoo)
    held = min(one.held for one in zoo)
    second_found = min(one.found for one in unseen)
    second_accused = max(one.accused for one in unseen)
    shares = [
        ("leaks of the zoo found", "100 %", found, found[0] == found[1]),
        ("innocent cases of the zoo accused", "0", accused, accused[0] == 0),
        ("function at fault first", ">= 85 %", named, named[0] >= 0.85 * named[1]),
        ("holder named, where one holds", ">= 80 %", held, held[0] >= 0.8 * held[1]),
        (
            "leaks of the second set found",
            ">= 95 %",
            second_found,
            second_found[0] >= 0.95 * second_found[1],
        ),
        (
            "innocent cases of the second set accused",
            "<= 5 %",
            second_accused,
            second_accused[0] <= 0.05 * second_accused[1],
        ),
    ]
    limits = {"clean and trivial": 6.0, "leaky": 15.0, "numpy-heavy": 30.0}
    return [
        *(Requirement(what, wanted, share(count), met) for what, wanted, count, met in shares),
        Requirement(
            "the same state in every run",
            "5 runs",
            f"{runs} runs, {len(differing)} cases differ",
            runs >= 5 and not differing,
        ),
        *(
            Requirement(
                f"seconds, {name}, alone",
                f"<= {limit:.0f}",
                f"{alone[name]:.1f}",
                alone[name] <= limit,
            )
            for name, limit in limits.items()
        ),
        Requirement("minutes, whole zoo", "<= 6", f"{seconds / 60:.1f}", seconds <= 360),
    ]


def share(count: tuple[int, int]) -> str:
    """A count as text: ``20 of 24``."""
    return f"{count[0]} of {count[1]}"
