"""The body of an asv benchmark; runs in the child process only."""

import functools
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perfkit.benchmarking.suite import Suite, find_suite
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import BenchmarkId
from perfkit.targets.blame import blamed
from perfkit.targets.spec import Target


@contextmanager
def body_of_benchmark(target: Target, site: Path | None) -> Iterator[Callable[[], object]]:
    """Yield what runs the benchmark once, in a scratch directory, after one ``setup``.

    ``site`` is the folder of the build that the suite imports; None means the working tree.

    Raises:
        UsageError: There is no such benchmark, or its body cannot be called here.
        MeasurementError: It skipped itself, or its setup raised.
    """
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
