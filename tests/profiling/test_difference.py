"""Which functions made the difference, on sessions made by hand."""

import random
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiling_sessions import frame, recording

from perfkit.errors import MeasurementError
from perfkit.model import Difference
from perfkit.profiling.charging import Code, charge
from perfkit.profiling.difference import Profiled, Sides, difference
from perfkit.profiling.matching import match
from perfkit.profiling.sources import Sources, sources

MAIN = frame("main", "/project/app.py", 1)
PARSE = frame("parse", "/project/app.py", 10)
RENDER = frame("render", "/project/app.py", 20)
LOADS = frame("loads", "/lib/json/__init__.py", 299)
DECODE = frame("raw_decode", "<built-in>", 0)
OWN = Sources(("/project",))


def side(
    label: str, costs: dict[tuple[str, ...], float], *, sessions: int = 5, **options: float
) -> Profiled:
    noise = random.Random(label)
    return Profiled(
        label=label,
        recordings=[
            recording({stack: ms * noise.uniform(0.97, 1.03) for stack, ms in costs.items()})
            if not options
            else recording(costs, **options)  # type: ignore[arg-type] - one option of the factory
            for _ in range(sessions)
        ],
        sources=OWN,
        timed=True,
    )


def compared(
    base: dict[tuple[str, ...], float], head: dict[tuple[str, ...], float], sessions: int = 5
) -> Difference:
    return difference(
        Sides(
            base=side("base", base, sessions=sessions), head=side("head", head, sessions=sessions)
        )
    )


def test_the_slower_function_is_named_with_its_part_of_the_slowdown() -> None:
    found = compared(
        {(MAIN,): 50, (MAIN, PARSE): 100, (MAIN, RENDER): 50},
        {(MAIN,): 50, (MAIN, PARSE): 300, (MAIN, RENDER): 50},
    )
    [row] = found.slower
    assert (row.function, row.place, row.former, row.through) == ("parse", "app.py:10", "", "")
    assert row.base == pytest.approx(0.5, abs=0.03)
    assert row.head == pytest.approx(1.5, abs=0.06)
    assert row.explained == pytest.approx(1, abs=0.1)
    assert found.culprits == (row,)
    assert (found.sessions, found.base_seconds, found.relabellings) == ((5, 5), 0.01, 252)
    assert found.warnings == ()


def test_a_slower_library_is_its_callers() -> None:
    found = compared(
        {(MAIN, PARSE): 80, (MAIN, PARSE, LOADS): 20, (MAIN, RENDER): 90},
        {(MAIN, PARSE): 80, (MAIN, PARSE, LOADS, DECODE): 220, (MAIN, RENDER): 90},
    )
    assert [row.function for row in found.slower] == ["parse"]
    assert found.slower[0].through == "loads (json/__init__.py)"


def test_a_comprehension_is_the_function_around_it() -> None:
    inside = frame("<genexpr>", "/project/app.py", 12)
    found = compared(
        {(MAIN, PARSE): 50, (MAIN, RENDER): 90},
        {(MAIN, PARSE, inside): 250, (MAIN, RENDER): 90},
    )
    assert [(row.function, row.through) for row in found.slower] == [("parse", "")]
    alone = compared({(inside,): 50, (MAIN,): 90}, {(inside,): 250, (MAIN,): 90})
    assert [row.function for row in alone.slower] == ["<genexpr>"]


def test_what_no_function_of_the_project_called_is_charged_to_itself() -> None:
    found = compared({(LOADS,): 50, (MAIN,): 50}, {(LOADS,): 250, (MAIN,): 50})
    assert [(row.function, row.place) for row in found.slower] == [
        ("loads", "json/__init__.py:299")
    ]


def test_without_significance_three_guesses_are_given_as_such() -> None:
    found = compared(
        {(MAIN,): 50, (MAIN, PARSE): 100, (MAIN, RENDER): 50},
        {(MAIN,): 52, (MAIN, PARSE): 102, (MAIN, RENDER): 51},
        sessions=3,
    )
    assert found.slower == ()
    assert 1 <= len(found.culprits) <= 3
    assert not any(row.significant for row in found.culprits)
    assert found.warnings[0].startswith("3 sessions a side cannot show a difference")


def test_a_faster_function_is_no_culprit() -> None:
    found = compared({(MAIN,): 50, (MAIN, PARSE): 300}, {(MAIN,): 50, (MAIN, PARSE): 100})
    assert found.culprits == () or not found.culprits[0].significant
    assert found.rows[-1].function == "parse"
    assert found.rows[-1].significant
    assert {row.explained for row in found.rows} == {None}


def test_time_in_other_threads_is_said() -> None:
    waiting = side("head", {(MAIN,): 300}, threads=0.28)
    found = difference(Sides(base=side("base", {(MAIN,): 50}), head=waiting))
    assert "other threads and processes used" in found.warnings[-1]


def test_one_session_is_no_comparison() -> None:
    with pytest.raises(MeasurementError, match="found 1 sessions of base and 5 of head"):
        difference(
            Sides(base=side("base", {(MAIN,): 9}, sessions=1), head=side("head", {(MAIN,): 9}))
        )


def test_a_function_whose_file_was_renamed_and_whose_line_moved_is_the_same() -> None:
    stood = frame("parse", "/project/parse.py", 10)
    moved = frame("parse", "/project/reading/parse.py", 3)
    base, head = (
        side("base", {(MAIN,): 50, (stood,): 50}),
        side("head", {(MAIN,): 50, (moved,): 250}),
    )
    both = Sides(base=base, head=head, renamed={"parse.py": "reading/parse.py"})
    [row] = difference(both).slower
    assert (row.function, row.place, row.former) == (
        "parse",
        "reading/parse.py:3",
        "parse.py:10 parse",
    )


def test_a_method_seen_with_another_class_is_the_same() -> None:
    before = [Code("a.py", "Base.run"), Code("a.py", "stay"), Code("a.py", "gone")]
    after = [Code("a.py", "Child.run"), Code("a.py", "stay"), Code("a.py", "new")]
    assert set(match(before, after, {})) == {
        (Code("a.py", "Base.run"), Code("a.py", "Child.run")),
        (Code("a.py", "stay"), Code("a.py", "stay")),
        (Code("a.py", "gone"), None),
        (None, Code("a.py", "new")),
    }


def test_a_bare_name_that_two_classes_have_matches_nothing() -> None:
    before = [Code("a.py", "A.run"), Code("a.py", "B.run")]
    after = [Code("a.py", "C.run")]
    assert len(match(before, after, {})) == 3


codes = st.sets(
    st.builds(Code, st.sampled_from("ab"), st.sampled_from(["f", "g", "A.f", "B.f", "B.g"]))
)


@settings(max_examples=40)
@given(codes, codes, st.sampled_from([{}, {"a": "b"}, {"a": "c"}]))
def test_every_function_is_matched_once(
    base: set[Code], head: set[Code], renamed: dict[str, str]
) -> None:
    if "b" in renamed.values():
        base = {code for code in base if code.path != "b"}  # git renames to a new file only
    pairs = match(base, head, renamed)
    assert sorted(code for code, _ in pairs if code) == sorted(base)
    assert sorted(code for _, code in pairs if code) == sorted(head)
    assert all(pair != (None, None) for pair in pairs)


def test_costs_are_per_call_and_a_class_seen_otherwise_is_one_function() -> None:
    once = frame("run", "/project/app.py", 5, cls="A")
    twice = frame("run", "/project/app.py", 5, cls="B")
    first = recording({(once,): 4}, calls=2)
    second = recording({(twice,): 30}, calls=10)
    found = charge([first, second], OWN)
    assert found.functions[Code("app.py", "B.run")].costs == pytest.approx([0.002, 0.003])
    assert found.quantum == pytest.approx((0.0005, 0.0001))


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("/checkout/pkg/mod.py", "pkg/mod.py"),
        ("/checkout/untracked.py", None),
        ("/checkout/.venv/lib/site-packages/pkg/mod.py", None),
        ("/site/lib/core.py", "src/lib/core.py"),
        ("/site/generated.py", None),
        ("/elsewhere/pkg/mod.py", None),
        ("<built-in>", None),
        ("<frozen runpy>", None),
    ],
)
def test_files_of_a_build_are_those_it_was_built_from(file: str, own: str | None) -> None:
    tracked = ["pkg/mod.py", "src/lib/core.py", "vendor/old/src/lib/core.py"]
    assert sources([PurePath("/checkout"), "/site", "/site"], tracked).own(file) == own


def test_outside_of_a_repository_every_file_below_is_own() -> None:
    assert Sources(("/project",)).own("/project/deep/app.py") == "deep/app.py"
