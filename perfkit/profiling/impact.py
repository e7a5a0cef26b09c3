"""A change laid over stored profiles: which of its functions are on hot paths; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from perfkit.model import Impact, PathShare, Reached, Touched
from perfkit.profiling.charging import Code, charged, naming
from perfkit.profiling.recording import Recording, stacks
from perfkit.profiling.sources import Sources
from perfkit.profiling.touched import MODULE, ChangedFunction


@dataclass(frozen=True, kw_only=True)
class KnownPath:
    """A stored profile, what tells its own code, and how old it is (:class:`PathShare`)."""

    recording: Recording
    sources: Sources
    commit: str
    behind: int | None


@dataclass(slots=True)
class _Seen:
    total: float = 0.0
    own: float = 0.0


def impact(
    base: str,
    changed: Sequence[ChangedFunction],
    paths: Sequence[KnownPath],
    notes: Sequence[str] = (),
    unplaced: Sequence[str] = (),
) -> Impact:
    """Return which changed functions the profiles saw, and how much of each path they are on.

    ``unplaced`` says what of the change is in no function, in one clause each.
    """
    outside = sorted({function.path for function in changed if function.name == MODULE})
    reached: dict[ChangedFunction, list[Reached]] = {function: [] for function in changed}
    shares = []
    for path in paths:
        union, seen = _over(path, changed)
        target = path.recording.target
        shares.append(
            PathShare(
                target=target,
                share=union,
                samples=path.recording.samples,
                commit=path.commit,
                behind=path.behind,
            )
        )
        for function, cost in seen.items():
            reached[function].append(Reached(target=target, share=cost.total, own_share=cost.own))
    touched = [
        Touched(
            function=function.name,
            place=f"{function.path}:{function.line}",
            lines=function.lines,
            deleted=function.new is None,
            targets=tuple(sorted(targets, key=lambda one: (-one.share, one.target))),
        )
        for function, targets in reached.items()
    ]
    return Impact(
        base=base,
        touched=tuple(sorted(touched, key=lambda one: (-one.share, one.place, one.function))),
        paths=tuple(sorted(shares, key=lambda one: (-one.share, one.target))),
        unmapped=(*unplaced, *(f"{path}: lines outside of functions changed" for path in outside)),
        notes=tuple(notes),
    )


def _over(
    path: KnownPath, changed: Sequence[ChangedFunction]
) -> tuple[float, dict[ChangedFunction, _Seen]]:
    """Return the share of the time with any changed function on the stack, and each one's."""
    code_of = naming(path.recording, path.sources)
    samples = [
        (
            {code_of(function) for function in stack},
            code_of(charged(stack, path.sources)[0]),
            seconds,
        )
        for stack, seconds in stacks(path.recording.session)
    ]
    known = {code for codes, _, _ in samples for code in codes}
    wanted = {function: _matching(function, known) for function in changed}
    found: dict[ChangedFunction, _Seen] = {}
    union = 0.0
    whole = sum(seconds for _, _, seconds in samples) or 1.0
    for codes, owner, seconds in samples:
        hit = [function for function, matching in wanted.items() if codes & matching]
        union += seconds / whole if hit else 0.0
        for function in hit:
            cost = found.setdefault(function, _Seen())
            cost.total += seconds / whole
            cost.own += seconds / whole if owner in wanted[function] else 0.0
    return union, found


def _matching(function: ChangedFunction, known: set[Code]) -> set[Code]:
    """Return the functions of a profile that a changed one may be.

    The file has its old or its new name, as the profile may be older or younger than the change.
    Where no qualified name is equal, the bare one counts: a profile has the class that a method was
    called on, and no name around a nested function.
    """
    inside = {code for code in known if code.path in {function.old, function.new}}
    exact = {code for code in inside if code.name == function.name}
    bare = function.name.rpartition(".")[2]
    return exact or {code for code in inside if code.bare == bare}
