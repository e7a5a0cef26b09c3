"""The cost of functions in one side's sessions, libraries charged to the project's own callers."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from perfkit.model import Function
from perfkit.profiling.reading import Places
from perfkit.profiling.recording import BUILT_IN, Recording, Stack, stacks
from perfkit.profiling.sources import Sources

COMPREHENSIONS = {"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"}
"""Frames that are a part of the function around them, as all but the first are since CPython 3.12
(PEP 709)."""


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """One function wherever it stands: the file as its project or library calls it, and its name.

    Its line is left out, so that a function that moved in its file is the same.
    """

    path: str
    name: str

    def __str__(self) -> str:
        """Return the function as people write it."""
        return f"{self.name} ({self.path})"

    @property
    def bare(self) -> str:
        """The name without its class, which may be the class of whoever inherits it."""
        return self.name.rpartition(".")[2]


@dataclass(slots=True)
class Charged:
    """What one function cost in each session of a side, in seconds per call.

    ``lines`` counts where its definition was seen, ``names`` by which name, and ``through`` the
    seconds per call in each library function below it.
    """

    costs: list[float]
    lines: Counter[int] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    through: dict[Code, float] = field(default_factory=dict)

    @property
    def line(self) -> int:
        """Where its definition was seen most."""
        return self.lines.most_common(1)[0][0]

    def add(self, other: "Charged") -> None:
        """Count another function of the same name and file with this one."""
        self.costs = [one + more for one, more in zip(self.costs, other.costs, strict=True)]
        self.lines += other.lines
        self.names += other.names
        for code, seconds in other.through.items():
            self.through[code] = self.through.get(code, 0.0) + seconds


@dataclass(frozen=True, slots=True)
class SideCosts:
    """Every function of one side; ``quantum`` is what a sample stands for in each session."""

    functions: dict[Code, Charged]
    quantum: tuple[float, ...]


def charge(recordings: Sequence[Recording], sources: Sources) -> SideCosts:
    """Return what the sessions of one side say of each function.

    A sample is charged to the innermost function of the project that is on its stack: who calls a
    library more often, or a slower one, made the difference. A comprehension is a part of the
    function around it. A stack without any is charged to its innermost Python function.
    """
    found: dict[tuple[str, int, str], Charged] = {}
    for index, recording in enumerate(recordings):
        code_of = naming(recording, sources)
        for stack, seconds in stacks(recording.session):
            function, inner = charged(stack, sources)
            code = code_of(function)
            entry = found.setdefault(
                (code.path, function.line, code.bare), Charged([0.0] * len(recordings))
            )
            cost = seconds / recording.calls
            entry.costs[index] += cost
            entry.lines[function.line] += 1
            entry.names[code.name] += 1
            if inner is not None:
                below = code_of(inner)
                entry.through[below] = entry.through.get(below, 0.0) + cost
    functions: dict[Code, Charged] = {}
    for (path, _, _), entry in found.items():
        code = Code(path, entry.names.most_common(1)[0][0])
        if code in functions:
            functions[code].add(entry)
        else:
            functions[code] = entry
    quantum = tuple(recording.interval / recording.calls for recording in recordings)
    return SideCosts(functions, quantum)


def charged(stack: Stack, sources: Sources) -> tuple[Function, Function | None]:
    """Return the function that a sample is charged to, and the library function it was seen in."""
    python = [function for function in stack if function.file != BUILT_IN] or list(stack[-1:])
    innermost = python[-1]
    inner = None if sources.own(innermost.file) is not None else innermost
    for index in range(len(python) - 1, -1, -1):
        function = python[index]
        if sources.own(function.file) is None:
            continue
        outer = python[index - 1] if index else function
        if function.name in COMPREHENSIONS and outer.file == function.file:
            continue
        return function, inner
    return innermost, None


def naming(recording: Recording, sources: Sources) -> Callable[[Function], Code]:
    """Return what names the functions of one recording as the project or the import path does."""
    place = Places(recording.cwd, recording.session["sys_path"])

    @cache
    def code_of(function: Function) -> Code:
        path = sources.own(function.file)
        if path is None:
            path = place(function).removesuffix(f":{function.line}")
        return Code(path, function.name)

    return code_of
