import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.model import Function, Timing
from perfkit.profiling.reading import Places, call_tree, hotspots, read
from perfkit.profiling.recording import Recording, packed, unpacked, without_stem

THREAD = "MainThread\x00<thread>\x00140"


def frame(name: str, line: int = 1, *, file: str = "/project/app.py", cls: str = "") -> str:
    return f"{name}\x00{file}\x00{line}" + (f"\x01c{cls}" if cls else "") + f"\x01l{line + 1}"


def built_in(name: str) -> str:
    return f"{name}\x00<built-in>\x000"


def session(*samples: tuple[list[str], float]) -> dict[str, Any]:
    return {
        "frame_records": [([THREAD, *stack], seconds) for stack, seconds in samples],
        "duration": sum(seconds for _, seconds in samples),
        "start_call_stack": [THREAD],
        "sys_path": ["/project", "/venv/lib/site-packages"],
    }


place = Places("/project", ["/project/src", "/venv/lib/site-packages"])
main, left, right, hot = (
    frame(name, line) for line, name in enumerate(["main", "left", "right", "hot"])
)


def by_name(found: dict[str, Any]) -> dict[str, tuple[float, float, int]]:
    return {
        spot.function.name: (spot.self_seconds, spot.total_seconds, spot.samples)
        for spot in hotspots(found, place)
    }


def test_a_function_over_two_paths_is_one_row_and_comes_first() -> None:
    spots = hotspots(
        session(
            ([main, left, hot], 0.4), ([main, right, hot], 0.4), ([main], 0.1), ([main, left], 0.1)
        ),
        place,
    )
    first = spots[0]
    assert first.function == Function("hot", "/project/app.py", 3)
    assert first.place == "app.py:3"
    assert (first.self_seconds, first.total_seconds, first.samples) == (0.8, 0.8, 2)
    assert (first.self_share, first.total_share) == (pytest.approx(0.8), pytest.approx(0.8))
    assert [spot.function.name for spot in spots] == ["hot", "main", "left", "right"]
    assert spots[1].total_share == pytest.approx(1)


def test_recursion_is_counted_once() -> None:
    found = by_name(session(([main, hot, left, hot, hot], 1.0)))
    assert found["hot"] == (1.0, 1.0, 1)
    assert found["left"] == (0.0, 1.0, 0)


def test_compiled_functions_are_charged_to_the_caller() -> None:
    found = by_name(
        session(([main, hot, built_in("sorted")], 1.0), ([main, built_in("map"), left], 2.0))
    )
    assert found == {"main": (0, 3, 0), "hot": (1, 1, 1), "left": (2, 2, 1)}


def test_a_stack_of_compiled_code_only_is_not_lost() -> None:
    assert by_name(session(([built_in("sorted")], 1.0))) == {"sorted": (1, 1, 1)}


def test_an_inherited_method_is_one_function() -> None:
    base, often = frame("run", 5, cls="Base"), frame("run", 5, cls="Child")
    found = by_name(session(([main, often], 1.0), ([main, base], 1.0), ([main, often], 1.0)))
    assert found["Child.run"] == (3.0, 3.0, 3)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("file", "line", "written"),
    [
        ("/project/src/app.py", 7, "src/app.py:7"),
        ("/venv/lib/site-packages/rich/text.py", 7, "rich/text.py:7"),
        ("/elsewhere/app.py", 7, "/elsewhere/app.py:7"),
        ("<built-in>", 0, "<built-in>"),
        ("<string>", 1, "<string>:1"),
    ],
)
def test_places_are_written_as_a_person_would(file: str, line: int, written: str) -> None:
    assert place(Function("f", file, line)) == written


def test_the_tree_is_in_pre_order_and_keeps_what_it_hides() -> None:
    tree = call_tree(
        session(
            ([main, left, hot], 0.4),
            ([main, right], 0.595),
            ([main, left], 0.0),
            ([main, left, built_in("tiny")], 0.005),
        ),
        place,
    )
    assert [(node.depth, node.function.name) for node in tree] == [
        (0, "main"),
        (1, "right"),
        (1, "left"),
        (2, "hot"),
    ]
    assert tree[0].seconds == pytest.approx(1)
    assert tree[2].samples == 3
    assert tree[2].hidden_seconds == pytest.approx(0.005)
    assert tree[1].hidden_seconds == 0


def test_the_tree_folds_direct_recursion_and_skips_the_import_machinery() -> None:
    machinery = frame("_load", 1, file="<frozen importlib._bootstrap>")
    tree = call_tree(session(([main, hot, hot, hot, machinery, left], 1.0)), place)
    assert [(node.depth, node.function.name) for node in tree] == [
        (0, "main"),
        (1, "hot"),
        (2, "left"),
    ]


def test_a_stack_deeper_than_python_allows_is_read() -> None:
    deep = [frame(f"f{depth % 2}", depth % 2) for depth in range(50_000)]
    assert len(call_tree(session((deep, 1.0)), place)) == 50_000
    assert by_name(session((deep, 1.0))) == {"f0": (0, 1, 0), "f1": (1, 1, 1)}


functions = st.sampled_from([main, left, right, hot, built_in("len"), built_in("sorted")])
samples = st.lists(
    st.tuples(
        st.lists(functions, min_size=1, max_size=6),
        st.floats(1e-4, 1, allow_nan=False),
    ),
    min_size=1,
    max_size=40,
)


@given(samples)
def test_self_times_add_up_to_the_sampled_time(found: list[tuple[list[str], float]]) -> None:
    spots = hotspots(session(*found), place)
    whole = math.fsum(seconds for _, seconds in found)
    assert math.fsum(spot.self_seconds for spot in spots) == pytest.approx(whole)
    assert math.fsum(spot.self_share for spot in spots) == pytest.approx(1)
    assert sum(spot.samples for spot in spots) == len(found)
    assert all(spot.self_seconds <= spot.total_seconds <= whole * (1 + 1e-9) for spot in spots)
    assert [spot.self_seconds for spot in spots] == sorted(
        (spot.self_seconds for spot in spots), reverse=True
    )


@given(samples)
def test_a_node_is_never_smaller_than_its_children(found: list[tuple[list[str], float]]) -> None:
    path: list[float] = []
    for node in call_tree(session(*found), place):
        del path[node.depth :]
        assert not path or node.seconds <= path[-1] * (1 + 1e-9)
        path.append(node.seconds)


def recording(found: dict[str, Any]) -> Recording:
    return Recording(
        target="app.py",
        cwd="/project",
        timing=Timing(calls=1, first=0.5, median=0.5, total=0.5),
        calls=1,
        warmup=0,
        interval=0.001,
        session=found,
    )


def test_few_samples_are_said() -> None:
    few = read(recording(session(*[([main], 0.001)] * 99)))
    assert few.samples == 99
    assert "99 samples only" in few.warnings[0]
    assert "--repeat auto" in few.warnings[0]
    assert read(recording(session(*[([main], 0.001)] * 100))).warnings == ()


def test_time_without_samples_is_said() -> None:
    found = session(*[([main], 0.001)] * 200)
    assert read(recording(found | {"duration": 0.21})).warnings == ()
    (warning,) = read(recording(found | {"duration": 0.4})).warnings
    assert "50% of the profiled time has no sample" in warning


def test_stacks_start_at_the_target() -> None:
    start = [
        THREAD,
        frame("<module>", 1, file="<string>"),
        frame("record", 62, file="/perfkit/child.py"),
    ]
    run = frame("run", 9, file="/perfkit/load.py")
    moved = frame("record", 62, file="/perfkit/child.py").replace("l63", "l99")
    found = {
        "start_call_stack": start,
        "frame_records": [
            ([*start[:2], moved, run, main, hot], 1.0),
            ([*start[:2], moved, run], 2.0),
            ([*start[:2], moved, main, run], 3.0),
        ],
    }
    assert without_stem(found, {"/perfkit/load.py"}.__contains__) == {
        "start_call_stack": [THREAD],
        "frame_records": [
            ([THREAD, main, hot], 1.0),
            ([THREAD, "[calling the target]\x00perfkit\x000"], 2.0),
            ([THREAD, main, run], 3.0),
        ],
    }


@given(samples)
def test_a_packed_session_is_unpacked_as_it_was(found: list[tuple[list[str], float]]) -> None:
    before = session(*found)
    packed_values = json.loads(json.dumps(packed(before)))
    assert unpacked(packed_values) == before


def test_a_packed_session_holds_each_text_once() -> None:
    text = json.dumps(packed(session(*[([main, left, hot], 0.001)] * 1000)))
    assert text.count("/project/app.py") == 3
