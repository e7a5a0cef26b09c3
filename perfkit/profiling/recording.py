"""The samples of one capture, in pyinstrument's own words."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perfkit.model import Function, Reach, Timing

BUILT_IN = "<built-in>"
"""What pyinstrument writes for the file of a compiled function."""
THREAD = "<thread>"
"""What pyinstrument writes for the file of a thread, the root of every stack."""

CALLING = "[calling the target]\x00perfkit\x000"
"""The frame of a sample that fell between two calls of the target, into perfkit's own loop."""
CALLING_FUNCTION = Function("[calling the target]", "perfkit", 0)
"""The same, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One capture of a target.

    ``session`` is a pyinstrument session as its ``Session.to_json`` writes it, format of
    pyinstrument 5: ``frame_records`` holds one ``[stack, seconds]`` per sample, outermost frame
    first. Its stacks start at the target. ``calls`` and ``warmup`` count calls of the target;
    ``cwd`` is the directory it ran in.
    """

    target: str
    cwd: str
    timing: Timing | None
    """None where the target did not end within its time limit."""
    calls: int
    warmup: int
    interval: float
    other_threads_seconds: float = 0.0
    """Processor time of threads that were not recorded, during the recording."""
    other_processes_seconds: float = 0.0
    """Processor time of processes that the target waited for and that were not, likewise."""
    cut_off: bool = False
    """Whether the time limit ended the recording; ``calls`` are those that came to an end."""
    reach: Reach | None = None
    """None for the main thread alone, whose samples are times by the clock on the wall."""
    session: Mapping[str, Any]

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.session["frame_records"])

    @property
    def seconds(self) -> float:
        """Seconds between start and stop of the profiler."""
        return float(self.session["duration"])


Stack = tuple[Function, ...]


def stacks(session: Mapping[str, Any]) -> Iterator[tuple[Stack, float]]:
    """Yield each sample of a session: its functions, outermost first, and its seconds.

    The thread at the root is left out, and at least one function remains. An inherited method is
    one function; it gets the name of the class it was seen with most often.
    """
    functions = _functions(session)
    for frames, seconds in session["frame_records"]:
        found = (functions[frame] for frame in frames)
        yield tuple(function for function in found if function.file != THREAD), float(seconds)


def _functions(session: Mapping[str, Any]) -> dict[str, Function]:
    """Return the function of each frame text."""
    counts = Counter(frame for frames, _ in session["frame_records"] for frame in frames)
    classes: dict[str, Counter[str]] = {}
    for frame, count in counts.items():
        for attribute in frame.split("\x01")[1:]:
            if attribute.startswith("c"):
                classes.setdefault(_identity(frame), Counter())[attribute[1:]] += count
    return {frame: _function(frame, classes.get(_identity(frame))) for frame in counts}


def _function(frame: str, classes: Counter[str] | None) -> Function:
    """Read ``name NUL file NUL line``, which stands before the attributes."""
    name, file, line = (*_identity(frame).split("\x00"), "", "0")[:3]
    if classes:
        name = f"{classes.most_common(1)[0][0]}.{name}"
    return Function(name, file, int(line))


def without_stem(
    session: Mapping[str, Any], is_stem: Callable[[str], bool], is_own_work: Callable[[str], bool]
) -> dict[str, Any]:
    """Return a session whose stacks start at the target instead of at perfkit's own frames.

    Args:
        session: A session in the format of :class:`Recording`.
        is_stem: Whether a file is of those between ``Profiler.start`` and the target.
        is_own_work: Whether a file next to those is no part of the target either.
    """
    started = session["start_call_stack"]
    records = [
        (stack[:1] + (beyond(stack, started, is_stem, is_own_work) or [CALLING]), seconds)
        for stack, seconds in session["frame_records"]
    ]
    return {**session, "frame_records": records, "start_call_stack": started[:1]}


def beyond(
    stack: list[str],
    started: list[str],
    is_stem: Callable[[str], bool],
    is_own_work: Callable[[str], bool] = frozenset[str]().__contains__,
) -> list[str]:
    """Return the frames of a stack after its thread, those of ``started`` and a stem after them.

    None are left where the next one is own work.
    """
    cut = 1
    while cut < min(len(stack), len(started)) and _identity(stack[cut]) == _identity(started[cut]):
        cut += 1
    while cut < len(stack) and is_stem(_file(stack[cut])):
        cut += 1
    if cut < len(stack) and is_own_work(_file(stack[cut])):
        return []
    return stack[cut:]


def _file(frame: str) -> str:
    return _function(frame, None).file


def _identity(frame: str) -> str:
    return frame.partition("\x01")[0]
