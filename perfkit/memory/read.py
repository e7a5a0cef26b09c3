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
from perfkit.targets.blame import is_of_pytest

if TYPE_CHECKING:
    from memray._memray import TemporalAllocationRecord

_OWN = {capture.__file__, loop.__file__, pause.__file__}
_TARGETS = f"{Path(load.__file__).parent}/"
"""Where a target is called from: what lies outside of these frames is perfkit's."""

_NEVER = 2**62
"""Later than any memory record."""

_MOST_RECORDS = 2**31 - 1
"""What the reader takes (a C int); it is to skip no memory record."""


def read_series(
    file: Path, marks: Sequence[int], *, direct: Frame
) -> tuple[tuple[int, ...], tuple[StackSeries, ...]]:
    """Return the marks that hold a memory record, and what each stack kept at each of them.

    Stacks that hold the same at every mark do not appear: what imports left, mostly, whose many and
    deep stacks would take most of the time. Frames of perfkit are cut off; what the
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
            opens = _mark_positions(records, "_mark_opens")
            closes = _mark_positions(records, "_mark_closes")
            # A memory record after the opening and before the closing allocation saw the mark.
            seen = [
                k
                for k, (first, last) in enumerate(zip(opens, closes, strict=False))
                if last > first
            ]
            series = _series(
                records,
                [opens[k] for k in seen],
                direct,
                native=reader.metadata.has_native_traces,
            )
    except OSError as error:
        raise MeasurementError(
            f"memray cannot read back its capture {file} ({error}): free some space and try again"
        ) from error
    if not len(opens) == len(closes) == len(marks):
        raise MeasurementError(
            f"the capture {file} holds {len(closes)} of {len(marks)} marks, so memray stopped "
            "writing: free some space, or set TMPDIR"
        )
    kept_marks = tuple(marks[k] for k in seen)
    if not seen or seen[-1] != len(marks) - 1 or not covers(kept_marks):
        raise MeasurementError(
            f"memray's sampling thread saw only {len(seen)} of {len(marks)} marks: the machine is "
            "overloaded; measure when it is quieter"
        )
    return kept_marks, series


def _series(
    records: "Iterable[TemporalAllocationRecord]",
    positions: Sequence[int],
    direct: Frame,
    *,
    native: bool,
) -> tuple[StackSeries, ...]:
    """Return the stacks whose memory differs between the memory records at ``positions``."""
    found = []
    for record in records:
        intervals = record.intervals
        live_bytes = _live(((i.n_bytes, *_span(i)) for i in intervals), positions)
        live_blocks = _live(((i.n_allocations, *_span(i)) for i in intervals), positions)
        if len({*live_bytes}) <= 1 and len({*live_blocks}) <= 1:
            continue
        stack = _without_perfkit(_frames(record.stack_trace()), direct)
        if not stack:
            continue
        mixed = _frames(record.hybrid_stack_trace()) if native and _is_kept(record) else ()
        found.append(
            StackSeries(
                stack=stack,
                shown=_without_perfkit(mixed, direct),
                live_bytes=live_bytes,
                live_blocks=live_blocks,
            )
        )
    return tuple(found)


def _frames(stack: Iterable[tuple[str, str, int]]) -> tuple[Frame, ...]:
    return tuple(Frame(file, line, function) for function, file, line in stack)


def _is_kept(record: "TemporalAllocationRecord") -> bool:
    return any(interval.deallocated_before_snapshot is None for interval in record.intervals)


def _without_perfkit(stack: tuple[Frame, ...], direct: Frame) -> tuple[Frame, ...]:
    """Cut a stack off where perfkit called the target; empty for perfkit's own allocations.

    The frames of pytest that lie between perfkit and a test are cut off as well.
    """
    for depth, frame in enumerate(stack):
        if frame.file in _OWN:
            return ()
        if frame.file.startswith(_TARGETS):
            if depth == 0:
                return (direct,) if frame.file == load.__file__ else ()
            body = depth
            while body and is_of_pytest(stack[body - 1].file):
                body -= 1
            return stack[: body or depth]
    return stack


def _mark_positions(records: "Iterable[TemporalAllocationRecord]", name: str) -> list[int]:
    """Return, mark by mark, the index of the memory record that followed its allocation."""
    size = capture.MARK_BYTES + bytes.__basicsize__
    return sorted(
        interval.allocated_before_snapshot
        for record in records
        if any(one.n_bytes == one.n_allocations * size for one in record.intervals)
        and _innermost(record) == (name, capture.__file__)
        for interval in record.intervals
        if interval.n_bytes == interval.n_allocations * size
        for _ in range(interval.n_allocations)
    )


def _innermost(record: "TemporalAllocationRecord") -> tuple[str, str] | None:
    """Return function and file of the frame that allocated; None where there is no frame."""
    return next(((function, file) for function, file, _ in record.stack_trace(max_stacks=1)), None)


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
