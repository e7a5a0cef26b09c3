"""Live memory per allocation stack at marks between iterations: what every decision reads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Frame:
    """One Python frame of an allocation stack."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        """Return ``file:line function``."""
        return f"{self.file}:{self.line} {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSeries:
    """What one full stack had allocated and not yet freed, at each mark of its recording.

    ``stack`` is innermost first, Python's frames only. ``live_bytes[k]`` and ``live_blocks[k]``
    belong to mark k. ``shown`` is the stack with the C frames between, where they were recorded.
    """

    stack: tuple[Frame, ...]
    live_bytes: tuple[int, ...]
    live_blocks: tuple[int, ...]
    shown: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that keeps growing.

    ``name`` is where it is found, such as ``pkg.mod.NAME``; ``kind`` its type and the kind of
    place, such as ``list, module global``.
    """

    name: str
    kind: str
    entries_per_call: float

    def __str__(self) -> str:
        """Return the holder as a clause: what it is, and how fast it grows."""
        rate = f"{self.entries_per_call:.3g}"
        return (
            f"{self.name} ({self.kind}) grows by {rate} object{'' if rate == '1' else 's'} per call"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of a target under memray, seen at marks between iterations.

    ``marks[k]`` is the number of iterations completed at mark k, ascending.
    ``seconds_per_iteration`` is what a call cost under the tracker, marks not counted.
    ``filling_caches`` are the target's bounded ``functools.lru_cache``s that grew between the
    first quarter and the end without reaching their bound: (name, entries, bound).
    ``holders`` are the containers that grew with the calls, the fastest first. ``notes`` are
    sentences on what the run did besides.
    """

    marks: tuple[int, ...]
    stacks: tuple[StackSeries, ...]
    seconds_per_iteration: float
    filling_caches: tuple[tuple[str, int, int], ...] = ()
    holders: tuple[Holder, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def iterations(self) -> int:
        """How many calls the run made after its warm-up."""
        return self.marks[-1]

    def __post_init__(self) -> None:
        if any(late <= early for early, late in zip(self.marks, self.marks[1:], strict=False)):
            message = f"marks must ascend: {self.marks}"
            raise ValueError(message)
        for series in self.stacks:
            if not len(series.live_bytes) == len(series.live_blocks) == len(self.marks):
                message = f"{len(self.marks)} marks, but a series of another length"
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSite:
    """All stacks whose innermost frame of the target's own code is the same line, summed.

    ``stack`` is the stack under it that grew most in bytes from the first mark to the last, with C
    frames where they were recorded. Where
    no frame is the target's own, ``own`` is False and the line is the innermost one.
    """

    frame: Frame
    own: bool
    stack: tuple[Frame, ...]
    live_bytes: tuple[int, ...]
    live_blocks: tuple[int, ...]


def call_sites(stacks: Iterable[StackSeries], own: Callable[[str], bool]) -> list[CallSite]:
    """Sum stacks by the line of the target's own code that led to the allocation.

    ``own(file)`` tells the target's code from libraries. A stack without an own frame is grouped
    by its innermost frame; one without any frame cannot be placed and is left out.
    """
    grouped: dict[Frame, list[StackSeries]] = {}
    for series in stacks:
        if series.stack:
            frame = next((frame for frame in series.stack if own(frame.file)), series.stack[0])
            grouped.setdefault(frame, []).append(series)
    return [
        _site(frame, members, own=own(frame.file)) for frame, members in sorted(grouped.items())
    ]


def _site(frame: Frame, members: list[StackSeries], *, own: bool) -> CallSite:
    worst = max(members, key=lambda member: member.live_bytes[-1] - member.live_bytes[0])
    return CallSite(
        frame=frame,
        own=own,
        stack=worst.shown or worst.stack,
        live_bytes=_sum(member.live_bytes for member in members),
        live_blocks=_sum(member.live_blocks for member in members),
    )


def _sum(columns: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(values) for values in zip(*columns, strict=True))
