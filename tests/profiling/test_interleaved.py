"""The order of sessions, and when they end."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

import pytest
from profiling_sessions import frame, recording

from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.profiling.interleaved import Record, Taken, interleaved
from perfkit.profiling.recording import Recording


def taking(
    order: list[str], *, fail: int = -1, error: type[Exception] = InterruptedMeasurementError
) -> Record:
    def record(side: Literal["base", "head"]) -> Recording:
        if len(order) == fail:
            raise error("stopped")
        order.append(side)
        return recording({(frame(side, "/project/app.py", 1),): 1})

    return record


def ticking(step: float) -> Callable[[], float]:
    numbers: Iterator[int] = count()
    return lambda: next(numbers) * step


def run(record: Record, *, seed: int = 0, seconds: float | None = None) -> Taken:
    return interleaved(
        record, sessions=6, seed=seed, name="app:main", clock=ticking(1.0), seconds=seconds
    )


def test_sides_take_turns_in_a_seeded_order() -> None:
    orders: list[list[str]] = []
    for seed in (0, 0, 1, 2, 3):
        orders.append([])
        taken = run(taking(orders[-1]), seed=seed)
        assert len(taken.base) == len(taken.head) == 6
        assert (taken.out_of_time, taken.interrupted) == (False, False)
        pairs = list(zip(orders[-1][::2], orders[-1][1::2], strict=True))
        assert all(set(pair) == {"base", "head"} for pair in pairs)
        assert all(pairs[n] == pairs[n + 1][::-1] for n in (0, 2, 4))
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1


def test_no_round_is_started_that_would_not_be_over() -> None:
    # A round reads the clock twice, a second apart.
    taken = run(taking([]), seconds=4.5)
    assert (len(taken.base), len(taken.head), taken.out_of_time) == (2, 2, True)


def test_the_first_round_is_always_taken() -> None:
    taken = run(taking([]), seconds=0.0)
    assert (len(taken.base), taken.out_of_time) == (1, True)


def test_an_interrupted_round_counts_for_neither_side() -> None:
    taken = run(taking([], fail=3))
    assert (len(taken.base), len(taken.head), taken.interrupted) == (1, 1, True)


def test_a_failure_is_not_hidden() -> None:
    with pytest.raises(MeasurementError, match="stopped"):
        run(taking([], fail=3, error=MeasurementError))


@pytest.mark.parametrize(
    ("step", "seconds", "said"),
    [
        (1.0, None, ["session 2 of 6, 10 s left"]),
        (1.0, 7.0, ["session 2 of 6, 5 s left"]),
        (
            15.0,  # two readings of the clock a round
            None,
            [
                "session 2 of 6, 150 s left",
                "session 3 of 6, 120 s left",
                "session 4 of 6, 90 s left",
                "session 5 of 6, 60 s left",
                "session 6 of 6, 30 s left",
            ],
        ),
    ],
)
def test_the_time_left_is_said(step: float, seconds: float | None, said: list[str]) -> None:
    lines: list[str] = []
    interleaved(
        taking([]),
        sessions=6,
        seed=0,
        name="app:main",
        clock=ticking(step),
        seconds=seconds,
        progress=lines.append,
    )
    assert lines == [
        "profiling app:main: 6 sessions of each side, in turns",
        *(f"profiling app:main: {line}" for line in said),
    ]
