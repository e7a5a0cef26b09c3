import itertools
import random
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import theilslopes

from perfkit.memory.find import LEAST_ITERATIONS
from perfkit.memory.growth import SEGMENTS, Growth, Shape, covers, growth, segment_minima
from perfkit.memory.loop import LEAST_SHORTENED, MARKS, schedule, shortened

RUN = tuple(schedule(960))
lengths = st.integers(LEAST_ITERATIONS // 4, 1500).map(lambda quarter: 4 * quarter)
values = st.lists(st.integers(0, 2**40), min_size=len(RUN), max_size=len(RUN)).map(tuple)


def at(marks: tuple[int, ...], *terms: int) -> tuple[int, ...]:
    return tuple(terms[0] * mark + terms[1] for mark in marks)


@given(lengths, st.integers(1, 10**6), st.integers(0, 10**9))
def test_what_every_call_keeps_is_growing_at_its_slope(n: int, slope: int, start: int) -> None:
    marks = tuple(schedule(n))
    found = growth(marks, at(marks, slope, start))
    assert found.shape is Shape.GROWING
    assert found.per_iteration == pytest.approx(slope, rel=0.25 if n < MARKS else 0.02)


@given(st.integers(1, 1000), st.lists(st.integers(0, 2**30), min_size=17, max_size=17))
def test_swings_above_a_leak_do_not_hide_it(slope: int, swings: list[int]) -> None:
    """Swings that are gone at one mark in four leave the lower envelope as it is."""
    noise = itertools.cycle(swings)
    found = growth(
        RUN,
        tuple(
            slope * mark + (0 if position % 4 == 0 else next(noise))
            for position, mark in enumerate(RUN)
        ),
    )
    assert found.shape is Shape.GROWING
    assert found.per_iteration == pytest.approx(slope, rel=0.3)


@given(st.integers(1, 10**6), st.integers(1, 480))
def test_what_is_full_before_the_half_never_grows(slope: int, bound: int) -> None:
    found = growth(RUN, tuple(slope * min(mark, bound) for mark in RUN))
    assert found.shape in (Shape.STEADY, Shape.FILLED)


@given(st.integers(1, 10**6), st.integers(1, 720))
def test_what_is_full_before_the_last_quarter_is_filled_or_steady(slope: int, bound: int) -> None:
    found = growth(RUN, tuple(slope * min(mark, bound) for mark in RUN))
    assert found.shape in (Shape.STEADY, Shape.FILLED)


def test_a_full_cache_whose_entries_get_longer_has_stopped() -> None:
    found = growth(RUN, tuple(50 * min(mark, 700) + 3 * mark for mark in RUN))
    assert found.shape is Shape.FILLED


def test_a_leak_that_stops_in_the_tail_is_not_called_growing() -> None:
    found = growth(RUN, tuple(min(mark, 780) for mark in RUN))
    assert found.shape is Shape.FILLING


def test_what_slows_down_without_stopping_is_filling() -> None:
    found = growth(RUN, tuple(round(1e6 * (1 - 2 ** (-mark / 207))) for mark in RUN))
    assert found.shape is Shape.FILLING


@pytest.mark.parametrize("keys", [1500, 2000, 2600])
def test_a_memo_of_random_keys_has_not_held_its_slope(keys: int) -> None:
    marks = tuple(schedule(4000))
    for seed in range(20):
        draws, seen, live = random.Random(seed), set[int](), []
        for before, mark in pairwise((0, *marks)):
            seen.update(draws.randrange(keys) for _ in range(mark - before))
            live.append(len(seen))
        assert not growth(marks, tuple(live)).held


@given(st.integers(1, 10**6), st.integers(0, 240), st.integers(1, 10**6))
def test_a_leak_beside_what_was_full_by_the_first_quarter_holds(
    leak: int, bound: int, filling: int
) -> None:
    found = growth(RUN, tuple(leak * mark + filling * min(mark, bound) for mark in RUN))
    assert found.held
    assert found.pace == pytest.approx(1)


def test_one_event_is_not_growth() -> None:
    late = growth(RUN, tuple(1000 + mark if mark > 900 else 0 for mark in RUN))
    assert late.shape is not Shape.GROWING
    assert late.per_iteration == 0


@given(values, st.integers(0, 2**40), st.integers(1, 1000))
def test_neither_a_constant_nor_a_scale_changes_the_shape(
    series: tuple[int, ...], constant: int, factor: int
) -> None:
    moved = growth(RUN, tuple(value * factor + constant for value in series))
    original = growth(RUN, series)
    assert moved.shape is original.shape
    assert moved.per_iteration == pytest.approx(original.per_iteration * factor, abs=1e-3)


@given(values)
def test_what_ends_where_it_began_never_grows(series: tuple[int, ...]) -> None:
    minima = segment_minima(RUN, series)
    assume(minima[-1] <= minima[0])
    assert growth(RUN, series).shape is Shape.STEADY


@given(st.permutations(range(len(RUN))))
def test_values_in_random_order_do_not_grow(series: list[int]) -> None:
    """A dozen minima of a shuffled series would have to come in ascending order by chance."""
    minima = segment_minima(RUN, tuple(series))
    assume(minima != sorted(minima))
    assert growth(RUN, tuple(series)).shape is Shape.STEADY


def test_the_first_quarter_does_not_count() -> None:
    found = growth(RUN, tuple(10**9 if mark <= 240 else 5 * mark for mark in RUN))
    five = pytest.approx(5)
    assert found == Growth(Shape.GROWING, five, (five, five), pytest.approx(1))


def test_a_border_belongs_to_the_segment_it_ends() -> None:
    marks = tuple(range(0, 97, 6))
    assert segment_minima(marks, marks) == list(range(30, 97, 6))
    assert len(segment_minima(marks, marks)) == SEGMENTS


def test_too_short_a_run_cannot_be_classified() -> None:
    with pytest.raises(ValueError, match="leave a segment empty"):
        growth((0, 4, 8, 12), (0, 1, 2, 3))


@given(st.integers(LEAST_ITERATIONS, 10**5))
def test_every_schedule_can_be_classified(n: int) -> None:
    marks = schedule(n)
    assert marks[0] == 0
    assert marks[-1] == n
    assert marks == sorted(set(marks))
    assert len(segment_minima(tuple(marks), tuple(marks))) == SEGMENTS
    assert covers(tuple(marks))


def test_a_segment_without_a_mark_cannot_be_covered_up() -> None:
    assert covers(tuple(mark for mark in RUN if mark % 2 == 0))
    assert not covers(tuple(mark for mark in RUN if not 480 < mark <= 540))


@pytest.mark.parametrize(
    ("iterations", "seconds", "cost", "expected"),
    [
        (1000, None, 60.0, 1000),
        (1000, 5.0, 0.001, 1000),
        (1000, 5.0, 0.05, 100),
        (1000, 5.0, 2.0, LEAST_SHORTENED),
        (20, 5.0, 2.0, 20),
    ],
)
def test_a_slow_target_gets_fewer_iterations(
    iterations: int, seconds: float | None, cost: float, expected: int
) -> None:
    assert shortened(iterations, seconds, cost) == expected


@given(st.lists(st.integers(0, 10**6), min_size=SEGMENTS, max_size=SEGMENTS))
def test_the_interval_is_that_of_scipy_and_holds_the_slope(minima: list[int]) -> None:
    marks = tuple(range(SEGMENTS // 3, SEGMENTS * 4 // 3 + 1))
    found = growth((0, *marks[1:]), (0, *minima))
    wanted = theilslopes(minima, alpha=0.95)
    assert found.per_iteration == pytest.approx(wanted.slope)
    assert found.interval[0] <= found.per_iteration <= found.interval[1]
    if len(set(minima)) == SEGMENTS:  # scipy corrects for ties, which widens nothing here
        assert found.interval == pytest.approx((wanted.low_slope, wanted.high_slope))
