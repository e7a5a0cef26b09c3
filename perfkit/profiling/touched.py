"""Which functions the changed lines of a diff are in; pure functions of its text."""

import ast
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from perfkit.forge.diff import ChangedFile
from perfkit.profiling.prose import is_prose

MODULE = "<module>"
"""The name of the code outside of every function, as Python and profiles have it."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef

Read = Callable[[str], str]
"""Return the text of a file on one side of the diff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFunction:
    """A function whose lines changed: its files on both sides, qualified name, line and count."""

    old: str | None
    new: str | None
    name: str
    line: int
    lines: int

    @property
    def path(self) -> str:
        """Its file, on head where it is there."""
        return self.new or self.old or ""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a function stands, from its first decorator to its last line."""

    name: str
    lines: range


def changed_functions(
    changes: Iterable[ChangedFile],
    read_old: Read,
    read_new: Read,
    folders: Collection[str] = (),
) -> tuple[tuple[ChangedFunction, ...], tuple[str, ...]]:
    """Return the functions that a diff touches, and notes on files that hold none to look at.

    Prose outside of ``folders``, those of code, is neither: nothing that runs reads it.
    """
    found: list[ChangedFunction] = []
    other: list[str] = []
    notes: list[str] = []
    for change in changes:
        name = change.new or change.old or ""
        if change.binary or not name.endswith(".py"):
            if not all(is_prose(one, folders) for one in (change.old, change.new) if one):
                other.append(name)
            continue
        try:
            before = _hits(change.old, read_old, change.old_lines)
            after = _hits(change.new, read_new, change.new_lines)
        except SyntaxError as error:
            notes.append(f"{name}: not readable as Python (line {error.lineno}), so left out")
            continue
        for function in dict.fromkeys((*after, *before)):
            line, count = after.get(function, before.get(function, (0, 0)))
            found.append(
                ChangedFunction(
                    old=change.old,
                    new=change.new,
                    name=function,
                    line=line,
                    lines=max(count, before.get(function, (0, 0))[1]),
                )
            )
    if other:
        listed = ", ".join(sorted(other)[:3]) + (", ..." if len(other) > 3 else "")  # noqa: PLR2004
        number = "one file is" if len(other) == 1 else f"{len(other)} files are"
        notes.append(f"{number} no Python, which profiles cannot place: {listed}")
    return tuple(found), tuple(notes)


def _hits(path: str | None, read: Read, lines: Sequence[range]) -> dict[str, tuple[int, int]]:
    """Return the innermost function of every changed line: its own line, and how many changed."""
    if path is None or not lines:
        return {}
    text = read(path)
    spans = functions(text)
    last = text.count("\n") + 1
    found: dict[str, tuple[int, int]] = {}
    for line in (line for part in lines for line in part if 1 <= line <= last):
        inside = [span for span in spans if line in span.lines]
        innermost = min(inside, key=lambda span: len(span.lines), default=Span(MODULE, range(1, 2)))
        _, count = found.get(innermost.name, (0, 0))
        found[innermost.name] = (innermost.lines.start, count + 1)
    return found


def functions(text: str) -> tuple[Span, ...]:
    r"""Return every function of a Python file with its qualified name; SyntaxError where none.

    >>> functions("class A:\n    def f(self):\n        return 1\n")
    (Span(name='A.f', lines=range(2, 4)),)
    """
    found: list[Span] = []
    waiting: list[tuple[str, ast.AST]] = [("", ast.parse(text))]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, _Definition | ast.ClassDef):
                inner = f"{prefix}{child.name}."
            if isinstance(child, _Definition):
                start = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                found.append(Span(inner[:-1], range(start, (child.end_lineno or child.lineno) + 1)))
            waiting.append((inner, child))
    return tuple(sorted(found, key=lambda span: (span.lines.start, span.name)))
