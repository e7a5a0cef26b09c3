"""Sessions as pyinstrument writes them, made by hand."""

from collections.abc import Mapping, Sequence

from perfkit.model import Timing
from perfkit.profiling.recording import Recording

Frame = tuple[str, str, int]
"""Name, file, line."""


def frame(name: str, file: str, line: int, cls: str = "") -> str:
    return f"{name}\x00{file}\x00{line}" + (f"\x01c{cls}" if cls else "")


def recording(
    stacks: Mapping[Sequence[str], float],
    *,
    calls: int = 1,
    target: str = "app:main",
    threads: float = 0.0,
    median: float = 0.01,
) -> Recording:
    """Return a recording with one sample of 1 ms for each of the milliseconds of a stack."""
    records = [
        ([frame("MainThread", "<thread>", 0), *stack], 0.001)
        for stack, milliseconds in stacks.items()
        for _ in range(round(milliseconds))
    ]
    return Recording(
        target=target,
        cwd="/project",
        timing=Timing(calls=1, first=median, median=median, total=median),
        calls=calls,
        warmup=0,
        interval=0.001,
        other_threads_seconds=threads,
        session={
            "frame_records": records,
            "start_time": 0.0,
            "duration": sum(seconds for _, seconds in records),
            "min_interval": 0.001,
            "max_interval": 0.001,
            "sample_count": len(records),
            "start_call_stack": [frame("MainThread", "<thread>", 0)],
            "target_description": target,
            "cpu_time": 1.0,
            "sys_path": ["/lib"],
            "sys_prefixes": ["/usr"],
        },
    )
