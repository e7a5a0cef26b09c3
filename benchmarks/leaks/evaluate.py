"""Show how many leaks of the zoo each tool finds and names, and whom it accuses falsely.

    python benchmarks/leaks/evaluate.py [--repeat 5] [--jobs 2] [--tools perfkit,...] [--write-docs]
        [NAME ...]

The zoo is tests/leak_zoo. Every case runs in a fresh process of the tool. The other tools need
the extra ``leaks-evaluation``. ``--write-docs`` puts the tables into docs/leaks.md.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "accuracy"))

from answers import Answer, Requirement, Score, changed, required, score, share, wrong
from asking import OTHERS, answers_of, ask, asked
from leak_zoo.case import CASES, Case
from leak_zoo.extension import EXTENSION, built
from pages import environment, table, write_section

ZOO = ("leaking", "innocent", "native", "single")
SECOND = ("unseen",)
"""The modules of the two sets."""

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
            found = answers_of(tool, zoo + second, options.jobs, options.others)
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
        "--others",
        type=Path,
        metavar="DIR",
        help="keep the answers of the other tools here, or use those that are",
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
