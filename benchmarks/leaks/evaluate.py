"""Show how many leaks of the zoo each tool finds and names, and whom it accuses falsely.

    python benchmarks/leaks/evaluate.py [--repeat 5] [--jobs 2] [--tools perfkit,...] [--write-docs]
        [NAME ...]

The zoo is tests/leak_zoo. Every case runs in a fresh process of the tool. The other tools need
the extra ``leaks-evaluation``. ``--write-docs`` puts the tables into docs/leaks.md.
"""

import argparse
import ast
import concurrent.futures
import dataclasses
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "accuracy"))

from answers import Answer, Requirement, Score, changed, required, score, share, wrong
from leak_zoo.case import CASES, Case
from leak_zoo.extension import EXTENSION, built
from pages import ROOT, environment, table, write_section

TESTS = ROOT / "tests"

ZOO = ("leaking", "innocent", "native", "single")
SECOND = ("unseen",)
"""The modules of the two sets."""

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

ALONE = {
    "clean and trivial": "memory.zoo:nothing",
    "leaky": "memory.zoo:list_of_objects",
    "numpy-heavy": "leak_zoo.innocent:numpy_heavy",
}
"""The cases that are timed with nothing beside them."""


def cases_of(modules: Sequence[str]) -> list[Case]:
    """Return the cases of the modules of the zoo, in order; they are imported here only."""
    before = len(CASES)
    for module in modules:
        importlib.import_module(f"leak_zoo.{module}")
    return CASES[before:]


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


def answers_of(tool: str, cases: Sequence[Case], options: argparse.Namespace) -> list[Answer]:
    """Return the answers of another tool: those kept in the folder of ``--others``, or new ones."""
    if options.others is None:
        return list(asked(tool, cases, options.jobs))
    kept = Path(options.others, f"{tool}.json")
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = [dataclasses.astuple(one)[1:] for one in asked(tool, cases, options.jobs)]
        kept.write_text(json.dumps(new), "utf-8")
    told = json.loads(kept.read_text("utf-8"))
    return [
        Answer(case, state, tuple(functions), tuple(holders), seconds)
        for case, (state, functions, holders, seconds) in zip(cases, told, strict=True)
    ]


def row(tool: str, found: Score) -> list[str]:
    """Return the row of a tool."""
    names = tool != "psleak"
    return [
        tool,
        share(found.found),
        share(found.accused),
        str(found.undecided[0]),
        share(found.named) if names else "names none",
        share(found.held) if tool == "perfkit" else "names none",
        f"{found.seconds:.1f}",
        f"{found.slowest:.1f}",
    ]


HEADER = [
    "tool",
    "leaks found",
    "innocent accused",
    "undecided or failed",
    "function at fault first",
    "holder named",
    "seconds per case",
    "slowest",
]


def set_lines(title: str, by_tool: Mapping[str, Sequence[Sequence[Answer]]]) -> Iterator[str]:
    """Return the table of the first run of one set, and what perfkit got wrong in any run."""
    yield f"### {title}"
    yield ""
    yield from table(HEADER, [row(tool, score(runs[0])) for tool, runs in by_tool.items()])
    told = dict.fromkeys(f"- {one}" for run in by_tool["perfkit"] for one in wrong(run))
    yield ""
    yield "What perfkit got wrong in any run, or named otherwise than the case states:"
    yield from ["", *(told or ["- nothing"]), ""]


def evaluate(
    options: argparse.Namespace, tools: Sequence[str], zoo: list[Case], second: list[Case]
) -> tuple[list[str], list[Requirement]]:
    """Run everything and return the section of the page, and the requirements."""
    command = ["python benchmarks/leaks/evaluate.py", f"--repeat {options.repeat}"]
    load = os.getloadavg()[0]
    packages = ["memray", *(name for tool in tools for name in OTHERS.get(tool, []))]
    where = environment(*dict.fromkeys(packages))
    by_name = {case.target: case for case in zoo}
    alone = {what: ask("perfkit", by_name[name]).seconds for what, name in ALONE.items()}
    sets: list[dict[str, list[list[Answer]]]] = [{}, {}]
    longest = 0.0
    for tool in tools:
        for kept in sets:
            kept[tool] = []
        if tool != "perfkit":
            found = answers_of(tool, zoo + second, options)
            sets[0][tool].append(found[: len(zoo)])
            sets[1][tool].append(found[len(zoo) :])
            continue
        for _ in range(options.repeat):
            began = time.perf_counter()
            sets[0][tool].append(list(asked(tool, zoo, options.jobs)))
            longest = max(longest, time.perf_counter() - began)
        sets[1][tool].append(list(asked(tool, second, options.jobs)))
    first, other = (kept["perfkit"] for kept in sets)
    differing = [*changed(first), *changed(other)]
    requirements = required(
        [score(run) for run in first],
        [score(run) for run in other],
        alone,
        differing=differing,
        seconds=longest,
    )
    lines = [
        f"`{' '.join(command)}`, {where}.",
        f"Load of the machine {load:.1f} before it began and {os.getloadavg()[0]:.1f} at its end,",
        f"with {options.jobs} cases at a time.",
        *(
            ["The answers of the other tools were kept from a run before."]
            if options.others
            else []
        ),
        "",
    ]
    lines += ["### Required and measured in this run", ""]
    rows = [[one.what, one.wanted, one.measured, one.word] for one in requirements]
    lines += table(["figure", "required", "measured", "met"], rows)
    lines += ["", *(f"Not the same in every run: {target}." for target in differing)]
    lines += [*set_lines("The zoo", sets[0]), *set_lines("The second set", sets[1])]
    return lines, requirements


def main() -> int:
    """Run everything, print tables and requirements; 1 where one is not met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=1,
        help="runs of the zoo under perfkit; the second set runs once",
    )
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--tools", default=",".join(["perfkit", *OTHERS]), help="among these")
    parser.add_argument(
        "--others", metavar="DIR", help="keep the answers of other tools, or use them"
    )
    parser.add_argument("--write-docs", action="store_true", help="update docs/leaks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these cases, without the tables")
    options = parser.parse_args()
    tools = options.tools.split(",")
    if unknown := set(tools) - {"perfkit", *OTHERS}:
        parser.error(
            f"--tools: {', '.join(sorted(unknown))} is none of perfkit, {', '.join(OTHERS)}"
        )
    if "perfkit" not in tools and not options.names:
        parser.error("--tools: the tables need perfkit; without it, name cases")
    with tempfile.TemporaryDirectory() as folder:
        os.environ[EXTENSION] = str(built(Path(folder)))
        zoo, second = cases_of(ZOO), cases_of(SECOND)
        if options.names:
            chosen = [case for case in zoo + second if case.name in options.names]
            for tool in tools:
                answers = [one for _ in range(options.repeat) for one in asked(tool, chosen, 1)]
                print(*wrong(answers), sep="\n")
            return 0
        lines, requirements = evaluate(options, tools, zoo, second)
    print("", *lines, sep="\n")
    if options.write_docs:
        write_section("leaks", "\n".join(lines).rstrip(), "leaks.md")
    return int(not all(one.met for one in requirements))


if __name__ == "__main__":
    sys.exit(main())
