"""The effect below which a change is not reported, and where that figure comes from."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from perfkit.config.thresholds import Thresholds
from perfkit.gate.waivers import METRIC
from perfkit.model import BenchmarkId, Sample
from perfkit.stats import NoiseFloor, representatives

Noise = Mapping[BenchmarkId, NoiseFloor]
"""What noise alone was seen to move each benchmark by, on this machine."""


MOST_NOISE = 0.25
"""The relative effect up to which noise may raise a floor. With more, a few noisy runs could let
anything pass; chance is excluded by the rank test and by confirming, however low the floor is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A relative effect (0.05 is 5 %), what it was taken from, and the configuration's reason."""

    value: float
    source: str
    why: str = ""


def floor_of(base: Sample, thresholds: Thresholds, noise: Noise | None = None) -> Floor:
    """Return the largest of the threshold, the absolute floor and the bounded noise of ``base``.

    ``base`` holds at least one process. An absolute floor counts relative to base's median, and
    not at all where that is zero.
    """
    rule = thresholds.rule_for(str(base.benchmark), METRIC[base.unit])
    own = "the default" if rule.match == "*" else rule.match
    floor = Floor(value=rule.threshold, source=f"threshold of {own}", why=rule.why)
    centre = abs(float(statistics.median(representatives(base.processes, "base", base.better))))
    if rule.absolute_floor is not None and centre > 0:
        absolute = rule.absolute_floor.value / centre
        if absolute > floor.value:
            floor = Floor(value=absolute, source=f"absolute floor of {own}", why=rule.why)
    seen = None if noise is None else noise.get(base.benchmark)
    if seen is not None and min(seen.value, MOST_NOISE) > floor.value:
        capped = (
            ""
            if seen.value <= MOST_NOISE
            else f" ({seen.value:.0%}, of which {MOST_NOISE:.0%} count)"
        )
        return Floor(
            value=min(seen.value, MOST_NOISE),
            source=f"noise of {seen.provenance}{capped}, above the {floor.source}",
            why=rule.why,
        )
    return floor
