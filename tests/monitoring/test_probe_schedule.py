from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from perfkit.monitoring.probes.schedule import GRACE, Schedule, Timing


def test_every_probe_begins_at_once_and_stays_on_its_grid() -> None:
    schedule = Schedule([Timing(10, 2), Timing(30, 2)], 100.0)
    assert schedule.step(100.0).begin == (0, 1)
    assert schedule.next() == 100 + 2 + GRACE
    assert all(schedule.ended(number) for number in (0, 1))
    assert schedule.next() == 110
    assert schedule.step(109.9).begin == ()
    assert schedule.step(111.5).begin == (0,)
    schedule.ended(0)
    assert schedule.next() == 120, "a late start does not move the grid"


def test_a_run_that_hangs_fails_and_so_does_every_run_it_keeps_from_beginning() -> None:
    schedule = Schedule([Timing(10, 2), Timing(10, 2)], 0.0)
    schedule.step(0.0)
    schedule.ended(1)
    assert schedule.step(2.9).overdue == ()
    assert schedule.running
    assert schedule.step(3.0).overdue == (0,)
    assert not schedule.running
    assert schedule.step(4.0).overdue == (), "it is told once"
    step = schedule.step(10.0)
    assert (step.begin, step.hanging, step.missed) == ((1,), (0,), ((0, 1),))
    assert not schedule.ended(0), "what it says in the end does not count"
    schedule.ended(1)
    step = schedule.step(20.0)
    assert (step.begin, step.hanging, step.missed) == ((0, 1), (), ())


def test_runs_that_a_sleep_of_the_machine_left_out_are_counted_and_no_failures() -> None:
    schedule = Schedule([Timing(10, 2)], 0.0)
    schedule.step(0.0)
    schedule.ended(0)
    step = schedule.step(45.0)
    assert (step.begin, step.hanging, step.missed) == ((0,), (), ((0, 3),))
    assert schedule.next() == 45 + 2 + GRACE
    schedule.ended(0)
    assert schedule.next() == 50


@bounded(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(1, 20), st.floats(0.1, 1)), min_size=1, max_size=3),
    st.lists(st.tuples(st.floats(0, 9), st.integers(0, 7)), max_size=40),
)
def test_every_run_that_was_due_began_or_was_missed(
    timings: list[tuple[float, float]], steps: list[tuple[float, int]]
) -> None:
    """Whatever ends when: began + missed is what the grid holds, and nothing begins twice."""
    schedule = Schedule([Timing(interval, share * interval) for interval, share in timings], 0.0)
    now, began, missed = 0.0, [0] * len(timings), [0] * len(timings)
    running: set[int] = set()
    for passed, ends in [(0.0, 0), *steps]:
        for number in [one for one in running if ends >> one & 1]:
            schedule.ended(number)
            running.remove(number)
        now += passed
        step = schedule.step(now)
        assert not running & set(step.begin)
        running |= set(step.begin)
        for number in step.begin:
            began[number] += 1
        for number, times in step.missed:
            missed[number] += times
        assert set(step.hanging) <= running
        assert schedule.next() > now
    for number, (interval, _) in enumerate(timings):
        due = now / interval
        assert began[number] + missed[number] in {int(due + 1 - 1e-6), int(due + 1 + 1e-6)}
