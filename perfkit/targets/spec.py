"""The name of a thing that can be measured."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
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
    """``pkg.mod:callable``, imported from the working directory and called."""
    BENCHMARK = "benchmark"
    """One benchmark of the asv suite at one parameter combination: its body, after its setup."""
    PYTEST = "pytest"
    """One test by its pytest node id: its body, after its fixtures."""
    MCP = "mcp"
    """One tool of an MCP server in this process, called by a client in this process."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to measure.

    ``name`` is the file as the user wrote it, the dotted module, ``pkg.mod:callable``, the asv name
    of a benchmark with its parameters, ``suite.time_it(10)``, a pytest node id, or
    ``pkg.mod:TOOL``. ``args`` is what follows the program in ``sys.argv``; only scripts and modules
    have any. ``arguments`` is what a callable or a tool is called with, a JSON list or object;
    ``factory`` is the ``pkg.mod:callable`` that makes it instead. Empty means none.
    """

    kind: TargetKind
    name: str
    args: tuple[str, ...] = ()
    arguments: str = ""
    factory: str = ""

    def __str__(self) -> str:
        """Return the target as a user would type it, arguments included."""
        match self.kind:
            case TargetKind.SCRIPT | TargetKind.CALLABLE:
                words = [self.name, *self.args]
            case TargetKind.MODULE:
                words = ["-m", self.name, *self.args]
            case TargetKind.BENCHMARK:
                words = [f"bench:{self.name}"]
            case TargetKind.PYTEST | TargetKind.MCP:
                words = [f"{self.kind}:{self.name}"]
            case _:
                assert_never(self.kind)
        words += ["--args", shlex.quote(self.arguments)] if self.arguments else []
        words += ["--factory", self.factory] if self.factory else []
        return " ".join(words)

    def to_json(self) -> dict[str, object]:
        """Return the target as JSON values, for the request of a child process."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the target that :meth:`to_json` described."""
        return cls(**{**values, "kind": TargetKind(values["kind"]), "args": tuple(values["args"])})


_NAME = r"[^\W\d]\w*"
_DOTTED = re.compile(rf"{_NAME}(\.{_NAME})*")
_CALLABLE = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")
# A tool's name may have dots, dashes and slashes.
_TOOL = re.compile(rf"{_NAME}(\.{_NAME})*(:{_NAME}(\.{_NAME})*)?:[^\s:]+")
FORMS = (
    "a script (app.py), -m NAME, pkg.mod:callable, bench:NAME, pytest:NODEID or mcp:pkg.server:TOOL"
)
"""The forms of a target, in words."""


def parse_target(
    text: str,
    *,
    module: bool = False,
    args: tuple[str, ...] = (),
    arguments: str | None = None,
    factory: str | None = None,
    cwd: Path,
) -> Target:
    """Return the target that a user named.

    Nothing is imported: whether a module, a callable, a benchmark, a test or a tool exists is known
    only to the child process that loads it.

    Args:
        text: The first word, for example ``app.py`` or ``bench:suite.time_it(10)``.
        module: True after ``-m``.
        args: The words after ``--``.
        arguments: JSON that a callable or a tool is called with.
        factory: ``pkg.mod:callable`` that returns what it is called with.
        cwd: The directory relative file names start from.

    Raises:
        UsageError: The text is of none of the forms, or names a file that does not exist; or it
            takes no arguments of the kind that was given.
    """
    target = _named(text, module=module, args=args, cwd=cwd)
    if arguments is None and factory is None:
        return target
    option = "--args" if factory is None else "--factory"
    if arguments is not None and factory is not None:
        raise UsageError("--args and --factory both say what the target is called with; give one")
    if target.kind not in (TargetKind.CALLABLE, TargetKind.MCP):
        instead = (
            "write the program's words after --"
            if target.kind in (TargetKind.SCRIPT, TargetKind.MODULE)
            else "leave it out"
        )
        raise UsageError(f"{option} is for pkg.mod:callable and mcp:, not for {target}; {instead}")
    if factory is None:
        return replace(target, arguments=_checked(arguments or "", target))
    if not _CALLABLE.fullmatch(factory):
        raise UsageError(
            f"--factory: found {factory!r}, wanted pkg.mod:callable, a function that returns the"
            " arguments"
        )
    return replace(target, factory=factory)


def _checked(text: str, target: Target) -> str:
    """Return the arguments in JSON's shortest spelling."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"--args: found {text!r}, which is no JSON ({error}); wanted a list such as '[3]'"
            " or an object such as '{\"size\": 3}'"
        ) from error
    named_only = target.kind is TargetKind.MCP
    if not isinstance(found, dict if named_only else list | dict):
        wanted = "an object, {NAME: VALUE}" if named_only else "a list or an object"
        raise UsageError(f"--args: found {text}, wanted {wanted}, for {target}")
    return json.dumps(found, ensure_ascii=False)


def _named(text: str, *, module: bool, args: tuple[str, ...], cwd: Path) -> Target:
    if module:
        if not _DOTTED.fullmatch(text):
            raise UsageError(
                f"-m {text!r} is not a module name: give it dotted and without .py, "
                "for example -m package.module"
            )
        return Target(TargetKind.MODULE, text, args)
    for prefix, read in _PREFIXES.items():
        if text.startswith(prefix):
            return read(text.removeprefix(prefix), args)
    if (cwd / text).exists():
        return _script(text, args, cwd)
    if _CALLABLE.fullmatch(text):
        if args:
            raise UsageError(
                f"{text} takes no command line, but {' '.join(args)!r} was given after --: "
                "give its arguments as JSON with --args, or measure a script"
            )
        return Target(TargetKind.CALLABLE, text)
    if ":" in text:
        raise UsageError(
            f"target {text!r} is not of the form pkg.mod:callable (dotted names around one colon); "
            f"a target is {FORMS}"
        )
    if text.endswith(".py") or "/" in text:
        raise UsageError(f"target {text!r} does not exist in {cwd}; a target is {FORMS}")
    hint = f" (for the module write -m {text})" if _DOTTED.fullmatch(text) else ""
    raise UsageError(f"target {text!r} is no file in {cwd}{hint}; a target is {FORMS}")


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


def _test(name: str, args: tuple[str, ...]) -> Target:
    if not name:
        raise UsageError(
            "pytest: needs a node id, for example pytest:tests/test_app.py::test_it[10]"
        )
    if args:
        raise UsageError(
            f"pytest:{name} takes no command line, but {' '.join(args)!r} was given after --: "
            "put options for pytest into its configuration or into PYTEST_ADDOPTS"
        )
    return Target(TargetKind.PYTEST, name)


def _tool(name: str, args: tuple[str, ...]) -> Target:
    if not _TOOL.fullmatch(name):
        raise UsageError(
            f"target 'mcp:{name}' is not of the form mcp:pkg.server:TOOL, or"
            " mcp:pkg.server:NAME:TOOL with the name of the server or of what makes it"
        )
    if args:
        raise UsageError(
            f"mcp:{name} takes no command line, but {' '.join(args)!r} was given after --: "
            "give the tool's arguments as JSON with --args"
        )
    return Target(TargetKind.MCP, name)


_PREFIXES = {"bench:": _benchmark, "pytest:": _test, "mcp:": _tool}


def _script(text: str, args: tuple[str, ...], cwd: Path) -> Target:
    path = cwd / text
    if path.is_dir() and not (path / "__main__.py").is_file():
        raise UsageError(
            f"target {text!r} is a directory without __main__.py, so there is nothing to run; "
            f"a target is {FORMS}"
        )
    return Target(TargetKind.SCRIPT, text, args)
