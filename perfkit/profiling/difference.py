"""Sessions of two sides, read: which functions made the difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from perfkit.errors import MeasurementError
from perfkit.model import Culprit, Difference
from perfkit.profiling.charging import Charged, Code, SideCosts, charge
from perfkit.profiling.matching import Pair, match
from perfkit.profiling.recording import Recording
from perfkit.profiling.sources import Sources
from perfkit.stats.function_costs import FEWEST_SESSIONS, FunctionCosts, compare_costs

ALIKE = 1.1
"""Ratio of the sides' speeds from which it is worth saying that everything changed alike."""

ELSEWHERE = 0.5
"""Part of the added time that other threads or processes used from which a name would mislead:
the main thread then waits, and the waiting function is not what is slow."""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """One side: its name, its sessions, and which files are its own.

    ``timed`` is whether the recordings hold the time without a profiler.
    """

    label: str
    recordings: Sequence[Recording]
    sources: Sources
    timed: bool = False


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both sides of a difference; ``renamed`` maps files of base to those of head.

    ``apart`` is whether base was recorded at another time, or on another machine.
    """

    base: Profiled
    head: Profiled
    renamed: Mapping[str, str] = field(default_factory=dict)
    apart: bool = False


def difference(sides: Sides, *, seed: int = 0) -> Difference:
    """Return which functions cost more or less on head, tested over all of them.

    Raises:
        MeasurementError: a side has fewer than two sessions.
    """
    base, head = sides.base, sides.head
    if min(len(base.recordings), len(head.recordings)) < 2:  # noqa: PLR2004  # a spread takes two
        raise MeasurementError(
            f"{_target(sides)}: found {len(base.recordings)} sessions of {base.label} and"
            f" {len(head.recordings)} of {head.label}, wanted at least two of each; record more"
            f" ({FEWEST_SESSIONS} can show a difference)"
        )
    before, after = (charge(one.recordings, one.sources) for one in (base, head))
    pairs = match(before.functions, after.functions, sides.renamed)
    costs = compare_costs(
        _matrix(before, [pair[0] for pair in pairs]),
        _matrix(after, [pair[1] for pair in pairs]),
        quantum_base=before.quantum,
        quantum_head=after.quantum,
        seed=seed,
    )
    named = set(costs.named)
    rows = [
        _row(pair, before, after, costs, index, significant=index in named)
        for index, pair in enumerate(pairs)
    ]
    whole = 1 + costs.change
    return Difference(
        target=_target(sides),
        base=base.label,
        head=head.label,
        sessions=(len(base.recordings), len(head.recordings)),
        samples=(_samples(base), _samples(head)),
        change=whole * costs.speed - 1,
        speed=costs.speed,
        relabellings=costs.relabellings,
        rows=tuple(sorted(rows, key=lambda row: (-row.change, row.place, row.function))),
        base_seconds=_seconds(base),
        head_seconds=_seconds(head),
        warnings=tuple(_doubts(sides, costs)),
    )


def _target(sides: Sides) -> str:
    recordings = [*sides.head.recordings, *sides.base.recordings]
    return recordings[0].target if recordings else "the target"


def _samples(side: Profiled) -> int:
    return sum(recording.samples for recording in side.recordings)


def _seconds(side: Profiled) -> float | None:
    if not side.timed:
        return None
    timings = [recording.timing for recording in side.recordings]
    return median(timing.median for timing in timings if timing is not None)


def _matrix(side: SideCosts, codes: Sequence[Code | None]) -> list[list[float]]:
    nothing = [0.0] * len(side.quantum)
    columns = [nothing if code is None else side.functions[code].costs for code in codes]
    return [list(row) for row in zip(*columns, strict=True)]


def _row(
    pair: Pair,
    before: SideCosts,
    after: SideCosts,
    costs: FunctionCosts,
    index: int,
    *,
    significant: bool,
) -> Culprit:
    former, present = pair
    code = present or former
    if code is None:
        raise ValueError(pair)
    shown = after.functions[present] if present else before.functions[code]
    change = costs.head[index] - costs.base[index]
    earlier = ""
    if former is not None and present is not None and former != present:
        earlier = f"{_place(former, before.functions[former])} {former.name}"
    return Culprit(
        function=code.name,
        place=_place(code, shown),
        base=costs.base[index],
        head=costs.head[index],
        explained=change / costs.change if costs.change > 0 else None,
        p_adjusted=costs.p_adjusted[index],
        significant=significant,
        through=_through(
            after.functions[present] if present else None,
            before.functions[former] if former else None,
        ),
        former=earlier,
    )


def _place(code: Code, entry: Charged) -> str:
    return f"{code.path}:{entry.line}" if entry.line else code.path


def _through(present: Charged | None, former: Charged | None) -> str:
    """Return the library function whose time grew most, if by half of the growth or more."""
    if present is None or not present.through:
        return ""
    known: Mapping[Code, float] = former.through if former else {}
    before = sum(former.costs) / len(former.costs) if former else 0.0
    runs = len(present.costs), len(former.costs) if former else 1
    grown = {
        code: seconds / runs[0] - known.get(code, 0.0) / runs[1]
        for code, seconds in present.through.items()
    }
    largest = max(grown, key=lambda code: (grown[code], code))
    added = sum(present.costs) / runs[0] - before
    return str(largest) if 0 < added / 2 <= grown[largest] else ""


def _doubts(sides: Sides, costs: FunctionCosts) -> list[str]:
    found = []
    if sides.apart:
        found.append(
            "base was recorded at another time: what the machine did then and does now is in the"
            " difference; --compare with a commit measures both now"
        )
    fewest = min(len(sides.base.recordings), len(sides.head.recordings))
    if fewest < FEWEST_SESSIONS:
        found.append(
            f"{fewest} sessions a side cannot show a difference;"
            f" {FEWEST_SESSIONS} or more can (--sessions)"
        )
    if not 1 / ALIKE < costs.speed < ALIKE:
        found.append(
            f"all functions alike cost x{costs.speed:.2f} on {sides.head.label}: that part is no"
            " single function's, and the table is about the rest"
        )
    share = elsewhere(sides)
    if share >= ELSEWHERE:
        found.append(
            f"other threads and processes used {min(share, 1):.0%} of the added time, where this"
            " profile does not look: the functions named may only wait for them"
        )
    return found


def elsewhere(sides: Sides) -> float:
    """Return the part of the added time that other threads and processes used, 0 or more."""
    outside, total = (
        _per_call(sides.head, of) - _per_call(sides.base, of)
        for of in (
            lambda one: one.other_threads_seconds + one.other_processes_seconds,
            lambda one: one.seconds,
        )
    )
    return max(0.0, outside / total) if total > 0 else 0.0


def _per_call(side: Profiled, seconds: Callable[[Recording], float]) -> float:
    return median(seconds(recording) / recording.calls for recording in side.recordings)
