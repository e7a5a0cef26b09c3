"""Which functions of a recording are shown: own code, libraries, what a pattern says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePath
from typing import Any

from perfkit.model import Function
from perfkit.profiling.recording import BUILT_IN, Stack
from perfkit.profiling.sources import FOREIGN

NOT_SHOWN = Function("[not shown]", "", 0)
"""Stands for a stack of which no function is shown, so that its time is not lost."""

_MACHINERY = "<frozen importlib"

Place = Callable[[Function], str]


@dataclass(frozen=True, kw_only=True)
class View:
    """What of a recording is shown.

    ``only_mine`` leaves libraries and compiled functions out; ``hide`` and ``show`` are shell
    patterns, and ``show`` has the last word. The time of what is left out goes to its caller.
    ``fold`` shows of a library only the function that the own code called.
    """

    only_mine: bool = False
    show: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    fold: bool = True


EVERYTHING = View(fold=False)


class Lens:
    """A view of one session: what is own code in it, and its stacks as the view shows them."""

    def __init__(self, session: Mapping[str, Any], view: View, place: Place) -> None:
        self._view = view
        self._place = place
        self._libraries = tuple(
            str(PurePath(prefix) / folder) + "/"
            for prefix in session.get("sys_prefixes", ())
            for folder in ("lib", "lib64")
        )
        self.own: Callable[[Function], bool] = cache(self._own)
        self._shown: Callable[[Function], bool] = cache(self._decided)
        self._named: Callable[[Function], bool] = cache(self._asked_for)

    def _own(self, function: Function) -> bool:
        """Whether it is code of a file outside the interpreter and of installed packages.

        The file of a script that was named without a folder is no absolute path.
        """
        file = PurePath(function.file)
        return (
            function.line > 0
            and not function.file.startswith("<")
            and not FOREIGN & set(file.parts)
            and not function.file.startswith(self._libraries)
        )

    def _asked_for(self, function: Function) -> bool:
        return self._matches(function, self._view.show)

    def _decided(self, function: Function) -> bool:
        if self._named(function):
            return True
        if self._matches(function, self._view.hide):
            return False
        return self.own(function) or not self._view.only_mine

    def _matches(self, function: Function, patterns: Iterable[str]) -> bool:
        """Whether a pattern is the function's name, its file as shown, or its whole file."""
        texts = (
            function.name,
            function.file,
            self._place(function).removesuffix(f":{function.line}"),
        )
        return any(fnmatchcase(text, pattern) for pattern in patterns for text in texts)

    def shown(self, samples: Iterable[tuple[Stack, float]]) -> Iterator[tuple[Stack, float]]:
        """Yield samples without the functions that are not shown.

        A compiled function goes with the Python function that called it.
        """
        view = self._view
        if not (view.only_mine or view.show or view.hide):
            yield from samples
            return

        @cache
        def reduced(stack: Stack) -> Stack:
            kept = []
            caller_shown = True
            for function in stack:
                if function.file == BUILT_IN:
                    if caller_shown and self._shown(function):
                        kept.append(function)
                    continue
                caller_shown = self._shown(function)
                if caller_shown:
                    kept.append(function)
            return tuple(kept) or (NOT_SHOWN,)

        for stack, seconds in samples:
            yield reduced(stack), seconds

    def folded(self, stack: Stack) -> Iterator[tuple[Function, bool]]:
        """Yield the functions of a stack, each with whether a folded tree leaves it out.

        That is a library function, Python or compiled, that a library called. The import
        machinery is no function here.
        """
        in_library = False
        for function in stack:
            if function.file.startswith(_MACHINERY):
                continue
            library = not self.own(function)
            yield function, library and in_library and not self._named(function)
            if function.file != BUILT_IN:
                in_library = library
