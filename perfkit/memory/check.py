"""The leak check as a function, for tests and programs that do not go through the command line."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import UsageError

if TYPE_CHECKING:
    from perfkit.model import LeakResult


def check_leaks(
    target: str | Callable[[], object],
    *,
    ceiling: str = "0 B",
    iterations: int | None = None,
    timeout: str = "5min",
    captures: Path | None = None,
) -> "LeakResult":
    """Call ``target`` again and again in fresh processes and say what it keeps from call to call.

    Nothing of this process is measured: the target is imported anew, from this process's
    ``sys.path`` and working directory. So a function is given by name: what ``perfkit leaks``
    takes (``"pkg.mod:callable"``, ``"bench:NAME"``), or a function, method of a class or
    coroutine function that a module holds under its own name. It is called without arguments.

    Args:
        target: What to call.
        ceiling: Growth per call and line that is accepted, with its unit, such as ``"64 B"``.
        iterations: Calls in the only run; None makes as many runs as it takes to tell a leak from a
            bounded cache.
        timeout: How long one run may take, with its unit; a longer one is ended.
        captures: A folder to keep memray's captures in.

    Returns:
        The result: ``state`` is the answer (:class:`perfkit.model.LeakState`), ``sites`` the lines
        that grow with ``bytes_per_iteration`` and stack, ``holders`` the containers that grow,
        ``reason`` and ``notes`` sentences.

    Raises:
        UsageError: The target cannot be imported by another process, needs arguments, or cannot be
            repeated; or a quantity has no unit.
        MeasurementError: The target raised, was killed or ran out of time, or memray could not
            watch it. Nothing is known then, so it is no result.
    """
    from perfkit.config.units import parse_duration, parse_size
    from perfkit.memory.find import find_leaks
    from perfkit.targets.spec import parse_target

    cwd = Path.cwd()
    name, folder = (target, None) if isinstance(target, str) else _importable(target)
    # An empty entry means the working directory, which the child puts first anyway.
    path = [*filter(None, sys.path), *([str(folder)] if folder is not None else [])]
    return find_leaks(
        parse_target(name, cwd=cwd),
        cwd=cwd,
        ceiling=parse_size(ceiling),
        iterations=iterations,
        timeout=parse_duration(timeout),
        captures=captures,
        environment={"PYTHONPATH": os.pathsep.join(path)},
    )


def _importable(target: Callable[[], object]) -> tuple[str, Path | None]:
    """Return ``module:name`` of a function, and the folder its module can be imported from."""
    module = getattr(target, "__module__", None)
    name = getattr(target, "__qualname__", None)
    found: object = sys.modules.get(module) if isinstance(module, str) else None
    file = getattr(found, "__file__", None)
    for part in name.split(".") if isinstance(name, str) else ():
        found = getattr(found, part, None)
    # A bound method is made anew at each look, and equals itself.
    if not isinstance(module, str) or not isinstance(name, str) or found != target:
        raise UsageError(
            f"{name or target!r} is not what a module holds under that name, so a fresh process"
            " cannot import it: move it to the top level of a module, or name it as"
            " 'pkg.mod:callable'"
        )
    if file is None:
        return f"{module}:{name}", None
    path = Path(file).resolve()
    if module == "__main__":
        return f"{path.stem}:{name}", path.parent
    levels = module.count(".") + (path.stem == "__init__")
    return f"{module}:{name}", path.parents[levels]
