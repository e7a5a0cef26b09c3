"""Whom to measure again on independent rounds, and what these rounds are put beside; pure.

Two sets of rounds are needed to fail a build: one that makes a suspect, and one that had no part in
that. The peak memory beside a suspected time may have had too few of the first rounds to be
suspected itself. The new rounds are then the first that can tell anything of it, so that what they
suspect wants one more set.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from perfkit.gate.evidence import Evidence, comparable
from perfkit.gate.memory import with_memory_again
from perfkit.model import BenchmarkId, Sample, Shift
from perfkit.stats import needs_confirmation

Samples = Mapping[BenchmarkId, Sample]
ShiftOf = Callable[[Sample, Sample], Shift]


def suspects_of(
    evidence: Evidence, shift_of: ShiftOf
) -> dict[BenchmarkId, tuple[BenchmarkId, ...]]:
    """Return the benchmarks to measure again, each with what of it looks changed.

    That is its time, its peak memory, or both. ``evidence`` is that of the first rounds.
    """
    found: dict[BenchmarkId, tuple[BenchmarkId, ...]] = {}
    for one in _changed(evidence, shift_of):
        owner = one.beside or one
        found[owner] = (*found.get(owner, ()), one)
    return found


def _changed(evidence: Evidence, shift_of: ShiftOf) -> tuple[BenchmarkId, ...]:
    return needs_confirmation(
        {
            identity: shift_of(evidence.base[identity], evidence.head[identity])
            for identity in evidence.base
            if comparable(evidence.base[identity], evidence.head.get(identity))
        }
    )


def confirmed(
    evidence: Evidence,
    samples: tuple[Samples, Samples],
    memory: tuple[Samples, Samples],
    shift_of: ShiftOf,
) -> Evidence:
    """Return the evidence with the independent rounds of the suspects, base and head.

    ``memory`` is by the benchmark that it was recorded beside. Where only a time was suspected,
    after few rounds, its memory is judged on the new rounds, which are the first of it.
    """
    told = with_memory_again(
        replace(evidence, base_again=samples[0], head_again=samples[1]), *memory
    )
    base, head = dict(told.base_again or {}), dict(told.head_again or {})
    base_first, head_first = dict(told.base), dict(told.head)
    for identity in [one for one in base if one.beside is not None and one in head]:
        owner = identity.beside or identity
        if not comparable(base.get(owner), head.get(owner)):
            continue  # it failed, which is said, and need not be measured once more
        first, new = (told.base[identity], told.head[identity]), (base[identity], head[identity])
        few = len(first[1].processes) < len(new[1].processes)
        if few and comparable(*first) and not needs_confirmation({identity: shift_of(*first)}):
            base_first[identity], head_first[identity] = base.pop(identity), head.pop(identity)
    return replace(told, base=base_first, head=head_first, base_again=base, head_again=head)


def memory_to_confirm(evidence: Evidence, shift_of: ShiftOf) -> dict[BenchmarkId, int]:
    """Return whose memory looks changed on the second rounds, which were the first to tell.

    By the benchmark to measure once more, with the number of rounds that made the suspicion.
    """
    known = evidence.head_again
    if known is None:
        return {}
    return {
        one.beside: len(evidence.head[one].processes)
        for one in _changed(evidence, shift_of)
        if one.beside is not None and one.beside in known and one not in known
    }


def memory_confirmed(
    evidence: Evidence, samples: tuple[Samples, Samples], memory: tuple[Samples, Samples]
) -> Evidence:
    """Return the evidence with the third rounds, which are independent ones of the memory.

    The times have theirs already; but a benchmark that failed in the third rounds failed.
    """
    failed = {one.benchmark for side in samples for one in side.values() if one.failure}
    again = [
        {**(before or {}), **{one: side[one] for one in failed if one in side}}
        for before, side in zip((evidence.base_again, evidence.head_again), samples, strict=True)
    ]
    told = replace(evidence, base_again=again[0], head_again=again[1])
    return with_memory_again(told, *memory)
