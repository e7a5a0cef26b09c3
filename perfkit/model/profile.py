"""Where the time of a target went."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """One piece of code: its name with its class, its file as the interpreter knew it, its line.

    ``line`` is where the definition starts; 0 for compiled code, whose ``file`` is
    ``<built-in>``.
    """

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotspot:
    """The cost of one Python function over all call paths.

    ``self_seconds`` is the time in the function itself and in the compiled functions that it
    calls: a sampler sees only some of those, so none stands for itself. ``total_seconds`` adds
    the Python functions it calls, and counts a recursive function once. Shares are of all
    sampled time, 0 to 1; a band is a share's 95 % interval as the number of samples gives it.
    ``samples`` is the number of samples behind ``self_seconds``. ``own`` is whether it is code of
    the project and not of a library.
    """

    function: Function
    place: str
    """``file:line`` with the file as a person would write it."""
    self_seconds: float
    total_seconds: float
    self_share: float
    total_share: float
    samples: int
    self_band: tuple[float, float] = (0.0, 1.0)
    total_band: tuple[float, float] = (0.0, 1.0)
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNode:
    """One node of the call tree; a tree is its nodes in pre-order, children by falling time.

    ``hidden_seconds`` is the time of the children too small to be in the tree, ``folded`` the
    number of library functions below that the node stands for. ``own`` is whether it is code of
    the project.
    """

    depth: int
    function: Function
    place: str
    seconds: float
    share: float
    samples: int
    hidden_seconds: float = 0.0
    folded: int = 0
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPath:
    """The cost of one function, and of what it calls, over one path that leads to it.

    ``callers`` are the functions above it, outermost first.
    """

    function: Function
    place: str
    callers: tuple[Function, ...]
    seconds: float
    share: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time of a target without any profiler, in seconds per call.

    ``first`` is the first call, which may have warmed caches; ``median`` is over all calls.
    ``warmup_seconds`` is what all calls before the first took together, 0 without any.
    """

    calls: int
    first: float
    median: float
    total: float
    warmup_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is in a profile of more than the main thread.

    ``threads`` and ``processes`` count those with samples. ``processor_seconds`` is what the target
    used of the processors while it was recorded, in all its threads and in the processes it waited
    for, the start of Python in those left out. Such a profile is one of processor time.
    """

    threads: int
    processes: int
    processor_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A capture, read: what the terminal, JSON and comparisons are made of.

    ``timing`` is the target's time, None where it did not end within its time limit; ``seconds`` is
    the profiled time over ``calls`` calls, which the profiler lengthened, and is good for shares
    only. ``interval`` is in seconds. ``own_share`` is the part of the sampled time in the project's
    own functions, and in the compiled ones that they call; ``calling_share`` that between two
    calls of the target, in no code of it.
    """

    target: str
    timing: Timing | None
    seconds: float
    calls: int
    warmup: int
    interval: float
    samples: int
    hotspots: tuple[Hotspot, ...]
    tree: tuple[CallNode, ...]
    own_share: float = 0.0
    calling_share: float = 0.0
    cut_off: bool = False
    """Whether the recording ended with the time limit: it is of the beginning only."""
    reach: Reach | None = None
    """None for a profile of the main thread, by the clock on the wall."""
    warnings: tuple[str, ...] = ()
