"""What a case of the zoo states about itself: its expected verdict, place and holder."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["leak", "innocent"]
Target = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """One target with its truth.

    ``functions`` are those whose lines allocate or store what is kept, any of which may be named
    first; ``holder`` is what the name of the container must contain, None where nothing that
    Python calls a container holds it; ``state`` is the verdict's word where it is neither LEAK
    nor CLEAN.
    """

    module: str
    name: str
    kind: Kind
    functions: tuple[str, ...] = ()
    holder: str | None = None
    state: str | None = None

    @property
    def target(self) -> str:
        """The target as ``perfkit leaks`` takes it, from the folder ``tests``."""
        return f"{self.module}:{self.name}"


CASES: list[Case] = []
"""Every case of the modules imported so far, in the order of their source."""


def leak(
    *also: str, holder: str | None = None, state: str | None = None
) -> Callable[[Target], Target]:
    """Mark a target that keeps memory, in its own lines or in those of the functions ``also``."""

    def mark(function: Target) -> Target:
        name = function.__name__
        functions = (name, *also)
        CASES.append(Case(function.__module__, name, "leak", functions, holder, state))
        return function

    return mark


def innocent(function: Target) -> Target:
    """Mark a target that keeps nothing for ever."""
    CASES.append(Case(function.__module__, function.__name__, "innocent"))
    return function
