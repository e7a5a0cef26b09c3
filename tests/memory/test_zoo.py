"""The zoo states its truth, its cases run, and a part of it comes out as stated.

All of it takes minutes: benchmarks/leaks/evaluate.py.
"""

import collections
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import Answer, changed, required, score, wrong
from beside import records
from leak_zoo.case import CASES, Case
from leak_zoo.extension import EXTENSION, built

from perfkit.memory.find import find_leaks
from perfkit.model import LeakState
from perfkit.targets.spec import parse_target

TESTS = Path(__file__).resolve().parents[1]
MODULES = ("leaking", "innocent", "native", "single", "unseen")
for name in MODULES:
    importlib.import_module(f"leak_zoo.{name}")


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        yield str(built(tmp_path_factory.mktemp("extension")))
    except FileNotFoundError as error:
        pytest.skip(str(error))


def of(name: str) -> Case:
    (case,) = [case for case in CASES if case.name == name]
    return case


# What the cases state


def test_both_sets_are_large_enough_and_no_name_is_there_twice() -> None:
    counts = collections.Counter((case.module == "leak_zoo.unseen", case.kind) for case in CASES)
    assert counts[False, "leak"] >= 25
    assert counts[False, "innocent"] >= 30
    assert counts[True, "leak"] >= 10
    assert counts[True, "innocent"] >= 10
    names = collections.Counter(case.name for case in CASES)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_module_of_the_zoo_is_known_here() -> None:
    marked = {
        path.stem
        for path in (TESTS / "leak_zoo").glob("*.py")
        if re.search(r"^(@?leak\(|@?innocent\b)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert marked == set(MODULES)


def test_the_functions_at_fault_are_written_in_the_module() -> None:
    for case in CASES:
        written = inspect.getsource(sys.modules[case.module])
        for function in case.functions:
            assert f"def {function}(" in written or function.startswith("<"), case


def test_every_case_can_be_called_again_and_again(extension: str) -> None:
    code = """
import asyncio, importlib, inspect, sys
sys.path.insert(0, "")
for target in sys.argv[1:]:
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    for _ in range(3):
        answer = function()
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *(case.target for case in CASES)],
        cwd=TESTS,
        env={**os.environ, EXTENSION: extension},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


# A part of the zoo under perfkit


@pytest.mark.parametrize(
    "name", ["malloc_of_8", "reference_never_given_back", "tasks_never_awaited", "closure_cell"]
)
def test_a_leak_is_found_named_and_its_holder_told(name: str, extension: str) -> None:
    case = of(name)
    result = find_leaks(
        parse_target(case.target, cwd=TESTS),
        cwd=TESTS,
        iterations=400,
        timeout=100,
        environment={EXTENSION: extension},
    )
    assert result.state is LeakState.LEAK, result
    assert result.sites[0].place.partition(" ")[2] in case.functions
    assert case.holder is None or any(case.holder in holder for holder in result.holders)


def test_a_slot_of_a_list_at_every_tenth_call_is_found_over_thousands() -> None:
    case = of("eight_bytes_in_ten_calls")
    result = find_leaks(parse_target(case.target, cwd=TESTS), cwd=TESTS, timeout=100)
    assert (result.state, result.iterations) == (LeakState.LEAK, 4000)
    assert [site.place.partition(" ")[2] for site in result.sites] == [case.name]


@pytest.mark.parametrize("name", ["megabyte_swings", "malloc_and_free", "over_allocated_list"])
def test_an_innocent_case_is_not_accused(name: str, extension: str) -> None:
    result = find_leaks(
        parse_target(of(name).target, cwd=TESTS),
        cwd=TESTS,
        iterations=400,
        timeout=100,
        environment={EXTENSION: extension},
    )
    assert (result.state, result.sites) == (LeakState.CLEAN, ())


# The evaluation

LEAK = Case("zoo", "kept", "leak", ("kept", "store"), holder="ITEMS")
NATIVE = Case("zoo", "by_address", "leak", ("by_address",), state="native")
INNOCENT = Case("zoo", "harmless", "innocent")
RIGHT = [
    Answer(LEAK, "leak", ("store", "kept"), ("zoo.ITEMS (list, module global)",), 3.0),
    Answer(NATIVE, "native", (), (), 4.0),
    Answer(INNOCENT, "clean", (), (), 2.0),
]


def test_a_right_answer_counts_everywhere() -> None:
    found = score(RIGHT)
    assert (found.found, found.accused, found.undecided) == ((2, 2), (0, 1), (0, 3))
    assert (found.named, found.held) == ((1, 1), (1, 1))
    assert (found.seconds, found.slowest) == (3.0, 4.0)
    assert list(wrong(RIGHT)) == []


def test_every_wrong_answer_is_told_and_counts() -> None:
    answers = [
        Answer(LEAK, "leak", ("elsewhere", "kept"), ("other",), 1.0),
        Answer(NATIVE, "inconclusive", (), (), 1.0),
        Answer(INNOCENT, "leak", ("harmless",), (), 1.0),
    ]
    found = score(answers)
    assert (found.found, found.accused, found.undecided) == ((1, 2), (1, 1), (1, 3))
    assert (found.named, found.held) == ((0, 1), (0, 1))
    assert list(wrong(answers)) == [
        "zoo:kept: names elsewhere first",
        "zoo:kept: holder ITEMS not named: ('other',)",
        "zoo:by_address: not found (inconclusive)",
        "zoo:harmless: accused (leak)",
    ]


def test_a_failed_measurement_is_never_right() -> None:
    answers = [Answer(one, "failed", (), (), 1.0) for one in (LEAK, NATIVE, INNOCENT)]
    found = score(answers)
    assert (found.found, found.accused, found.undecided) == ((0, 2), (0, 1), (3, 3))
    assert list(wrong(answers))[-1] == "zoo:harmless: failed (failed)"


def test_the_requirements_are_met_by_the_worst_run_or_not_at_all() -> None:
    alone = {"clean and trivial": 6.0, "leaky": 15.0, "numpy-heavy": 30.0}
    good = score(RIGHT)
    bad = score([Answer(one.case, "failed", (), (), 9.0) for one in RIGHT])
    answers = required([good] * 5, [good] * 5, alone, differing=[], seconds=360)
    assert {one.word for one in answers} == {"met"}
    slow = {name: limit + 0.1 for name, limit in alone.items()}
    answers = required([good] * 4 + [bad], [bad], slow, differing=["zoo:kept"], seconds=361)
    # A measurement that failed accuses nobody; that it is undecided stands in the table.
    assert [one.what for one in answers if one.met] == [
        "innocent cases of the zoo accused",
        "innocent cases of the second set accused",
    ]


def test_four_equal_runs_are_no_five() -> None:
    alone = {"clean and trivial": 1.0, "leaky": 1.0, "numpy-heavy": 1.0}
    good = score(RIGHT)
    answers = required([good] * 4, [good] * 4, alone, differing=[], seconds=1)
    assert [one.what for one in answers if not one.met] == ["the same state in every run"]


def test_cases_that_change_between_runs_are_told() -> None:
    other = [Answer(LEAK, "filling", (), (), 1.0)]
    assert changed([RIGHT, RIGHT]) == []
    assert changed([RIGHT, other]) == ["zoo:kept"]


def test_a_report_of_pytest_memray_is_read_with_its_units() -> None:
    text = """List of leaked allocations:
    - 1.5KiB allocated here:
        list_resize:Objects/listobject.c:81
        kept:/home/a b/zoo.py:7
        ...
    - 900.0B allocated here:
        <module>:/x.py:1"""
    assert records(text) == [
        (1536, [("list_resize", "Objects/listobject.c", 81), ("kept", "/home/a b/zoo.py", 7)]),
        (900, [("<module>", "/x.py", 1)]),
    ]


def test_tracemalloc_is_asked_in_a_process_of_its_own() -> None:
    script = TESTS.parent / "benchmarks" / "leaks" / "beside.py"
    done = subprocess.run(
        [sys.executable, script, "tracemalloc", of("list_of_objects").target, "300"],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["leak"] is True
    lines = [Path(file).name for _, file, _ in answer["places"]]
    assert lines[0] == "zoo.py"


def test_the_page_counts_the_cases_that_there_are() -> None:
    page = (TESTS.parent / "docs" / "leaks.md").read_text("utf-8")
    section = page.partition("<!-- leaks:begin -->")[2].partition("<!-- leaks:end -->")[0]
    for title, unseen in (("### The zoo", False), ("### The second set", True)):
        counts = collections.Counter(
            case.kind for case in CASES if (case.module == "leak_zoo.unseen") == unseen
        )
        (row,) = re.findall(r"^\| perfkit \|.*$", section.partition(title)[2], re.MULTILINE)[:1]
        found, accused = [cell.strip().split(" of ")[1] for cell in row.split("|")[2:4]]
        assert (int(found), int(accused)) == (counts["leak"], counts["innocent"])
