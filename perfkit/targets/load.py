"""A target turned into something to call; runs in the child process only."""

import functools
import importlib
import importlib.util
import inspect
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
from types import CoroutineType, TracebackType
from typing import Any, assert_never

from perfkit.benchmarking.suite import Suite, find_suite
from perfkit.errors import MeasurementError, PerfkitError, UsageError
from perfkit.model import BenchmarkId
from perfkit.targets.spec import Target, TargetKind

Run = Callable[[], object]


@contextmanager
def load(target: Target, site: Path | None = None) -> Iterator[Run]:
    """Prepare a target and yield the function that runs it once.

    Preparing imports a callable's module or runs a benchmark's ``setup_cache`` and ``setup``;
    leaving runs a benchmark's ``teardown``. Scripts and modules start anew at each call, under
    ``__name__ == "__main__"``; what they imported stays imported. A coroutine is run to its end
    with :func:`asyncio.run`. ``sys.path``, ``sys.argv`` and, for a benchmark, the working
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
            yield _guarded(target, _callable(target))
        case TargetKind.BENCHMARK:
            with _benchmark(target, site) as body:
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
        if _is_part_of(error.name, name):
            return None
        raise _blame(target, error) from error
    except Exception as error:
        raise _blame(target, error) from error


def _callable(target: Target) -> Run:
    sys.path.insert(0, str(Path.cwd()))
    module_name, _, path = target.name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not _is_part_of(error.name, module_name):
            raise _blame(target, error) from error
        raise UsageError(
            f"{target}: there is no module {error.name} seen from {Path.cwd()}; check the name, "
            "or start perfkit where the module can be imported"
        ) from None
    except BaseException as error:
        raise _blame(target, error) from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{target}: {module_name} has no {path}; check the name")
        found = getattr(found, name)
    _check_signature(target, found)
    return found  # type: ignore[no-any-return]


def _is_part_of(missing: str | None, wanted: str) -> bool:
    """Whether a missing module is the wanted one or a package around it."""
    return missing is not None and f"{wanted}.".startswith(f"{missing}.")


def _check_signature(target: Target, function: object) -> None:
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
    needed = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"{target} needs arguments ({', '.join(needed)}) and perfkit calls it with none: "
            "name a function that supplies them"
        )


@contextmanager
def _benchmark(target: Target, site: Path | None) -> Iterator[Run]:
    suite = find_suite(Path.cwd())
    _use(_working_tree(suite) if site is None else [site])
    # asv runs each benchmark in a scratch directory, where setup_cache may leave files.
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        os.chdir(scratch)
        with _blamed(target):
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
            with _blamed(target):
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
            if isinstance(error, SystemExit) and error.code in (None, 0):
                return None
            raise _blame(target, error) from error
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


@contextmanager
def _blamed(target: Target) -> Iterator[None]:
    try:
        yield
    except PerfkitError:
        raise
    except BaseException as error:
        raise _blame(target, error) from error


def _blame(target: Target, error: BaseException) -> MeasurementError:
    """Return the sentence for what the target's code raised; trims the error's traceback."""
    error.__traceback__ = _without_own_frames(error.__traceback__)
    if isinstance(error, SystemExit):
        return MeasurementError(
            f"{target} ended itself with sys.exit({error.code!r}), so its work was not measured: "
            "give it what it needs to succeed"
        )
    summary = traceback.extract_tb(error.__traceback__)
    place = "".join(f" at {at.filename}:{at.lineno} in {at.name}" for at in summary[-1:])
    said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return MeasurementError(
        f"{target} raised {said}{place}: its traceback stands above, "
        "repair the target and measure again"
    )


_OWN_FILES = {__file__, runpy.__file__, "<frozen runpy>", importlib.__file__}


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Drop the outermost frames that belong to perfkit and the import machinery."""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name not in _OWN_FILES and not name.startswith("<frozen importlib"):
            return trace
        trace = trace.tb_next
    return None
