"""What the counts of a process say; exact, on series made up."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from perfkit.memory.find import with_totals
from perfkit.memory.loop import schedule
from perfkit.memory.unplaced import Totals, unplaced
from perfkit.model import LeakResult, LeakState

MARKS = tuple(schedule(4000))
CLEAN = LeakResult(target="a:b", state=LeakState.CLEAN, ceiling=0, iterations=120, reason="quiet")


def totals(*, blocks: int = 0, malloc: int | None = 0, resident: int | None = 0) -> Totals:
    """Counts that grow by so much per call."""
    return Totals(
        marks=MARKS,
        seconds_per_iteration=0.001,
        blocks=tuple(10**5 + blocks * mark for mark in MARKS),
        malloc_bytes=None if malloc is None else tuple(10**7 + malloc * mark for mark in MARKS),
        resident_bytes=None if resident is None else tuple(10**8 + resident * m for m in MARKS),
    )


@pytest.mark.parametrize(
    ("seen", "ceiling", "state", "slope"),
    [
        (totals(), 0, LeakState.CLEAN, 0),
        (totals(malloc=8), 0, LeakState.NATIVE, 8),
        (totals(malloc=8, resident=4096), 9, LeakState.RSS_ONLY, 4096),
        (totals(malloc=8), 8.1, LeakState.CLEAN, 0),
        (totals(blocks=2), 0, LeakState.NATIVE, 32),
        (totals(blocks=2, malloc=8), 0, LeakState.NATIVE, 40),
        (totals(resident=400), 0, LeakState.RSS_ONLY, 400),
        (totals(resident=400), 401, LeakState.CLEAN, 0),
        (totals(resident=300), 0, LeakState.CLEAN, 0),  # less than a MiB in all
        (totals(malloc=None, resident=None), 0, LeakState.CLEAN, 0),
    ],
)
def test_what_grows_is_named_and_the_gravest_first(
    seen: Totals, ceiling: float, state: LeakState, slope: float
) -> None:
    found = unplaced(seen, ceiling)
    assert found.state is state
    assert found.bytes_per_iteration == pytest.approx(slope)


def test_a_quiet_process_keeps_the_word_and_tells_how_far_it_was_looked() -> None:
    result = with_totals(CLEAN, totals(), unplaced(totals(), 0))
    assert (result.state, result.iterations, result.notes) == (LeakState.CLEAN, 4000, ())
    assert result.reason == "quiet under memray, nor the whole process over 4000 without it"


def counted(of: Callable[[int], float]) -> Totals:
    """Malloc's bytes after so many calls, the other counts still."""
    return replace(totals(), malloc_bytes=tuple(round(of(mark)) for mark in MARKS))


def test_a_process_that_grows_ever_more_slowly_is_undecided() -> None:
    found = unplaced(counted(lambda mark: 1e6 * math.sqrt(mark)), 0)
    assert found.state is LeakState.INCONCLUSIVE
    assert "at 72% of the slope before" in found.reason


def test_memory_that_rose_in_steps_is_told() -> None:
    seen = counted(lambda mark: 2**20 * (mark // 700))
    found = unplaced(seen, 0)
    assert found.state is LeakState.CLEAN
    assert with_totals(CLEAN, seen, found).reason == (
        "quiet under memray, while memory taken from malloc rose by 4.0 MiB in a few steps over"
        " 4000 without it"
    )


def test_growth_of_the_process_takes_the_word_clean_back() -> None:
    seen = totals(malloc=8)
    result = with_totals(CLEAN, seen, unplaced(seen, 0))
    assert (result.state, result.unplaced) == (LeakState.NATIVE, pytest.approx(8))
    assert result.bytes_per_iteration == pytest.approx(8)


def test_counts_that_cannot_be_had_are_told() -> None:
    seen = totals(malloc=None, resident=None)
    (note,) = with_totals(CLEAN, seen, unplaced(seen, 0)).notes
    assert "was not looked for in malloc and the resident size" in note
