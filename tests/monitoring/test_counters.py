from hypothesis import given
from hypothesis import strategies as st

from perfkit.monitoring.counters import CounterTelemetry, rate_of
from perfkit.monitoring.metric_names import CALLS, MEMORY, QUALITY
from perfkit.monitoring.telemetry import Selector

SHOP = Selector("shop")


def _ok(telemetry: CounterTelemetry, at: float, value: float, **labels: str) -> None:
    given_labels = {"component": "shop", "name": "sum", "outcome": "ok", **labels}
    telemetry.add(CALLS, given_labels, at, value)


def test_a_steady_counter_has_its_rate_up_to_the_edges_of_the_window() -> None:
    # 0, 10, 20 .. every 10 s: the window (100 s, 160 s] has its first sample at 110 s.
    times = list(range(110_000, 170_000, 10_000))
    assert rate_of(times, [value / 1000 for value in times], 60, 160_000) == 1.0


def test_a_reset_counts_from_zero() -> None:
    times = [0, 10_000, 20_000, 30_000]
    whole = rate_of(times, [100, 110, 120, 130], 30, 30_000)
    assert rate_of(times, [100, 110, 10, 20], 30, 30_000) == whole == 1.0


def test_a_counter_that_begins_in_the_window_is_not_drawn_out_below_its_zero() -> None:
    # Ten a step from 0 on: nothing happened before the first sample.
    begun = rate_of([50_000, 60_000], [0, 10], 60, 60_000)
    assert begun == 10 / 60


@given(
    st.lists(st.floats(0, 1e9), min_size=2, max_size=30),
    st.integers(1, 60_000),
    st.integers(0, 60_000),
)
def test_no_rate_is_negative(values: list[float], step: int, late: int) -> None:
    times = [step * index for index in range(1, len(values) + 1)]
    end = times[-1] + late
    assert rate_of(times, values, end / 1000, end) >= 0


def test_a_clock_that_goes_back_drops_samples_and_counts_them() -> None:
    telemetry = CounterTelemetry()
    for at, value in ((0, 0), (10, 10), (5, 15), (10, 16), (20, 20)):
        _ok(telemetry, at, value)
    assert telemetry.dropped == 2
    assert list(telemetry.calls(SHOP, 20, 20).values()) == [1.0]


def test_what_never_existed_is_absent_and_not_zero() -> None:
    telemetry = CounterTelemetry()
    assert telemetry.calls(SHOP, 60, 60) == {}
    assert telemetry.quality("shop", "reconciled", 60, 60) is None
    _ok(telemetry, 60, 1)
    assert telemetry.calls(SHOP, 60, 60) == {}, "one sample has no rate"


def test_labels_are_any_text() -> None:
    telemetry = CounterTelemetry()
    name = 'say "hi"\n{x="y"}\\'
    for at in (0, 10):
        _ok(telemetry, at, at, name=name)
    assert [key.name for key in telemetry.calls(Selector("shop", name), 20, 10)] == [name]


def test_the_start_of_a_window_belongs_to_it_up_to_prometheus_2() -> None:
    for closed, expected in ((True, 2), (False, 1)):
        telemetry = CounterTelemetry(left_closed=closed)
        for at in (0.0, 10.0):
            telemetry.add(MEMORY, {"component": "shop"}, at, 5)
        assert [len(points) for points in telemetry.memory("shop", 10, 10)] == [expected]


def test_quality_is_the_mean_of_the_window() -> None:
    telemetry = CounterTelemetry()
    for at, count, total in ((0, 0, 0.0), (10, 4, 3.0), (20, 8, 5.0)):
        labels = {"component": "shop", "name": "reconciled"}
        telemetry.add(f"{QUALITY}_count", labels, at, count)
        telemetry.add(f"{QUALITY}_sum", labels, at, total)
    assert telemetry.quality("shop", "reconciled", 30, 20) == 5 / 8
    assert len(telemetry) == 2
