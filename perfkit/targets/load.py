"""A target turned into something to call; runs in the child process only."""

import functools
import importlib
import importlib.util
import itertools
import os
import pkgutil  # noqa: F401 - runpy imports it at its first use, which would be measured
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CoroutineType
from typing import Any, assert_never

from perfkit.benchmarking.suite import Suite, find_suite
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import BenchmarkId
from perfkit.targets.blame import blame, blamed
from perfkit.targets.called import called, is_part_of
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
            yield _guarded(target, called(target))
        case TargetKind.BENCHMARK:
            with _benchmark(target, site) as body:
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


@contextmanager
def _benchmark(target: Target, site: Path | None) -> Iterator[Run]:
    suite = find_suite(Path.cwd())
    _use(_working_tree(suite) if site is None else [site])
    # asv runs each benchmark in a scratch directory, where setup_cache may leave files.
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        os.chdir(scratch)
        with blamed(target):
            benchmark = _find_benchmark(target, suite.benchmarks)
            benchmark.set_cache(benchmark.do_setup_cache())
            skipped = benchmark.do_setup()
        if skipped:
            raise MeasurementError(
                f"{target} skipped itself at setup, so there is nothing to measure: "
                "choose other parameters"
            )
        try:
            # asv_runner has no public name for "the cache, then the parameters".
            yield functools.partial(benchmark.func, *benchmark._build_params())  # noqa: SLF001
        finally:
            with blamed(target):
                benchmark.do_teardown()


def _working_tree(suite: Suite) -> list[Path]:
    """Return where the project is that asv would install."""
    project = Path.cwd()
    if suite.subdirectory:
        below = (parent / suite.subdirectory for parent in suite.config.parents)
        project = next((folder for folder in below if folder.is_dir()), project)
    return [folder for folder in (project / "src", project) if folder.is_dir()]


def _use(project: list[Path]) -> None:
    """Let the suite, and processes that it starts, import the project from these folders."""
    folders = [str(folder) for folder in project]
    sys.path[:0] = folders
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, *([inherited] if inherited else [])])


def _find_benchmark(target: Target, folder: Path) -> Any:  # noqa: ANN401 - asv_runner is untyped
    """Return asv_runner's benchmark object at the parameters that the target names."""
    from asv_runner._aux import update_sys_path
    from asv_runner.benchmarks.timeraw import TimerawBenchmark
    from asv_runner.discovery import disc_benchmarks

    update_sys_path(str(folder))
    choices = []
    for benchmark in disc_benchmarks(str(folder)):
        for index, params in enumerate(itertools.product(*benchmark.params)):
            identity = str(BenchmarkId(benchmark.name, params))
            if target.name == identity:
                if isinstance(benchmark, TimerawBenchmark):
                    raise UsageError(
                        f"{target} returns source code that asv times in another process, so its "
                        "body cannot be called here: name a benchmark that does the work itself"
                    )
                if params:
                    benchmark.set_param_idx(index)
                return benchmark
            choices.append(identity)
    raise UsageError(f"{target}: {_no_such_benchmark(target.name, folder, choices)}")


def _no_such_benchmark(name: str, folder: Path, choices: list[str]) -> str:
    import difflib

    if not choices:
        return f"no benchmark was found in {folder}"
    variants = [choice for choice in choices if choice.startswith(f"{name}(")]
    near = variants or difflib.get_close_matches(name, choices, n=3, cutoff=0)
    reason = "needs its parameters" if variants else "is no benchmark"
    return f"{name} {reason} in {folder}; there is {', '.join(near[:3])}"


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
