"""The pytest plugin: ``@pytest.mark.perfkit_leaks`` makes a test a leak check of its own body.

pytest loads it in every run beside perfkit, so it imports pytest alone; the rest is imported when a
marked test runs. Fixtures are made and the body is called in fresh processes only. Measuring is the
test's setup and the verdict is its call: so a leak is a failure, and what could not be decided or
measured is an error.
"""

import functools
import importlib.util
import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.model import LeakResult

MARKER = "perfkit_leaks"

OPTIONS = {"ceiling": "'0 B'", "iterations": "None", "timeout": "'5min'"}
"""What the marker takes, with its defaults as they are written."""

WIDTH = 100
"""Columns of what a failed test shows; pytest puts a border of its own beside it."""

_FORM = f"{MARKER}({', '.join(f'{name}={value}' for name, value in OPTIONS.items())})"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, which ``pytest --markers`` shows."""
    config.addinivalue_line(
        "markers",
        f"{_FORM}: call the test again and again in fresh processes, and fail where a line keeps"
        " more memory with every call than the ceiling.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put a leak check in the place of a marked test's fixtures and body."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return
    from perfkit.targets.pytest_body import MEASURED

    if not item.config.pluginmanager.has_plugin(MEASURED):
        # Without its own setup there is nothing to tear down either.
        vars(item).update(setup=functools.partial(_measure, item, marker), teardown=_nothing)


def _nothing() -> None:
    pass


def _measure(item: pytest.Item, marker: pytest.Mark) -> None:
    """Check for leaks; leave the verdict to the test's call, or fail where there is none."""
    from perfkit.errors import PerfkitError
    from perfkit.model import Status

    failure = ""
    try:
        result = _checked(item, marker)
    except PerfkitError as error:
        failure = f"perfkit: {error}"
    else:
        if result.status in (Status.INCONCLUSIVE, Status.ERROR):
            failure = _words(result)
        vars(item).update(runtest=functools.partial(_judge, result))
    if failure:
        pytest.fail(failure, pytrace=False)


def _judge(result: "LeakResult") -> None:
    from perfkit.model import Status

    if result.status is not Status.PASSED:
        pytest.fail(_words(result), pytrace=False)


def _checked(item: pytest.Item, marker: pytest.Mark) -> "LeakResult":
    """Return the result of the leak check that the marker asks for.

    Raises:
        UsageError: The marker is not of its form, or the test cannot be called again and again.
        MeasurementError: The test or one of its fixtures raised, or memray could not watch it.
    """
    from perfkit.errors import UsageError

    if importlib.util.find_spec("memray") is None:
        raise UsageError(
            f"{MARKER} needs memray, which is not installed beside {sys.executable}: install it"
            " there with python -m pip install memray"
        )
    from perfkit.config.units import parse_duration, parse_size
    from perfkit.memory.find import find_leaks
    from perfkit.targets.spec import Target, TargetKind

    if marker.args or not marker.kwargs.keys() <= OPTIONS.keys():
        found = ", ".join([*map(repr, marker.args), *(f"{key}=" for key in marker.kwargs)])
        raise UsageError(f"found {MARKER}({found}), wanted {_FORM}")
    iterations = marker.kwargs.get("iterations")
    if not (iterations is None or type(iterations) is int):
        raise UsageError(f"{MARKER}: iterations: found {iterations!r}, wanted a whole number")
    folder = item.config.invocation_params.dir
    file = os.path.relpath(item.path, folder)
    name = f"{file}::{item.nodeid.partition('::')[2]}"
    return find_leaks(
        Target(TargetKind.PYTEST, name),
        cwd=folder,
        ceiling=_quantity(marker, "ceiling", parse_size, "0 B"),
        iterations=iterations,
        timeout=_quantity(marker, "timeout", parse_duration, "5min"),
        environment={"PYTEST_ADDOPTS": _addopts(item.config)},
    )


def _quantity(marker: pytest.Mark, name: str, parse: "Callable[[str], float]", usual: str) -> float:
    from perfkit.errors import UsageError

    try:
        return parse(str(marker.kwargs.get(name, usual)))
    except UsageError as error:
        raise UsageError(f"{MARKER}: {name}: {error}") from None


def _words(result: "LeakResult") -> str:
    """Return what `perfkit leaks` prints of the result."""
    from io import StringIO

    from rich.console import Console

    from perfkit.reporting.leaks_text import leaks_text

    stream = StringIO()
    Console(file=stream, width=WIDTH, color_system=None).print(leaks_text(result))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _addopts(config: pytest.Config) -> str:
    """Return the options that let another pytest see the same project with the same plugins."""
    ini = ["-c", str(config.inipath)] if config.inipath is not None else []
    words = [*ini, "--rootdir", str(config.rootpath)]
    for option, name in (("-p", "plugins"), ("-o", "override_ini")):
        for value in config.getoption(name, default=None) or ():
            words += [option, value]
    return " ".join([os.environ.get("PYTEST_ADDOPTS", ""), shlex.join(words)]).strip()
