"""Both sides of a target profiled in turns, so that a drift of the machine meets both alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from perfkit.benchmarking.schedule import round_order
from perfkit.errors import InterruptedMeasurementError
from perfkit.model import BenchmarkId, Timing
from perfkit.profiling.capture import INTERVAL_SECONDS, Where, recorded, timed
from perfkit.profiling.recording import Recording
from perfkit.targets.spec import Target

SESSIONS = 10
"""Sessions a side that `perfkit profile --compare` takes unless told otherwise."""

SAYING_SECONDS = 20.0
"""Between two lines about the time left; a log of ten minutes gets thirty."""

Record = Callable[[Literal["base", "head"]], Recording]
"""Record one session of one side, in a process of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The sessions of both sides, in pairs; fewer than wanted when the time ran out."""

    base: tuple[Recording, ...]
    head: tuple[Recording, ...]
    out_of_time: bool
    interrupted: bool


def interleaved(
    record: Record,
    *,
    sessions: int,
    seed: int,
    name: str,
    clock: Callable[[], float],
    seconds: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Taken:
    """Return ``sessions`` recordings a side, in the order that ``seed`` draws.

    Both sides stand next to each other in each round, and change places from round to round. No
    round is started that would not be over, at the length of the longest one, within ``seconds``.
    A round that was interrupted counts for neither side. ``progress`` is told what begins, then the
    time left: after the first round, and at most every ``SAYING_SECONDS``.
    """
    found: dict[Literal["base", "head"], list[Recording]] = {"base": [], "head": []}
    progress(f"profiling {name}: {sessions} sessions of each side, in turns")
    started = said = clock()
    longest = 0.0
    out_of_time = interrupted = False
    for number in range(sessions):
        begun = clock()
        if seconds is not None and number and begun - started + longest > seconds:
            out_of_time = True
            break
        [(_, order)] = round_order([BenchmarkId(name)], number, seed)
        try:
            pair = {side: record(side) for side in order}
        except InterruptedMeasurementError:
            interrupted = True
            break
        for side, recording in pair.items():
            found[side].append(recording)
        now = clock()
        longest = max(longest, now - begun)
        if number + 1 < sessions and (number == 0 or now - said >= SAYING_SECONDS):
            said = now
            left = (now - started) / (number + 1) * (sessions - number - 1)
            if seconds is not None:
                left = max(0.0, min(left, seconds - (now - started)))
            progress(f"profiling {name}: session {number + 2} of {sessions}, {left:.0f} s left")
    return Taken(
        base=tuple(found["base"]),
        head=tuple(found["head"]),
        out_of_time=out_of_time,
        interrupted=interrupted,
    )


def recorder(
    target: Target,
    base: Where,
    head: Where,
    *,
    per_call: float | None = None,
    interval: float = INTERVAL_SECONDS,
    repeat: int | Literal["auto"] = "auto",
    warmup: int = 0,
    timeout: float | None = None,
) -> Record:
    """Return what records one session of a built side.

    ``per_call`` is the known time of a call in seconds; None times the target before each
    recording, without a profiler, in a process of its own.
    """
    where = {"base": base, "head": head}

    def record(side: Literal["base", "head"]) -> Recording:
        if per_call is None:
            timing = timed(target, where[side], repeat=repeat, warmup=warmup, timeout=timeout)
        else:
            timing = Timing(calls=0, first=per_call, median=per_call, total=0.0)
        return recorded(
            target,
            where[side],
            timing=timing,
            interval=interval,
            repeat=repeat,
            warmup=warmup,
            timeout=timeout,
        )

    return record
