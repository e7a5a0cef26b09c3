"""One case under one of the other tools, in a process of its own.

python benchmarks/leaks/beside.py TOOL MODULE:NAME CALLS

prints one JSON document: ``leak``, whether the tool accuses the target, and ``places``, what it
shows as [function, file, line], largest first. evaluate.py beside this starts it from ``tests``.
"""
# ruff: noqa: PLC0415 - a tool is imported where it is the one asked for

import asyncio
import gc
import importlib
import inspect
import json
import os
import re
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM_UP = 100
"""Calls before the other tools look, for imports and first-call caches; psleak has its own."""

LIMIT_PER_CALL = 1
"""Bytes per call and line that are accepted where a tool asks for a limit."""

STACKS = "40"
"""Frames of a stack that pytest-memray shows: its five are often all the interpreter's own."""

Place = tuple[str, str, int]

SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
"""Units in the report of pytest-memray."""

ALLOCATED = re.compile(r"^ +- (?P<size>[\d.]+)(?P<unit>(?:[KMG]i)?B) allocated here:$")
FRAME = re.compile(r"^ +(?P<function>.+?):(?P<file>[^:]+):(?P<line>\d+)$")


def loaded(target: str) -> Callable[[], object]:
    """Import a target as a callable without arguments; a coroutine function gets its own loop."""
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if inspect.iscoroutinefunction(function):
        return lambda: asyncio.run(function())
    return function


def psleak(target: str, calls: int) -> dict[str, Any]:
    """Its own defaults decide on the number of calls; only its look at memory is asked for."""
    del calls
    from psleak import Checkers, MemoryLeakError, MemoryLeakTestCase

    class Case(MemoryLeakTestCase):
        checkers = Checkers.only("memory")

        def runTest(self) -> None:  # noqa: N802 - unittest's name
            self.execute(loaded(target))

    Case.setUpClass()
    try:
        Case().runTest()
    except MemoryLeakError:
        return {"leak": True, "places": []}
    return {"leak": False, "places": []}


def differences(target: str, calls: int) -> dict[str, Any]:
    """Two snapshots of tracemalloc, compared line by line."""
    tracemalloc.start()
    call = loaded(target)
    for _ in range(WARM_UP):
        call()
    gc.collect()
    before = tracemalloc.take_snapshot()
    for _ in range(calls):
        call()
    gc.collect()
    after = tracemalloc.take_snapshot()
    ignored = [tracemalloc.Filter(inclusive=False, filename_pattern=tracemalloc.__file__)]
    compared = after.filter_traces(ignored).compare_to(before.filter_traces(ignored), "lineno")
    grown = sorted(
        (one for one in compared if one.size_diff >= LIMIT_PER_CALL * calls),
        key=lambda one: -one.size_diff,
    )
    places = [("", one.traceback[0].filename, one.traceback[0].lineno) for one in grown]
    return {"leak": bool(grown), "places": places}


TEST = """\
import gc
import sys

import pytest

sys.path[:0] = {path!r}
from beside import WARM_UP, loaded


@pytest.fixture
def call():
    call = loaded({target!r})
    for _ in range(WARM_UP):
        call()
    return call


@pytest.mark.limit_leaks("{limit} B")
def test_keeps_nothing(call):
    for _ in range({calls}):
        call()
    gc.collect()
"""


def memray_marker(target: str, calls: int) -> dict[str, Any]:
    """A test with the marker ``limit_leaks`` of pytest-memray."""
    import pytest

    found: list[tuple[float, list[Place]]] = []
    outcomes: list[str] = []

    class Collected:
        @staticmethod
        def pytest_runtest_logreport(report: pytest.TestReport) -> None:
            if report.when == "call" or report.failed:
                outcomes.append(report.outcome)
            for name, text in report.sections:
                if name == "memray-leaked-memory":
                    found.extend(records(text))

    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder, "test_case.py")
        limit = LIMIT_PER_CALL * calls
        path = [os.getcwd(), str(Path(__file__).parent)]  # noqa: PTH109 - as sys.path has it
        test.write_text(TEST.format(path=path, target=target, limit=limit, calls=calls), "utf-8")
        code = pytest.main(
            [
                *("-q", "-s", "-c", os.devnull, "--rootdir", folder, str(test)),
                *("-p", "no:cacheprovider", "-p", "pytest_memray.plugin"),
                *("--stacks", STACKS),
            ],
            plugins=[Collected()],
        )
    if outcomes not in (["passed"], ["failed"]) or (outcomes == ["failed"]) != bool(found):
        raise RuntimeError(f"pytest ended with {code}, outcomes {outcomes} for {target}")
    found.sort(key=lambda one: -one[0])
    own = [next((one for one in stack if _of_cases(one)), None) for _, stack in found]
    return {"leak": bool(found), "places": [one or ("", "", 0) for one in own]}


def _of_cases(place: Place) -> bool:
    return Path(place[1]).is_relative_to(Path.cwd())


def records(text: str) -> list[tuple[float, list[Place]]]:
    """Bytes and stack, innermost frame first, of each allocation in a report of pytest-memray."""
    found: list[tuple[float, list[Place]]] = []
    for line in text.splitlines():
        if started := ALLOCATED.match(line):
            found.append((float(started["size"]) * SIZES[started["unit"]], []))
        elif frame := FRAME.match(line):
            found[-1][1].append((frame["function"], frame["file"], int(frame["line"])))
    return found


TOOLS = {"psleak": psleak, "pytest-memray": memray_marker, "tracemalloc": differences}


def main() -> None:
    """Run the case and print its document on what was stdout; what the target prints is stderr."""
    tool, target, calls = sys.argv[1:]
    answer = os.dup(1)
    os.dup2(2, 1)
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as sys.path has it
    found = TOOLS[tool](target, int(calls))
    with os.fdopen(answer, "w") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    main()
