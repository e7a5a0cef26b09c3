"""The memory of one call of a target at its peak, recorded by memray in a process of its own."""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perfkit.errors import MeasurementError
from perfkit.memory.places import shown_from
from perfkit.memory.series import Frame
from perfkit.model import Allocator, PeakMemory
from perfkit.targets import load as loading
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

CHILD = "perfkit.memory.peak"
_TARGETS = Path(loading.__file__).parent
"""Where a target is called from: what lies there is perfkit's."""
Run = Callable[[str, dict[str, Any]], Mapping[str, Any]]
"""Runs a child module on a request and returns its answer."""


def peak_memory(
    target: Target, run: Run, *, folders: Sequence[Path], warmup: int = 0
) -> PeakMemory:
    """Return what was live when one call of ``target`` held the most memory, by function.

    Memory that was taken before the call, by imports or by a benchmark's ``setup``, does not count.

    Raises:
        UsageError: The target cannot be used as named.
        MeasurementError: It failed, or memray could not write or read its capture.
    """
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        capture = Path(scratch, "peak.bin")
        run(CHILD, {"target": target.to_json(), "capture": str(capture), "warmup": warmup})
        return allocators(capture, str(target), folders)


def allocators(capture: Path, target: str, folders: Sequence[Path]) -> PeakMemory:
    """Return the functions whose memory was live at the peak of a capture, the most bytes first.

    Bytes belong to the innermost Python function of a stack. What the target's start allocates
    without a frame of its own belongs to ``[calling the target]``. Files are written from
    ``folders``, so that those of two builds have the same names.
    """
    import memray

    sizes: Counter[tuple[str, str]] = Counter()
    blocks: Counter[tuple[str, str]] = Counter()
    lines: dict[tuple[str, str], Counter[int]] = {}
    try:
        with memray.FileReader(capture) as reader:
            for record in reader.get_high_watermark_allocation_records(merge_threads=True):
                function, file, line = _innermost(record.stack_trace())
                key = (function, file)
                sizes[key] += record.size
                blocks[key] += record.n_allocations
                lines.setdefault(key, Counter())[line] += record.size
    except OSError as error:
        raise MeasurementError(
            f"memray cannot read back its capture of {target} ({error}): free some space, or set"
            " TMPDIR"
        ) from error
    show = shown_from(folders[0])
    roots = [f"{folder.resolve()}/" for folder in folders]

    def place(file: str, line: int) -> str:
        if not line:
            return file
        for root in roots:
            file = file.removeprefix(root)
        return show(Frame(file, line, "")).rstrip()

    return PeakMemory(
        target=target,
        peak_bytes=sum(sizes.values()),
        allocators=tuple(
            Allocator(
                function=function,
                place=place(file, lines[function, file].most_common(1)[0][0]),
                file=file,
                bytes=size,
                blocks=blocks[function, file],
            )
            for (function, file), size in sorted(
                sizes.items(), key=lambda item: (-item[1], item[0])
            )
        ),
    )


def _innermost(stack: list[tuple[str, str, int]]) -> tuple[str, str, int]:
    """Return the innermost frame, or what stands for perfkit's own call of the target."""
    if not stack or stack[0][1] == __file__ or Path(stack[0][1]).parent == _TARGETS:
        return ("[calling the target]", "perfkit", 0)
    return stack[0]


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer in the child: one call under memray, its capture written to ``capture``."""
    import memray

    site = request.get("site")
    with loading.load(
        Target.from_json(request["target"]), None if site is None else Path(site)
    ) as call:
        for _ in range(request["warmup"]):
            call()
        try:
            tracker = memray.Tracker(
                destination=memray.FileDestination(request["capture"]),
                trace_python_allocators=True,
            )
        except OSError as error:
            raise MeasurementError(
                f"memray cannot write its capture ({error}): free some space, or set TMPDIR"
            ) from error
        with tracker:
            call()
    return {}


if __name__ == "__main__":
    serve(measure)
