"""A callable with what it is called with; runs in the child process only."""

import difflib
import functools
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perfkit.errors import UsageError
from perfkit.targets.blame import blame, blamed, is_part_of
from perfkit.targets.spec import Target

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
"""Positional values, and those with a name."""


def called(target: Target) -> Callable[[], object]:
    """Return the target's function with its arguments, ready to be called.

    Raises:
        UsageError: It does not exist, does not take these arguments, or does nothing when called.
        MeasurementError: Its module, or the factory of the arguments, raised.
    """
    function: Any = imported(target, target.name)
    positional, named = arguments_of(target)
    _check_signature(target, function, positional, named)
    if not positional and not named:
        return function  # type: ignore[no-any-return]
    return functools.partial(function, *positional, **named)


def imported(target: Target, name: str) -> Any:  # noqa: ANN401 - what a module holds
    """Return what ``pkg.mod:attribute`` names, or the module ``pkg.mod``.

    The working directory is put in front of ``sys.path``, once.
    """
    if sys.path[:1] != [str(Path.cwd())]:
        sys.path.insert(0, str(Path.cwd()))
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not is_part_of(error.name, module_name):
            raise blame(target, error) from error
        raise UsageError(
            f"{target}: there is no module {error.name} seen from {Path.cwd()}; check the name, "
            "or start perfkit where the module can be imported"
        ) from None
    except BaseException as error:
        raise blame(target, error) from error
    for part in filter(None, path.split(".")):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, _public(found), n=3)
            hint = f"there is {', '.join(near)}" if near else "check the name"
            raise UsageError(f"{target}: {module_name} has no {path}; {hint}")
        found = getattr(found, part)
    return found


def _public(owner: object) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def arguments_of(target: Target) -> Arguments:
    """Return what the target is called with: from its JSON, or from its factory, called once."""
    found: Any = json.loads(target.arguments or "[]")
    if target.factory:
        make = imported(target, target.factory)
        if not callable(make):
            raise UsageError(
                f"{target}: {target.factory} is a {type(make).__name__}, wanted a function that"
                " returns the arguments"
            )
        with blamed(target):
            found = make()
    match found:
        case list() | tuple():
            return found, {}
        case Mapping() if all(isinstance(name, str) for name in found):
            return (), found
        case _:
            raise UsageError(
                f"{target}: the factory returned a {type(found).__name__}, wanted a list or tuple"
                " of arguments, or a dict of them by name"
            )


def _check_signature(
    target: Target, function: object, positional: Sequence[Any], named: Mapping[str, Any]
) -> None:
    if not callable(function):
        raise UsageError(
            f"{target} is a {type(function).__name__}, not a function: name something to call"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{target} is a generator function, and calling it does no work: "
            "name a function that consumes it"
        )
    try:
        signature = inspect.signature(function)
    except ValueError:
        return  # Some C functions tell no signature; calling them tells.
    try:
        bound = signature.bind_partial(*positional, **named)
    except TypeError as error:
        raise UsageError(
            f"{target} does not take these arguments: {error}; it takes {signature}"
        ) from None
    needed = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in bound.arguments
    ]
    if needed:
        raise UsageError(
            f"{target} needs arguments ({', '.join(needed)}): give them as JSON with --args, or"
            " name a function that returns them with --factory"
        )
