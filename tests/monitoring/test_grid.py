import pytest

from perfkit.monitoring.grid import MOST_CELLS, Grid, grid_for

AT = 1_800_000_000.0
"""A whole hour."""
HOUR, DAY = 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("window", "series", "resolution", "step"),
    [
        (10.0, 0, 1, 1),
        (60.0, 5, 1, 1),
        (900.0, 11, 1, 5),
        (900.0, 12, 60, 60),  # 10,800 intervals
        (1000.0, 10, 1, 6),  # exactly as many as are affordable
        (900.0, 5000, 60, 60),
        (119.0, 5000, 1, 1),  # fewer than two minutes are not read by minute
        (120.0, 5000, 60, 60),
        (6 * HOUR, 0, 60, 120),  # 21,600 seconds of a store without series are as many
        (2 * HOUR, 1, 1, 40),
        (2 * HOUR, 2, 60, 60),
        (2 * HOUR, 5000, 3600, 3600),
        (1.9 * HOUR, 5000, 60, 60),
        (DAY, 6, 60, 480),
        (DAY, 7, 3600, 3600),
        (14 * DAY, 0, 3600, 7200),  # 20,160 minutes
        (31 * DAY, 5000, 3600, 18_000),
    ],
)
def test_the_finest_affordable_intervals_are_read(
    window: float, series: int, resolution: int, step: int
) -> None:
    grid = grid_for(window, AT, series=series)
    assert (grid.resolution, grid.step) == (resolution, step)
    assert grid.since == AT - window + (-(AT - window)) % step


def test_what_is_no_longer_kept_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_CELLS < 21_600  # so seconds end before retention does, without this:
    monkeypatch.setattr("perfkit.monitoring.grid.MOST_CELLS", 10**9)
    assert grid_for(6 * HOUR, AT, series=5).resolution == 1
    assert grid_for(6 * HOUR + 1, AT, series=5).resolution == 60
    assert grid_for(14 * DAY, AT, series=5).resolution == 60
    assert grid_for(14 * DAY + 1, AT, series=5).resolution == 3600


@pytest.mark.parametrize(
    ("step", "at", "newest"),
    [
        (1, 100.9, 98),  # 99 is over, and may not be written yet
        (1, 101.0, 99),
        (5, 105.9, 95),
        (5, 106.0, 100),
        (60, 149.9, 60),  # the minute from 120 on has not lasted for half of it
        (60, 150.0, 120),
        (20, 109.9, 80),
        (20, 110.0, 100),  # half of it, and ten seconds
        (7200, 10_799.0, 0),
        (7200, 10_800.0, 7200),
    ],
)
def test_a_step_is_shown_when_it_is_written_or_half_over(step: int, at: float, newest: int) -> None:
    grid = Grid(0, at, 1, step)
    assert grid.starts[-1] == newest
    assert grid.starts[0] == 0
    assert grid.covered(newest) == min(step, at - newest)
