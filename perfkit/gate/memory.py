"""Peak memory and allocations recorded beside a time benchmark: rows of their own."""

import statistics
from collections.abc import Collection, Mapping
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
    pairs = [
        pair
        for identity in evidence.expected
        if comparable(evidence.base.get(identity), evidence.head.get(identity))
        and (pair := _paired(base.get(identity), head.get(identity))) is not None
        and max(map(_median, pair)) >= GRAIN
    ]
    return replace(
        evidence,
        base={**evidence.base, **{one.benchmark: one for one, _ in pairs}},
        head={**evidence.head, **{one.benchmark: one for _, one in pairs}},
        expected=evidence.expected | {one.benchmark for one, _ in pairs},
    )


def with_allocations(evidence: Evidence, base: Samples, head: Samples) -> Evidence:
    """Return the evidence with the allocations counted beside times, by the owner's name.

    Base could run it, or its time would not be compared: a failure there is no news of head.
    """
    names = {one.benchmark for one in head.values()}
    return replace(
        evidence,
        base={**evidence.base, **{one.benchmark: one for one in base.values()}},
        head={**evidence.head, **{one.benchmark: one for one in head.values()}},
        expected=evidence.expected | names,
        in_base=evidence.in_base | names,
    )


def with_memory_again(evidence: Evidence, base: Samples, head: Samples) -> Evidence:
    """Return the evidence with the peak memory of the confirming rounds, where it is expected."""
    if evidence.base_again is None or evidence.head_again is None:
        return evidence
    pairs = [
        pair
        for identity in base
        if (pair := _paired(base[identity], head.get(identity))) is not None
        and pair[0].benchmark in evidence.expected
    ]
    return replace(
        evidence,
        base_again={**evidence.base_again, **{one.benchmark: one for one, _ in pairs}},
        head_again={**evidence.head_again, **{one.benchmark: one for _, one in pairs}},
    )


def _paired(base: Sample | None, head: Sample | None) -> tuple[Sample, Sample] | None:
    """Return both sides in the rounds that both have; None where there is none to compare.

    The last round of a benchmark that crashed has one side only.
    """
    if base is None or head is None or not comparable(base, head):
        return None
    both = set(base.rounds) & set(head.rounds)
    return (_within(base, both), _within(head, both)) if both else None


def _within(sample: Sample, rounds: Collection[int]) -> Sample:
    kept = [index for index, number in enumerate(sample.rounds) if number in rounds]
    return replace(
        sample,
        processes=tuple(sample.processes[index] for index in kept),
        rounds=tuple(sample.rounds[index] for index in kept),
    )


def _median(sample: Sample) -> float:
    return statistics.median(value for process in sample.processes for value in process)
