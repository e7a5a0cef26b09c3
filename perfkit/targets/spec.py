"""The name of a thing that can be measured."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, assert_never

from perfkit.errors import UsageError


class TargetKind(StrEnum):
    """How the target is started."""

    SCRIPT = "script"
    """A file, as ``python FILE ARGS`` would run it."""
    MODULE = "module"
    """A module, as ``python -m NAME ARGS`` would run it."""
    CALLABLE = "callable"
    """``pkg.mod:callable``, imported from the working directory, called with nothing."""
    BENCHMARK = "benchmark"
    """One benchmark of the asv suite at one parameter combination: its body, after its setup."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to measure.

    ``name`` is the file as the user wrote it, the dotted module, ``pkg.mod:callable``, or the asv
    name of a benchmark with its parameters, ``suite.time_it(10)``. ``args`` is what follows the
    program in ``sys.argv``; empty for callables and benchmarks, which take none.
    """

    kind: TargetKind
    name: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the target as a user would type it, arguments included."""
        match self.kind:
            case TargetKind.SCRIPT | TargetKind.CALLABLE:
                words = [self.name, *self.args]
            case TargetKind.MODULE:
                words = ["-m", self.name, *self.args]
            case TargetKind.BENCHMARK:
                words = [f"bench:{self.name}"]
            case _:
                assert_never(self.kind)
        return " ".join(words)

    def to_json(self) -> dict[str, object]:
        """Return the target as JSON values, for the request of a child process."""
        return {"kind": str(self.kind), "name": self.name, "args": list(self.args)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the target that :meth:`to_json` described."""
        return cls(TargetKind(values["kind"]), values["name"], tuple(values["args"]))


_NAME = r"[^\W\d]\w*"
_DOTTED = re.compile(rf"{_NAME}(\.{_NAME})*")
_CALLABLE = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")
_FORMS = "a script (app.py), -m NAME, pkg.mod:callable or bench:NAME"


def parse_target(
    text: str, *, module: bool = False, args: tuple[str, ...] = (), cwd: Path
) -> Target:
    """Return the target that a user named.

    Nothing is imported: whether a module, a callable or a benchmark exists is known only to the
    child process that loads it.

    Args:
        text: The first word, for example ``app.py`` or ``bench:suite.time_it(10)``.
        module: True after ``-m``.
        args: The words after ``--``.
        cwd: The directory relative file names start from.

    Raises:
        UsageError: The text is none of the four forms, or names a file that does not exist.
    """
    if module:
        if not _DOTTED.fullmatch(text):
            raise UsageError(
                f"-m {text!r} is not a module name: give it dotted and without .py, "
                "for example -m package.module"
            )
        return Target(TargetKind.MODULE, text, args)
    if text.startswith("bench:"):
        return _benchmark(text.removeprefix("bench:"), args)
    if (cwd / text).exists():
        return _script(text, args, cwd)
    if _CALLABLE.fullmatch(text):
        if args:
            raise UsageError(
                f"{text} is called without arguments, but {' '.join(args)!r} was given after --: "
                "name a function that supplies them itself, or measure a script"
            )
        return Target(TargetKind.CALLABLE, text)
    if ":" in text:
        raise UsageError(
            f"target {text!r} is not of the form pkg.mod:callable (dotted names around one colon); "
            f"a target is {_FORMS}"
        )
    if text.endswith(".py") or "/" in text:
        raise UsageError(f"target {text!r} does not exist in {cwd}; a target is {_FORMS}")
    hint = f" (for the module write -m {text})" if _DOTTED.fullmatch(text) else ""
    raise UsageError(f"target {text!r} is no file in {cwd}{hint}; a target is {_FORMS}")


def _benchmark(name: str, args: tuple[str, ...]) -> Target:
    if not name:
        raise UsageError("bench: needs the name of a benchmark, for example bench:suite.time_it")
    if args:
        raise UsageError(
            f"bench:{name} takes no command line, but {' '.join(args)!r} was given after --: "
            f"write its parameters as bench:{name}(VALUE, VALUE)"
        )
    if name.endswith("]") and "[" in name:
        head, _, params = name[:-1].partition("[")
        name = f"{head}({params})"
    return Target(TargetKind.BENCHMARK, name)


def _script(text: str, args: tuple[str, ...], cwd: Path) -> Target:
    path = cwd / text
    if path.is_dir() and not (path / "__main__.py").is_file():
        raise UsageError(
            f"target {text!r} is a directory without __main__.py, so there is nothing to run; "
            f"a target is {_FORMS}"
        )
    return Target(TargetKind.SCRIPT, text, args)
