"""When each probe is due, which runs were missed, and which last too long; pure but for its state.

Times are seconds of a clock that only goes on, and an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

GRACE: Final = 1.0
"""Seconds after its timeout in which a run may still say itself what went wrong."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a probe runs and how long it may take, seconds."""

    interval: float
    timeout: float


@dataclass(slots=True)
class _State:
    due: float
    began: float | None = None
    told: bool = False

    def ends(self, timing: Timing) -> float:
        """When the run that goes on is called failed; never, where none does."""
        if self.began is None or self.told:
            return inf
        return self.began + timing.timeout + GRACE


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, by the number of the probe."""

    begin: tuple[int, ...]
    overdue: tuple[int, ...]
    """Runs whose time is over and that did not end: they failed, and have to be ended."""
    hanging: tuple[int, ...]
    """Runs that could not begin, because the one before still has not ended: they failed too."""
    missed: tuple[tuple[int, int], ...]
    """Probe and number of runs that did not take place."""


@dataclass(slots=True)
class Schedule:
    """Every probe begins at once, then stays on the grid of its interval."""

    timings: Sequence[Timing]
    start: float
    _states: list[_State] = field(init=False)

    def __post_init__(self) -> None:
        self._states = [_State(self.start) for _ in self.timings]

    def step(self, now: float) -> Step:
        """Return what is due at ``now``; what it says begins has begun."""
        begin, overdue, hanging, missed = [], [], [], []
        for number, (timing, state) in enumerate(zip(self.timings, self._states, strict=True)):
            if now >= state.ends(timing):
                state.told = True
                overdue.append(number)
            if now < state.due:
                continue
            passed = int((now - state.due) // timing.interval)
            state.due += (passed + 1) * timing.interval
            if state.began is None:
                state.began, state.told = now, False
                begin.append(number)
            else:
                passed += 1
                if state.told and number not in overdue:
                    hanging.append(number)
            if passed:
                missed.append((number, passed))
        return Step(tuple(begin), tuple(overdue), tuple(hanging), tuple(missed))

    def ended(self, number: int) -> bool:
        """Note that a run ended; return whether its outcome counts (it was not overdue)."""
        state = self._states[number]
        state.began = None
        return not state.told

    def next(self) -> float:
        """Return when :meth:`step` has something to do at the earliest."""
        states = zip(self.timings, self._states, strict=True)
        moments = [moment for timing, one in states for moment in (one.due, one.ends(timing))]
        return min(moments)

    @property
    def running(self) -> bool:
        """Whether a run goes on whose outcome is not known yet."""
        return any(state.began is not None and not state.told for state in self._states)
