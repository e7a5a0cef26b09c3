"""Telemetry from samples of counters and gauges, with the arithmetic of Prometheus.

The rate extrapolates to the edges of the window as Prometheus 2 and 3 do for counters, so that a
verdict does not depend on who evaluates; resets count from zero.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from perfkit.monitoring.metric_names import CALLS, DURATION, MEMORY, QUALITY, bound_label
from perfkit.monitoring.telemetry import Outcome, Selector

EDGE_ALLOWANCE: Final = 1.1
"""Average distances of samples within which an edge of the window counts as reached."""


@dataclass(slots=True)
class Series:
    """Samples under one set of labels; times in whole milliseconds, ascending."""

    labels: Mapping[str, str]
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class CounterTelemetry:
    """Series by metric name, queried as Prometheus would.

    ``left_closed``: a sample exactly at the start of a window belongs to it, as it does up to
    Prometheus 2; from 3 on it does not.
    """

    def __init__(self, *, left_closed: bool = False) -> None:
        self.left_closed = left_closed
        self.dropped = 0
        """Samples that were not newer than the last of their series: the clock went back."""
        self._series: dict[str, dict[frozenset[tuple[str, str]], Series]] = {}

    def add(self, metric: str, labels: Mapping[str, str], at: float, value: float) -> None:
        """Append a sample at ``at`` seconds; one that is not newer than the last is dropped."""
        series = self._series.setdefault(metric, {}).setdefault(
            frozenset(labels.items()), Series(dict(labels))
        )
        time = round(at * 1000)
        if series.times and time <= series.times[-1]:
            self.dropped += 1
            return
        series.times.append(time)
        series.values.append(value)

    def __len__(self) -> int:
        """Return the number of series."""
        return sum(len(series) for series in self._series.values())

    def calls(self, selector: Selector, window: float, at: float) -> Mapping[Outcome, float]:
        """Calls per second of each series."""
        found: dict[Outcome, float] = {}
        for labels, rate in self._rates(CALLS, _wanted(selector), window, at):
            key = Outcome(labels.get("name", ""), labels.get("outcome", ""))
            found[key] = found.get(key, 0.0) + rate
        return found

    def finished(self, selector: Selector, window: float, at: float) -> Mapping[str, float]:
        """Calls per second whose duration is known, by name."""
        return self._by_name(f"{DURATION}_count", _wanted(selector), window, at)

    def within(
        self, selector: Selector, limit: float, window: float, at: float
    ) -> Mapping[str, float]:
        """Calls per second that took at most ``limit`` seconds, by name."""
        wanted = {**_wanted(selector), "le": bound_label(limit)}
        return self._by_name(f"{DURATION}_bucket", wanted, window, at)

    def quality(self, component: str, name: str, window: float, at: float) -> float | None:
        """Mean of the quality values of the window."""
        wanted = {"component": component, "name": name}
        sums = [rate for _, rate in self._rates(f"{QUALITY}_sum", wanted, window, at)]
        counts = [rate for _, rate in self._rates(f"{QUALITY}_count", wanted, window, at)]
        return sum(sums) / sum(counts) if sums and sum(counts) > 0 else None

    def memory(
        self, component: str, window: float, at: float
    ) -> Sequence[Sequence[tuple[float, float]]]:
        """Resident memory of each process: (time, bytes), ascending in time."""
        found = []
        for series in self._matching(MEMORY, {"component": component}):
            first, last = self._range(series, window, at)
            if first < last:
                times = (time / 1000 for time in series.times[first:last])
                found.append(list(zip(times, series.values[first:last], strict=True)))
        return found

    def _by_name(
        self, metric: str, wanted: Mapping[str, str], window: float, at: float
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for labels, rate in self._rates(metric, wanted, window, at):
            name = labels.get("name", "")
            found[name] = found.get(name, 0.0) + rate
        return found

    def _rates(
        self, metric: str, wanted: Mapping[str, str], window: float, at: float
    ) -> Iterator[tuple[Mapping[str, str], float]]:
        for series in self._matching(metric, wanted):
            first, last = self._range(series, window, at)
            if last - first > 1:
                end = round(at * 1000)
                yield (
                    series.labels,
                    rate_of(series.times[first:last], series.values[first:last], window, end),
                )

    def _matching(self, metric: str, wanted: Mapping[str, str]) -> Iterator[Series]:
        for series in self._series.get(metric, {}).values():
            if all(series.labels.get(key, "") == value for key, value in wanted.items()):
                yield series

    def _range(self, series: Series, window: float, at: float) -> tuple[int, int]:
        end = round(at * 1000)
        start = end - round(window * 1000)
        bisect = bisect_left if self.left_closed else bisect_right
        return bisect(series.times, start), bisect_right(series.times, end)


def rate_of(times: Sequence[int], values: Sequence[float], window: float, end: int) -> float:
    """The rate per second of a counter over the window (seconds) that ends at ``end``.

    ``times`` are at least two milliseconds inside the window. Where the samples stop well before
    an edge of the window, half of their average distance is added there; before a counter's zero
    nothing is. Never negative.
    """
    increase = values[-1] - values[0]
    previous = values[0]
    for value in values[1:]:
        if value < previous:  # a reset: what was counted before it still counts
            increase += previous
        previous = value
    to_start = (times[0] - (end - round(window * 1000))) / 1000
    to_end = (end - times[-1]) / 1000
    sampled = (times[-1] - times[0]) / 1000
    average = sampled / (len(times) - 1)
    if increase > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / increase))
    covered = sampled
    for edge in (to_start, to_end):
        covered += edge if edge < average * EDGE_ALLOWANCE else average / 2
    return increase * (covered / sampled / window)


def _wanted(selector: Selector) -> dict[str, str]:
    wanted = {"component": selector.component}
    return wanted if selector.call is None else {**wanted, "name": selector.call}
