"""A target turned into something to call; runs in the child process only."""

import functools
import importlib
import importlib.util
import os
import pkgutil  # noqa: F401 - runpy imports it at its first use, which would be measured
import runpy
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CoroutineType
from typing import assert_never

from perfkit.errors import MeasurementError, UsageError
from perfkit.targets.blame import blame, is_part_of
from perfkit.targets.ending import OutOfTime
from perfkit.targets.spec import Target, TargetKind

Run = Callable[[], object]


@contextmanager
def load(target: Target, site: Path | None = None) -> Iterator[Run]:
    """Prepare a target and yield the function that runs it once.

    Preparing imports a callable's module and makes its arguments, runs a benchmark's
    ``setup_cache`` and ``setup`` or a test's fixtures, or connects to a server; leaving undoes
    that. Scripts and modules start anew at each call, under ``__name__ == "__main__"``; what they
    imported stays imported. A coroutine is run to its end with :func:`asyncio.run`.
    ``sys.path``, ``sys.argv`` and, for a benchmark, the working
    directory are the target's afterwards.

    A benchmark imports the project from the working tree, as asv would install it; with ``site``
    from that folder, which holds a build of it.

    Raises:
        UsageError: The target does not exist, needs arguments, or does nothing when called.
        MeasurementError: The target's code raised, or left with a status other than 0. The
            exception stands in ``__cause__``.
    """
    match target.kind:
        case TargetKind.SCRIPT:
            yield _guarded(target, _script(target))
        case TargetKind.MODULE:
            yield _guarded(target, _module(target))
        case TargetKind.CALLABLE:
            from perfkit.targets.called import called

            yield _guarded(target, called(target))
        case TargetKind.BENCHMARK:
            from perfkit.targets.benchmark_body import body_of_benchmark

            with body_of_benchmark(target, site) as body:
                yield _guarded(target, body)
        case TargetKind.PYTEST:
            from perfkit.targets.pytest_body import body_of_test

            with body_of_test(target) as body:
                yield _guarded(target, body)
        case TargetKind.MCP:
            from perfkit.targets.mcp_tool import tool_call  # the others need no asyncio

            with tool_call(target) as body:
                yield _guarded(target, body)
        case _:
            assert_never(target.kind)


def _script(target: Target) -> Run:
    path = Path(target.name).resolve()
    sys.path.insert(0, str(path if path.is_dir() else path.parent))
    sys.argv = [target.name, *target.args]

    def run() -> None:
        runpy.run_path(target.name, run_name="__main__")

    return run


def _module(target: Target) -> Run:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = [target.name, *target.args]
    spec = _find_spec(target, target.name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _find_spec(target, f"{target.name}.__main__")
    if spec is None:
        raise UsageError(
            f"{target}: no such module, or a package without __main__, seen from {Path.cwd()}; "
            "check the name, or start perfkit where `python -m` would find it"
        )

    def run() -> None:
        runpy.run_module(target.name, run_name="__main__", alter_sys=True)

    return run


def _find_spec(target: Target, name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if is_part_of(error.name, name):
            return None
        raise blame(target, error) from error
    except Exception as error:
        raise blame(target, error) from error


def _guarded(target: Target, body: Run) -> Run:
    """Return ``body`` with every ending told apart, at a cost of some 100 ns a call."""
    forked: list[str] = []
    os.register_at_fork(after_in_child=functools.partial(forked.append, "by the target"))

    def run() -> object:
        try:
            result = body()
            if type(result) is CoroutineType:
                result = _completed(result)
        except BaseException as error:
            if forked:
                _end_fork(error)
            if isinstance(error, OutOfTime):
                raise
            if isinstance(error, SystemExit) and error.code in (None, 0):
                return None
            if isinstance(error, MeasurementError):
                raise
            raise blame(target, error) from error
        if forked:
            _end_fork(None)
        return result

    return run


def _completed(coroutine: Coroutine[object, object, object]) -> object:
    import asyncio  # what has a coroutine to run has imported it already; the others wait less

    return asyncio.run(coroutine)


def _end_fork(error: BaseException | None) -> None:
    """End a process that the target forked, before it would answer in its parent's name."""
    status = 0
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        traceback.print_exception(error)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
