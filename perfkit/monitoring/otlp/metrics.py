"""Families of ours as the metrics of OpenTelemetry's SDK, cumulative over the life of the store."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from perfkit.config.components import Component
from perfkit.monitoring.exposition import Family, Sample
from perfkit.monitoring.otlp.conventions import DURATIONS, OTHERS, Translation
from perfkit.monitoring.store_metrics import Totals, duration_family, families

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import HistogramDataPoint, Metric

UNKNOWN_START = 0
"""Nanoseconds since 1970 of the first call: OTLP's word for not known. The store keeps no such
time, and one that moves would look like a restart."""


def metrics_of(
    totals: Totals, components: Sequence[Component], bounds: Sequence[float], at: float
) -> "list[Metric]":
    """Return every metric that has a point, as of ``at`` (Unix seconds).

    ``components`` say which convention their calls follow; ``bounds`` are the boundaries (seconds)
    of the durations that follow none.
    """
    convention_of = {component.name: component.convention for component in components}
    found: list[Metric] = []
    for convention, translation in DURATIONS.items():
        calls = [one for one in totals.calls if convention_of.get(one.component) == convention]
        durations = duration_family(calls, translation.bounds or bounds)
        found += _histogram(durations, translation, round(at * 1e9))
    for family in families(totals, ()):
        if family.name in OTHERS:
            found += _numbers(family, OTHERS[family.name], round(at * 1e9))
    return found


def _histogram(family: Family, translation: Translation, at: int) -> "Iterator[Metric]":
    from opentelemetry.sdk.metrics.export import AggregationTemporality, Histogram, Metric

    points = [
        _point(translation, dict(labels), list(samples), at)
        for labels, samples in groupby(family.samples, key=_labels_of_a_series)
    ]
    if points:
        data = Histogram(points, AggregationTemporality.CUMULATIVE)
        yield Metric(translation.name, family.help, translation.unit, data)


def _labels_of_a_series(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple(label for label in sample.labels if label[0] != "le")


def _point(
    translation: Translation, labels: Mapping[str, str], samples: Sequence[Sample], at: int
) -> "HistogramDataPoint":
    from opentelemetry.sdk.metrics.export import HistogramDataPoint

    bounds = [float(dict(one.labels)["le"]) for one in samples if one.suffix == "_bucket"]
    within = [int(one.value) for one in samples if one.suffix == "_bucket"]
    (total,) = (one.value for one in samples if one.suffix == "_sum")
    return HistogramDataPoint(
        attributes=_attributes(translation, labels),
        start_time_unix_nano=UNKNOWN_START,
        time_unix_nano=at,
        count=within[-1],
        sum=total,
        bucket_counts=[after - before for before, after in pairwise([0, *within])],
        explicit_bounds=bounds[:-1],  # the last one is infinite, which goes without saying there
        min=None,  # type: ignore[arg-type]  # optional in OTLP, and not kept
        max=None,  # type: ignore[arg-type]  # the same
    )


def _numbers(family: Family, translation: Translation, at: int) -> "Iterator[Metric]":
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Metric,
        NumberDataPoint,
        Sum,
    )

    points: list[NumberDataPoint] = [
        NumberDataPoint(_attributes(translation, dict(one.labels)), UNKNOWN_START, at, one.value)
        for one in family.samples
    ]
    if not points:
        return
    data = (
        Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
        if family.kind == "counter"
        else Gauge(points)
    )
    yield Metric(translation.name, family.help, translation.unit, data)


def _attributes(translation: Translation, labels: Mapping[str, str]) -> dict[str, str]:
    named = {translation.attributes[name]: value for name, value in labels.items()}
    return {**named, **translation.fixed}
