"""Where a change meets the paths that profiles have seen: a map, not a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One target that goes through a function; shares of its sampled time, 0 to 1.

    ``share`` counts what the function calls, ``own_share`` the function and its libraries.
    """

    target: str
    share: float
    own_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One changed function. ``lines`` is how many of its lines changed, on the longer side.

    ``targets`` are those that reach it, the largest share first; empty where no profile saw it.
    """

    function: str
    place: str
    lines: int
    deleted: bool = False
    targets: tuple[Reached, ...] = ()

    @property
    def share(self) -> float:
        """The largest share of any target; 0 where no profile saw it."""
        return self.targets[0].share if self.targets else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShare:
    """One stored profile: the share of its time with a changed function on the stack.

    ``behind`` is how many commits it is older than the base of the change; None where that is not
    known.
    """

    target: str
    share: float
    samples: int
    commit: str
    behind: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """A change laid over stored profiles.

    ``touched`` holds every changed function, those on the hottest paths first; ``paths`` every
    stored profile, likewise. ``unmapped`` says what of the change no profile can place, one clause
    each: any path may meet that.
    """

    base: str
    touched: tuple[Touched, ...]
    paths: tuple[PathShare, ...]
    unmapped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def hot(self) -> tuple[Touched, ...]:
        """The changed functions that a profile saw."""
        return tuple(one for one in self.touched if one.targets)
