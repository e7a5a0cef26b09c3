import json
import math
from pathlib import Path

import pytest

from perfkit.memory.decide import could_still_settle, decide, needs_confirmation, site_growths
from perfkit.memory.find import affordable
from perfkit.memory.growth import Shape
from perfkit.memory.loop import schedule
from perfkit.memory.naming import NAMELESS
from perfkit.memory.places import naming_one_of, own_code, shown_from
from perfkit.memory.series import Frame, Holder, Recording, StackSeries, call_sites
from perfkit.model import LeakState, Status

MARKS = tuple(schedule(4000))
KEEP = Frame("/app/pkg/keep.py", 7, "keep")
MAIN = Frame("/app/pkg/main.py", 3, "main")
LIBRARY = Frame("/venv/lib/python3.11/site-packages/lib.py", 9, "parse")
OWN = own_code(["/app/pkg"])


def series(*stack: Frame, per_call: float = 0, size: int = 10, bound: int = 10**9) -> StackSeries:
    blocks = tuple(int(min(mark, bound) * per_call) for mark in MARKS)
    return StackSeries(
        stack=stack, live_blocks=blocks, live_bytes=tuple(size * count for count in blocks)
    )


def recording(*stacks: StackSeries, caches: tuple[tuple[str, int, int], ...] = ()) -> Recording:
    return Recording(marks=MARKS, stacks=stacks, seconds_per_iteration=0.01, filling_caches=caches)


def decided(
    *stacks: StackSeries, ceiling: float = 0, caches: tuple[tuple[str, int, int], ...] = ()
) -> tuple[LeakState, list[str]]:
    seen = recording(*stacks, caches=caches)
    result = decide("pkg:main", seen, site_growths(seen, OWN), ceiling=ceiling)
    return result.state, [site.place for site in result.sites]


def test_the_site_is_the_innermost_line_of_the_targets_own_code() -> None:
    stack = (LIBRARY, KEEP, MAIN)
    state, places = decided(series(*stack, per_call=1), series(KEEP, MAIN, per_call=2))
    assert (state, places) == (LeakState.LEAK, [str(KEEP)])


def test_bytes_and_blocks_of_all_stacks_of_a_line_are_summed_and_the_worst_is_shown() -> None:
    seen = recording(series(LIBRARY, KEEP, MAIN, per_call=1), series(KEEP, MAIN, per_call=2))
    (site,) = decide("pkg:main", seen, site_growths(seen, OWN), ceiling=0).sites
    assert site.bytes_per_iteration == pytest.approx(30)
    assert site.blocks_per_iteration == pytest.approx(3)
    assert site.stack == (str(KEEP), str(MAIN))


def test_nothing_recorded_is_clean() -> None:
    assert decided() == (LeakState.CLEAN, [])


def test_the_largest_site_comes_first() -> None:
    small, large = series(MAIN, per_call=1), series(KEEP, MAIN, per_call=5)
    assert decided(small, large) == (LeakState.LEAK, [str(KEEP), str(MAIN)])


@pytest.mark.parametrize(("ceiling", "state"), [(9.9, LeakState.LEAK), (10.1, LeakState.CLEAN)])
def test_the_ceiling_moves_the_word(ceiling: float, state: LeakState) -> None:
    assert decided(series(KEEP, per_call=1), ceiling=ceiling) == (state, [str(KEEP)])


def test_a_bound_reached_is_clean() -> None:
    assert decided(series(KEEP, per_call=1, bound=1900)) == (LeakState.CLEAN, [])


def test_a_falling_slope_is_filling_and_fails_nothing() -> None:
    live = tuple(round(1e6 * (1 - 2 ** (-mark / 860))) for mark in MARKS)
    seen = recording(StackSeries(stack=(KEEP,), live_bytes=live, live_blocks=live))
    result = decide("pkg:main", seen, site_growths(seen, OWN), ceiling=0)
    assert (result.state, result.status) == (LeakState.FILLING, Status.INCONCLUSIVE)


def filling(size: int, *, table: int = 0) -> Recording:
    """A cache of random keys, ``size`` bytes each; its table grows by ``table`` at 3000 calls."""
    blocks = tuple(round(2600 * (1 - math.exp(-mark / 2600))) for mark in MARKS)
    live = tuple(
        size * count + table * (mark >= 3000) for mark, count in zip(MARKS, blocks, strict=True)
    )
    return recording(StackSeries(stack=(KEEP,), live_bytes=live, live_blocks=blocks))


@pytest.mark.parametrize("table", [0, 50_000], ids=["entries", "and a larger table"])
def test_what_grows_ever_more_slowly_is_no_leak_yet(table: int) -> None:
    seen = filling(60, table=table)
    growths = site_growths(seen, OWN)
    assert [found.in_bytes.held for found in growths] == [table > 0]
    assert could_still_settle(growths, 0)
    result = decide("pkg:main", seen, growths, ceiling=0)
    assert (result.state, result.status) == (LeakState.INCONCLUSIVE, Status.INCONCLUSIVE)
    assert "at 60% of the slope before" in result.reason


def test_bytes_that_hold_their_slope_settle_it_where_blocks_stand_still() -> None:
    live = tuple(8 * mark for mark in MARKS)
    seen = recording(StackSeries(stack=(KEEP,), live_bytes=live, live_blocks=(1,) * len(MARKS)))
    assert not could_still_settle(site_growths(seen, OWN), 0)
    assert decide("pkg:main", seen, site_growths(seen, OWN), ceiling=0).state is LeakState.LEAK


def test_a_bounded_cache_seen_filling_takes_the_word_leak_back() -> None:
    cache = ("pkg.spell", 4000, 9000)
    assert decided(series(KEEP, per_call=1), caches=(cache,))[0] is LeakState.INCONCLUSIVE


def test_library_lines_are_sites_only_where_no_line_of_the_target_is() -> None:
    library = series(LIBRARY, per_call=3)
    assert decided(library) == (LeakState.LEAK, [str(LIBRARY)])
    seen = recording(library, series(KEEP, per_call=1))
    result = decide("pkg:main", seen, site_growths(seen, OWN), ceiling=0)
    assert [site.place for site in result.sites] == [str(KEEP)]
    assert result.notes == (f"30 B more per call came through library lines: {LIBRARY}",)


def test_what_grew_in_the_shorter_run_only_is_told() -> None:
    seen = recording(series(KEEP, per_call=1, bound=900))
    growths = site_growths(seen, OWN)
    result = decide("pkg:main", seen, growths, ceiling=0, seen_before=frozenset({KEEP}))
    assert result.notes == (f"{KEEP} grew over the shorter run but not over the longer: bounded",)


def test_blocks_show_a_small_leak_under_large_swings() -> None:
    swinging = StackSeries(
        stack=(KEEP,),
        live_blocks=tuple(MARKS),
        live_bytes=tuple(16 * mark + mark * 7919 % 10**6 for mark in MARKS),
    )
    seen = recording(swinging)
    result = decide("pkg:main", seen, site_growths(seen, OWN), ceiling=0)
    assert result.state is LeakState.LEAK


def test_a_table_enlarged_after_the_blocks_have_stopped_is_no_growth() -> None:
    blocks = tuple(min(mark, 3000) for mark in MARKS)
    live = tuple(
        50 * count + 10**5 * (mark > 3500) for mark, count in zip(MARKS, blocks, strict=True)
    )
    seen = recording(StackSeries(stack=(KEEP,), live_bytes=live, live_blocks=blocks))
    assert [found.shape for found in site_growths(seen, OWN)] == [Shape.FILLED]


def test_a_short_run_says_what_it_cannot_exclude() -> None:
    marks = tuple(schedule(200))
    short = Recording(
        marks=marks,
        stacks=(StackSeries(stack=(KEEP,), live_bytes=marks, live_blocks=marks),),
        seconds_per_iteration=1,
    )
    result = decide("pkg:main", short, site_growths(short, OWN), ceiling=0)
    assert "a cache that takes more than 200 calls to fill would look the same" in result.reason


def test_confirmation_is_needed_for_growth_above_the_ceiling_only() -> None:
    growths = site_growths(recording(series(KEEP, per_call=1)), OWN)
    assert needs_confirmation(growths, 0)
    assert not needs_confirmation(growths, 11)
    assert not needs_confirmation(site_growths(recording(), OWN), 0)


@pytest.mark.parametrize(
    ("cost", "budget", "length"),
    [
        (0.0, 1.0, 4000),
        (0.001, 20.0, 4000),
        (0.01, 20.0, 1000),
        (0.02, 20.0, 500),
        (0.1, 20.0, 100),
    ],
)
def test_a_longer_run_is_as_long_as_the_budget(cost: float, budget: float, length: int) -> None:
    assert affordable(cost, budget) == length


def test_a_stack_without_frames_is_left_out() -> None:
    assert call_sites([series(per_call=1)], OWN) == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/app/pkg/main.py", True),
        ("/app/pkgs/main.py", True),
        ("/venv/lib/python3.11/site-packages/numpy/__init__.py", False),
        ("<string>", False),
        (json.__file__, False),
    ],
)
def test_own_code_is_neither_installed_nor_standard_nor_generated(
    file: str, *, expected: bool
) -> None:
    assert own_code([])(file) is expected


def test_an_installed_target_is_its_own_code() -> None:
    root = "/venv/lib/python3.11/site-packages/app"
    assert own_code([root])(f"{root}/main.py")
    assert not own_code([root])(f"{root}lication.py")
    assert own_code([f"{root}.py"])(f"{root}.py")


def test_places_are_shown_from_the_working_directory_or_the_library(tmp_path: Path) -> None:
    show = shown_from(tmp_path)
    assert show(Frame(str(tmp_path / "a.py"), 1, "f")) == "a.py:1 f"
    assert show(LIBRARY) == "lib.py:9 parse"
    assert show(Frame("/elsewhere/a.py", 2, "g")) == "/elsewhere/a.py:2 g"
    assert show(Frame(json.__file__, 3, "h")) == "json/__init__.py:3 h"


def test_a_line_that_names_a_holder_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    source = tmp_path / "shop.py"
    source.write_text("def f():\n    rows = [[]]\n    KEPT.append(rows)\n    entries[0] = 1\n")
    here = [Frame(str(source), line, "f") for line in (1, 2, 3, 4)]

    def named(*holders: Holder) -> list[int]:
        return [frame.line for frame in here if naming_one_of(holders)(frame)]

    assert named(Holder("shop.KEPT", "list, module global", 1)) == [3]
    assert named(Holder("shop.state['KEPT']", "list", 1)) == [3]
    assert named(Holder("entries in shop.f", "list, closure", 1)) == [4]
    assert named(Holder("a rows", NAMELESS, 1)) == []
    assert named() == []


def test_lines_that_name_a_holder_come_first() -> None:
    seen = recording(series(KEEP, per_call=1), series(MAIN, per_call=5))
    growths = site_growths(seen, OWN)
    result = decide("pkg:main", seen, growths, ceiling=0, keeps=lambda frame: frame == KEEP)
    assert [site.place for site in result.sites] == [str(KEEP), str(MAIN)]


def test_series_of_another_length_and_falling_marks_are_refused() -> None:
    with pytest.raises(ValueError, match="of another length"):
        Recording(marks=(0, 1), stacks=(series(KEEP),), seconds_per_iteration=0)
    with pytest.raises(ValueError, match="ascend"):
        Recording(marks=(0, 0), stacks=(), seconds_per_iteration=0)
