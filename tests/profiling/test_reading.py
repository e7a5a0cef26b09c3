import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.model import Function, Timing
from perfkit.profiling.calls import call_paths, call_tree
from perfkit.profiling.packing import packed, unpacked
from perfkit.profiling.reading import Places, hotspots, read, share_band
from perfkit.profiling.recording import Recording, stacks, without_stem
from perfkit.profiling.view import View

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
        "sys_path": ["/project", "/usr/lib/python3.11", "/venv/lib/site-packages"],
        "sys_prefixes": ["/venv", "/usr"],
    }


place = Places("/project", ["/project/src", "/venv/lib/site-packages"])
main, left, right, hot = (
    frame(name, line) for line, name in enumerate(["main", "left", "right", "hot"], 1)
)


def by_name(found: dict[str, Any]) -> dict[str, tuple[float, float, int]]:
    return {
        spot.function.name: (spot.self_seconds, spot.total_seconds, spot.samples)
        for spot in hotspots(stacks(found), place)
    }


def test_a_function_over_two_paths_is_one_row_and_comes_first() -> None:
    found = session(
        ([main, left, hot], 0.4), ([main, right, hot], 0.4), ([main], 0.1), ([main, left], 0.1)
    )
    spots = hotspots(stacks(found), place)
    first = spots[0]
    assert first.function == Function("hot", "/project/app.py", 4)
    assert first.place == "app.py:4"
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
    found = session(
        ([main, left, hot], 0.4),
        ([main, right], 0.595),
        ([main, left], 0.0),
        ([main, left, built_in("tiny")], 0.005),
    )
    tree = call_tree(stacks(found), place)
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
    tree = call_tree(stacks(session(([main, hot, hot, hot, machinery, left], 1.0))), place)
    assert [(node.depth, node.function.name) for node in tree] == [
        (0, "main"),
        (1, "hot"),
        (2, "left"),
    ]


def test_a_stack_deeper_than_python_allows_is_read() -> None:
    deep = [frame(f"f{depth % 2}", depth % 2) for depth in range(50_000)]
    assert len(call_tree(stacks(session((deep, 1.0))), place)) == 50_000
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
    spots = hotspots(stacks(session(*found)), place)
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
    for node in call_tree(stacks(session(*found)), place):
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
    (warning,) = read(replace(recording(found | {"duration": 0.3}), cut_off=True)).warnings
    assert warning.startswith("the time limit ended the recording")


def test_a_replaced_profiler_is_said_however_few_samples_there_are() -> None:
    found = session(([main], 0.005))
    (warning,) = read(recording(found | {"duration": 0.3})).warnings
    assert warning.startswith("most of the profiled time has no sample: the target seems to have")
    assert "replaced the profiler" in warning
    # A busy machine may stop the profiler late.
    (warning,) = read(recording(found | {"duration": 0.08})).warnings
    assert warning.startswith("1 sample only")


def test_stacks_start_at_the_target() -> None:
    start = [
        THREAD,
        frame("<module>", 1, file="<string>"),
        frame("record", 62, file="/perfkit/child.py"),
    ]
    run = frame("run", 9, file="/perfkit/load.py")
    again = frame("again", 30, file="/perfkit/dither.py")
    moved = frame("record", 62, file="/perfkit/child.py").replace("l63", "l99")
    found = {
        "start_call_stack": start,
        "frame_records": [
            ([*start[:2], moved, run, main, hot], 1.0),
            ([*start[:2], moved, run], 2.0),
            ([*start[:2], moved, main, run], 3.0),
            ([*start[:2], moved, run, again, left], 4.0),
            ([*start[:2], moved, run, main, again], 5.0),
        ],
    }
    assert without_stem(
        found, {"/perfkit/load.py"}.__contains__, {"/perfkit/dither.py"}.__contains__
    ) == {
        "start_call_stack": [THREAD],
        "frame_records": [
            ([THREAD, main, hot], 1.0),
            ([THREAD, "[calling the target]\x00perfkit\x000"], 2.0),
            ([THREAD, main, run], 3.0),
            ([THREAD, "[calling the target]\x00perfkit\x000"], 4.0),
            ([THREAD, main, again], 5.0),
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


decode = frame("decode", 9, file="/usr/lib/python3.11/json/decoder.py")
scan = frame("scan", 20, file="/usr/lib/python3.11/json/scanner.py")
hook = frame("hook", 30)
render = frame("render", 5, file="/project/.venv/lib/python3.11/site-packages/jinja2/loaders.py")


def rows(view: View, *found: tuple[list[str], float]) -> dict[str, tuple[float, float]]:
    return {
        spot.function.name: (spot.self_seconds, spot.total_seconds)
        for spot in read(recording(session(*found)), view).hotspots
    }


LIBRARIES = (
    ([main, decode, scan, built_in("len")], 1.0),
    ([main, decode, scan, hook], 2.0),
    ([main, built_in("sorted")], 4.0),
    ([render], 8.0),
)
script = frame("<module>", 1, file="app.py")


def test_own_code_is_told_from_libraries_wherever_they_are_installed() -> None:
    found = read(recording(session(*LIBRARIES)))
    assert {spot.function.name: spot.own for spot in found.hotspots} == {
        "render": False,
        "main": True,
        "hook": True,
        "scan": False,
        "decode": False,
    }
    assert found.own_share == pytest.approx(6 / 15)  # main with sorted, and hook
    assert read(recording(session(([script], 1.0)))).own_share == 1
    calling = "[calling the target]\x00perfkit\x000"
    between = read(recording(session(([calling], 1.0), ([main], 2.0), ([render], 1.0))))
    assert (between.own_share, between.calling_share) == (0.5, 0.25)
    assert read(recording(session(([frame("f", file="<string>")], 1.0)))).own_share == 0


def test_only_mine_charges_libraries_to_the_code_that_calls_them() -> None:
    assert rows(View(only_mine=True), *LIBRARIES) == {
        "[not shown]": (8, 8),
        "main": (5, 7),
        "hook": (2, 2),
    }


@pytest.mark.parametrize("pattern", ["json/*", "/usr/lib/python3.11/json/*", "[ds]*[en]"])
def test_what_a_pattern_hides_goes_to_its_caller(pattern: str) -> None:
    found = rows(View(hide=(pattern,)), *LIBRARIES)
    assert found == {"render": (8, 8), "main": (5, 7), "hook": (2, 2)}


def test_show_has_the_last_word() -> None:
    view = View(only_mine=True, hide=("*",), show=("scan", "hook"))
    assert rows(view, *LIBRARIES) == {"[not shown]": (12, 12), "scan": (1, 3), "hook": (2, 2)}


def test_a_compiled_function_goes_with_its_caller() -> None:
    (node, *_) = read(
        recording(session(([main, scan, built_in("len")], 1.0))), View(hide=("scan",))
    ).tree
    assert (node.function.name, node.hidden_seconds) == ("main", 0)


def test_the_tree_folds_a_library_into_the_function_that_was_called() -> None:
    tree = read(recording(session(*LIBRARIES)), View()).tree
    assert [(one.depth, one.function.name, one.folded) for one in tree] == [
        (0, "render", 0),
        (0, "main", 0),
        (1, "sorted", 0),
        (1, "decode", 2),
        (2, "hook", 0),
    ]
    shown = read(recording(session(*LIBRARIES)), View(show=("scan",))).tree
    assert [one.function.name for one in shown] == [
        "render",
        "main",
        "sorted",
        "decode",
        "scan",
        "hook",
    ]
    whole = read(recording(session(*LIBRARIES)), View(fold=False)).tree
    assert [one.folded for one in whole] == [0] * len(whole)
    assert "len" in {one.function.name for one in whole}


def test_nothing_is_folded_where_everything_is_a_library() -> None:
    tree = read(recording(session(([render, decode, scan], 1.0))), View()).tree
    assert [one.function.name for one in tree] == ["render", "decode", "scan"]


def test_the_paths_to_a_function_add_up_to_its_total() -> None:
    found = session(
        ([main, left, hot, hot], 0.5), ([main, right, hot, left, hot], 0.25), ([main], 0.25)
    )
    paths = call_paths(stacks(found), place, "hot")
    assert [([one.name for one in path.callers], path.seconds, path.samples) for path in paths] == [
        (["main", "left"], 0.5, 1),
        (["main", "right"], 0.25, 1),
    ]
    assert sum(path.share for path in paths) == pytest.approx(0.75)
    assert call_paths(stacks(found), place, "app.py:4*")[0].function.name == "hot"
    assert call_paths(stacks(found), place, "absent") == ()


views = st.builds(
    View,
    only_mine=st.booleans(),
    show=st.lists(st.sampled_from(["hot", "json/*", "l*"]), max_size=1).map(tuple),
    hide=st.lists(st.sampled_from(["*", "left", "app.py", "<built-in>"]), max_size=1).map(tuple),
    fold=st.booleans(),
)


@given(samples, views)
def test_no_view_loses_time(found: list[tuple[list[str], float]], view: View) -> None:
    seen = read(recording(session(*found)), view)
    whole = math.fsum(seconds for _, seconds in found)
    assert math.fsum(spot.self_seconds for spot in seen.hotspots) == pytest.approx(whole)


def test_a_band_is_wilsons() -> None:
    # Brown, Cai and DasGupta (2001) give the formula; the figures are of scipy's binomtest.
    assert share_band(0.5, 100) == (
        pytest.approx(0.40383, abs=1e-5),
        pytest.approx(0.59617, abs=1e-5),
    )
    assert share_band(0.0, 20) == (0, pytest.approx(0.16113, abs=1e-5))
    assert share_band(1.0, 20) == (pytest.approx(0.83887, abs=1e-5), 1)


def test_a_profiler_that_slows_the_target_is_said() -> None:
    busy = session(*[([main], 0.001)] * 700)
    (warning,) = read(recording(busy)).warnings
    assert "slowed the target x1.4" in warning
    assert read(recording(session(*[([main], 0.001)] * 600))).warnings == ()
