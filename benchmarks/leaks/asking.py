"""Cases of the zoo under each tool, every one in a fresh process of that tool."""

import ast
import concurrent.futures
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from answers import Answer
from leak_zoo.case import Case

TESTS = Path(__file__).resolve().parents[2] / "tests"
"""The folder that the targets are named from."""

OTHERS = {
    "psleak": ["psleak", "psutil"],
    "pytest-memray": ["pytest-memray", "memray"],
    "tracemalloc": [],
}
"""The other tools, with the packages whose versions are shown."""

SETTINGS = {
    "psleak": {"PYTHONMALLOC": "malloc", "PYTHONUNBUFFERED": "1"},  # as its README asks for
    "pytest-memray": {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    "tracemalloc": {},
}
"""Environment variables of the other tools."""

CALLS = 1000
"""Calls under the tools that do not choose the number themselves."""

TIMEOUT = 300
"""Seconds after which a tool has failed on a case."""


def ask(tool: str, case: Case) -> Answer:
    """Run one case under one tool."""
    began = time.perf_counter()
    answer = _perfkit(case) if tool == "perfkit" else _other(tool, case)
    state, functions, holders = answer
    return Answer(case, state, functions, holders, time.perf_counter() - began)


def _perfkit(case: Case) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    answer = _run([sys.executable, "-m", "perfkit", "leaks", case.target, "--json"], {})
    if answer is None or "state" not in answer:
        print(f"{case.target}: {answer}", file=sys.stderr)
        return "failed", (), ()
    functions = tuple(site["place"].partition(" ")[2] for site in answer["sites"])
    return answer["state"], functions, tuple(answer["holders"])


def _other(tool: str, case: Case) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    script = str(Path(__file__).with_name("beside.py"))
    answer = _run([sys.executable, script, tool, case.target, str(CALLS)], SETTINGS[tool])
    if answer is None:
        return "failed", (), ()
    functions = tuple(name or function_at(file, line) for name, file, line in answer["places"])
    return "leak" if answer["leak"] else "clean", functions, ()


def _run(command: list[str], settings: Mapping[str, str]) -> dict[str, Any] | None:
    """Run a command that answers with one JSON document; None where there is no such answer."""
    with tempfile.TemporaryFile("w+") as told:
        try:
            done = subprocess.run(
                command,
                cwd=TESTS,
                env={**os.environ, **settings, "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            return json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            told.seek(0)
            print(f"{' '.join(command)}: {error}\n{told.read()[-600:]}", file=sys.stderr)
            return None


@functools.cache
def _functions(file: str) -> list[tuple[int, int, str]]:
    """First and last line and name of the functions of a file, outer ones first."""
    path = Path(file)
    if not path.is_relative_to(TESTS):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    found = [one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, kinds)]
    return [
        (one.lineno, one.end_lineno or one.lineno, getattr(one, "name", "<lambda>"))
        for one in found
    ]


def function_at(file: str, line: int) -> str:
    """Return the innermost function of the cases that a line is in; empty outside of them."""
    inside = [name for first, last, name in _functions(file) if first <= line <= last]
    return inside[-1] if inside else ""


def asked(tool: str, cases: Sequence[Case], jobs: int) -> Iterator[Answer]:
    """Run the cases, ``jobs`` at a time, and print a line for each as it is done."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for answer in pool.map(functools.partial(ask, tool), cases):
            mark = "ok" if answer.right else "WRONG"
            first = answer.functions[0] if answer.functions else "-"
            print(
                f"{mark:6}{tool:14}{answer.case.target:50}{answer.state:13}"
                f"{answer.seconds:6.1f} s  {first}",
                flush=True,
            )
            yield answer


def answers_of(tool: str, cases: Sequence[Case], jobs: int, folder: Path | None) -> list[Answer]:
    """Return the answers of another tool: those kept in a folder, where all are, or new ones.

    New answers are kept there.
    """
    kept = folder and folder / f"{tool}.json"
    if kept is None:
        return list(asked(tool, cases, jobs))
    told: dict[str, list[Any]] = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    if missing := [case for case in cases if case.target not in told]:
        for one in asked(tool, missing, jobs):
            told[one.case.target] = [one.state, one.functions, one.holders, one.seconds]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(told, indent=1), "utf-8")
    return [
        Answer(case, state, tuple(functions), tuple(holders), seconds)
        for case in cases
        for state, functions, holders, seconds in [told[case.target]]
    ]
