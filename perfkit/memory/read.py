"""A memray capture with marks, read into live memory per stack and mark."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import MeasurementError
from perfkit.memory import capture, loop, pause
from perfkit.memory.growth import covers
from perfkit.memory.series import Frame, StackSeries
from perfkit.targets import load

if TYPE_CHECKING:
    from memray._memray import TemporalAllocationRecord

_OWN = {capture.__file__, loop.__file__, pause.__file__}
_DRIVERS = {*_OWN, load.__file__}
"""Where a target is called from: what lies outside of these frames is perfkit's."""

_NEVER = 2**62
"""Later than any memory record."""

_MOST_RECORDS = 2**31 - 1
"""What the reader takes (a C int); it is to skip no memory record."""


def read_series(
    file: Path, marks: Sequence[int], *, direct: Frame
) -> tuple[tuple[int, ...], tuple[StackSeries, ...]]:
    """Return the marks that hold a memory record, and what each stack kept at each of them.

    Stacks that hold nothing at any mark do not appear. Frames of perfkit are cut off; what the
    target allocates without a Python frame of its own (a C function called directly) is given
    ``direct`` as its stack.

    Args:
        file: The capture that :func:`perfkit.memory.capture.record` wrote.
        marks: The iteration counts it was marked at.
        direct: The frame that stands for the call of the target.

    Raises:
        MeasurementError: The capture is unreadable or ends early, or too few of its marks hold a
            memory record, which happens on an overloaded machine.
    """
    import memray

    try:
        with memray.FileReader(file, max_memory_records=_MOST_RECORDS) as reader:
            records = list(reader.get_temporal_allocation_records(merge_threads=True))
            stacks = [_frames(record.stack_trace()) for record in records]
            native = reader.metadata.has_native_traces
            shown = [
                _frames(record.hybrid_stack_trace()) if native and _is_kept(record) else ()
                for record in records
            ]
    except OSError as error:
        raise MeasurementError(
            f"memray cannot read back its capture {file} ({error}): free some space and try again"
        ) from error
    opens = _mark_positions(records, stacks, "_mark_opens")
    closes = _mark_positions(records, stacks, "_mark_closes")
    if not len(opens) == len(closes) == len(marks):
        raise MeasurementError(
            f"the capture {file} holds {len(closes)} of {len(marks)} marks, so memray stopped "
            "writing: free some space, or set TMPDIR"
        )
    # A memory record that came after the opening and before the closing allocation saw the mark.
    seen = [k for k in range(len(marks)) if closes[k] > opens[k]]
    kept_marks = tuple(marks[k] for k in seen)
    if not seen or seen[-1] != len(marks) - 1 or not covers(kept_marks):
        raise MeasurementError(
            f"memray's sampling thread saw only {len(seen)} of {len(marks)} marks: the machine is "
            "overloaded; measure when it is quieter"
        )
    positions = [opens[k] for k in seen]
    series = [
        StackSeries(
            stack=kept,
            shown=_without_perfkit(mixed, direct),
            live_bytes=_live(((i.n_bytes, *_span(i)) for i in record.intervals), positions),
            live_blocks=_live(((i.n_allocations, *_span(i)) for i in record.intervals), positions),
        )
        for record, stack, mixed in zip(records, stacks, shown, strict=True)
        if (kept := _without_perfkit(stack, direct))
    ]
    return kept_marks, tuple(one for one in series if any(one.live_bytes))


def _frames(stack: Iterable[tuple[str, str, int]]) -> tuple[Frame, ...]:
    return tuple(Frame(file, line, function) for function, file, line in stack)


def _is_kept(record: "TemporalAllocationRecord") -> bool:
    return any(interval.deallocated_before_snapshot is None for interval in record.intervals)


def _without_perfkit(stack: tuple[Frame, ...], direct: Frame) -> tuple[Frame, ...]:
    """Cut a stack off where perfkit called the target; empty for perfkit's own allocations."""
    for depth, frame in enumerate(stack):
        if frame.file in _DRIVERS:
            if depth == 0:
                return (direct,) if frame.file == load.__file__ else ()
            if frame.file in _OWN:
                return ()
            return stack[:depth]
    return stack


def _mark_positions(
    records: "Sequence[TemporalAllocationRecord]", stacks: Sequence[tuple[Frame, ...]], name: str
) -> list[int]:
    """Return, mark by mark, the index of the memory record that followed its allocation."""
    size = capture.MARK_BYTES + bytes.__basicsize__
    return sorted(
        interval.allocated_before_snapshot
        for record, stack in zip(records, stacks, strict=True)
        if stack and stack[0].function == name and stack[0].file == capture.__file__
        for interval in record.intervals
        if interval.n_bytes == interval.n_allocations * size
        for _ in range(interval.n_allocations)
    )


def _span(interval: object) -> tuple[int, int]:
    """Return the first memory record that saw an allocation, and the first that no longer did."""
    freed = interval.deallocated_before_snapshot  # type: ignore[attr-defined]
    return (
        interval.allocated_before_snapshot,  # type: ignore[attr-defined]
        _NEVER if freed is None else freed,
    )


def _live(amounts: Iterable[tuple[int, int, int]], positions: Sequence[int]) -> tuple[int, ...]:
    """Sum (amount, first record, record after the last) at each of the memory records."""
    changes = [0] * (len(positions) + 1)
    for amount, first, after in amounts:
        changes[bisect_left(positions, first)] += amount
        changes[bisect_left(positions, after)] -= amount
    return tuple(accumulate(changes[:-1]))
