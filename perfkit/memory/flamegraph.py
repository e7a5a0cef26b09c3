"""Flame graphs of a capture, drawn by memray's own reporter as pages that need no network."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.durable import write_whole
from perfkit.errors import MeasurementError
from perfkit.memory import loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memray import AllocationRecord


def newest_capture(folder: Path) -> Path:
    """Return the capture of the last run, which is the longest of a search, in its folder.

    Raises:
        MeasurementError: There is none.
    """
    captures = sorted(folder.glob("leaks-*.bin"), key=lambda file: file.stat().st_mtime_ns)
    if not captures:
        raise MeasurementError(f"there is no capture in {folder}, so there is nothing to draw")
    return captures[-1]


def draw_kept(capture: Path, page: Path) -> None:
    """Draw what calls of the target had allocated and not given back at the end of the run.

    What was allocated while the target was imported is left out.
    """
    _draw(capture, page, kept=True)


def draw_peak(capture: Path, page: Path) -> None:
    """Draw the memory of the whole run, imports included, when it held most (high-water mark)."""
    _draw(capture, page, kept=False)


def _draw(capture: Path, page: Path, *, kept: bool) -> None:
    from memray import FileReader
    from memray.reporters.flamegraph import FlameGraphReporter

    text = io.StringIO()
    with FileReader(capture) as reader:
        records = (
            _in_calls(reader.get_leaked_allocation_records(merge_threads=True))
            if kept
            else reader.get_high_watermark_allocation_records(merge_threads=True)
        )
        reporter = FlameGraphReporter.from_snapshot(
            records,
            memory_records=tuple(reader.get_memory_snapshots()),
            native_traces=reader.metadata.has_native_traces,
            merge_threads=True,
            inverted=False,
        )
        reporter.render(
            outfile=text,
            metadata=reader.metadata,
            show_memory_leaks=kept,
            merge_threads=True,
            inverted=False,
            no_web=True,
        )
    write_whole(page, text.getvalue())


def _in_calls(records: "Iterable[AllocationRecord]") -> "Iterator[AllocationRecord]":
    for record in records:
        frames = record.stack_trace()
        if any(
            function == loop.numbered_call.__name__ and file == loop.__file__
            for function, file, _ in frames
        ):
            yield record
