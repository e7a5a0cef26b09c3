"""What was measured for one comparison, and what has to be answered for."""

from collections.abc import Mapping
from dataclasses import dataclass

from perfkit.model import BenchmarkId, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything measured for one comparison.

    ``base`` and ``head`` are the discovery rounds of the benchmarks that ran, ``base_again`` and
    ``head_again`` the independent rounds of the suspects. ``expected`` is every benchmark that
    must be answered for, ``missing`` those of them that head's suite lacks, ``skipped`` those that
    declined to run, by side. ``in_base`` are those
    that base's own suite has with the same source, so that base has to be able to run them.
    """

    base: Mapping[BenchmarkId, Sample]
    head: Mapping[BenchmarkId, Sample]
    expected: frozenset[BenchmarkId]
    missing: frozenset[BenchmarkId] = frozenset()
    skipped_base: frozenset[BenchmarkId] = frozenset()
    skipped_head: frozenset[BenchmarkId] = frozenset()
    in_base: frozenset[BenchmarkId] = frozenset()
    base_again: Mapping[BenchmarkId, Sample] | None = None
    head_again: Mapping[BenchmarkId, Sample] | None = None


def comparable(base: Sample | None, head: Sample | None) -> bool:
    """Whether both sides have values of the same work."""
    return (
        base is not None
        and head is not None
        and not base.failure
        and not head.failure
        and bool(base.processes)
        and bool(head.processes)
        and base.outcome == head.outcome
    )
