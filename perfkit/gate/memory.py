"""The peak memory recorded beside a time benchmark: a row of its own where it says anything."""

import statistics
from collections.abc import Mapping
from dataclasses import replace

from perfkit.gate.evidence import Evidence, comparable
from perfkit.model import BenchmarkId, Sample

GRAIN = 2.0**20
"""Bytes of peak memory below which nothing is said: Python and malloc take memory from the system
in steps of up to 1 MiB, so that less is their choice and not the benchmark's."""

Samples = Mapping[BenchmarkId, Sample]


def with_memory(evidence: Evidence, base: Samples, head: Samples) -> Evidence:
    """Return the evidence with the peak memory of every benchmark whose times are compared.

    ``base`` and ``head`` hold it by the name of the benchmark that it was recorded beside; it is
    left out where both sides stay below the grain, and where the times are not of the same work.
    """
    pairs = {
        identity: (base[identity], head[identity])
        for identity in evidence.expected
        if comparable(evidence.base.get(identity), evidence.head.get(identity))
        and comparable(base.get(identity), head.get(identity))
        and max(_median(base[identity]), _median(head[identity])) >= GRAIN
    }
    return replace(
        evidence,
        base={**evidence.base, **{one.benchmark: one for one, _ in pairs.values()}},
        head={**evidence.head, **{one.benchmark: one for _, one in pairs.values()}},
        expected=evidence.expected | {one.benchmark for one, _ in pairs.values()},
    )


def with_memory_again(evidence: Evidence, base: Samples, head: Samples) -> Evidence:
    """Return the evidence with the peak memory of the confirming rounds, where it is expected."""
    if evidence.base_again is None or evidence.head_again is None:
        return evidence
    before, after = (
        {one.benchmark: one for one in side.values() if one.benchmark in evidence.expected}
        for side in (base, head)
    )
    return replace(
        evidence,
        base_again={**evidence.base_again, **before},
        head_again={**evidence.head_again, **after},
    )


def _median(sample: Sample) -> float:
    return statistics.median(value for process in sample.processes for value in process)
