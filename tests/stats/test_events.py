import pytest

from perfkit.errors import UsageError
from perfkit.model import Interval
from perfkit.stats import ChangePoint, group_events


def change(
    index: int, before: float = 1.0, after: float = 1.2, p: float = 1e-6, end: int | None = None
) -> ChangePoint:
    ratio = after / before
    return ChangePoint(
        index=index,
        end=index if end is None else end,
        kind="step" if end is None else "drift",
        before=before,
        after=after,
        ratio=Interval(ratio * 0.99, ratio, ratio * 1.01, 0.95),
        p_value=p,
        superiority=0.99,
        n_before=50,
        n_after=50,
    )


def test_changes_within_two_commits_are_one_event_the_largest_first() -> None:
    (event,) = group_events(
        {"a": [change(10)], "b": [change(12, after=1.5)], "c": [change(11, after=0.9)]}
    )
    assert (event.first, event.last, event.kind, event.is_alarm) == (10, 12, "step", True)
    assert [member.benchmark for member in event.members] == ["b", "a", "c"]


def test_what_makes_an_event_a_regression_is_named_before_larger_improvements() -> None:
    changes = {
        "much better": [change(10, after=0.1)],
        "worse": [change(11, after=1.1)],
        "worse for a while": [change(10, after=9.0), change(40, before=9.0, after=1.0)],
        "less": [change(12, after=0.5)],
    }
    (event, _) = group_events(changes)
    named = [member.benchmark for member in event.members]
    assert named == ["worse", "much better", "less", "worse for a while"]
    (event, _) = group_events(changes, is_worse=lambda name, _: name == "less")
    assert event.members[0].benchmark == "less"


def test_an_event_never_spans_more_than_asked_however_long_the_chain() -> None:
    events = group_events({name: [change(10 + i)] for i, name in enumerate("abcde")})
    assert [(event.first, event.last) for event in events] == [(10, 12), (13, 14)]
    assert (
        len(group_events({name: [change(10 + i)] for i, name in enumerate("abc")}, within=0)) == 3
    )


def test_a_drift_is_an_event_of_its_own_and_no_alarm() -> None:
    events = group_events({"a": [change(10)], "b": [change(10, end=60)]})
    assert [(event.kind, event.is_alarm) for event in events] == [("step", True), ("drift", False)]


def test_a_shift_that_was_taken_back_went_away() -> None:
    there_and_back = [change(10), change(40, before=1.2, after=1.01)]
    first, second = group_events({"a": there_and_back})
    assert first.members[0].went_away == 40
    assert first.went_away
    assert not first.is_alarm
    assert not second.went_away


def test_half_a_shift_left_still_stands() -> None:
    (first, _) = group_events({"a": [change(10), change(40, before=1.2, after=1.15)]})
    assert not first.went_away


def test_an_event_stands_while_one_member_stands() -> None:
    (first, _) = group_events(
        {"a": [change(10), change(40, before=1.2, after=1.0)], "b": [change(10)]}
    )
    assert first.is_alarm


def test_a_weak_change_among_many_benchmarks_without_any_is_dropped() -> None:
    alone = {"a": [change(10, p=0.009)]}
    assert len(group_events(alone)) == 1
    suite = alone | {f"still {i}": [] for i in range(200)}
    assert group_events(suite) == []
    assert len(group_events(suite, false_discovery_rate=1)) == 1


def test_many_weak_changes_together_are_kept() -> None:
    events = group_events({f"b{i}": [change(10, p=0.009)] for i in range(10)})
    assert len(events) == 1
    assert events[0].p_adjusted == pytest.approx(0.009)


def test_no_benchmark_no_event() -> None:
    assert group_events({}) == []
    assert group_events({"a": []}) == []


@pytest.mark.parametrize(
    "options", [{"within": -1}, {"false_discovery_rate": 0}, {"false_discovery_rate": 1.1}]
)
def test_parameters_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        group_events({"a": [change(10)]}, **options)
