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
    sampled time, 0 to 1. ``samples`` is the number of samples behind ``self_seconds``.
    """

    function: Function
    place: str
    """``file:line`` with the file as a person would write it."""
    self_seconds: float
    total_seconds: float
    self_share: float
    total_share: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNode:
    """One node of the call tree; a tree is its nodes in pre-order, children by falling time.

    ``hidden_seconds`` is the time of the children too small to be in the tree.
    """

    depth: int
    function: Function
    place: str
    seconds: float
    share: float
    samples: int
    hidden_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time of a target without any profiler, in seconds per call.

    ``first`` is the first call, which may have warmed caches; ``median`` is over all calls.
    """

    calls: int
    first: float
    median: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A capture, read: what the terminal, JSON and comparisons are made of.

    ``timing`` is the target's time; ``seconds`` is the profiled time over ``calls`` calls, which
    the profiler lengthened, and is good for shares only. ``interval`` is in seconds.
    """

    target: str
    timing: Timing
    seconds: float
    calls: int
    warmup: int
    interval: float
    samples: int
    hotspots: tuple[Hotspot, ...]
    tree: tuple[CallNode, ...]
    warnings: tuple[str, ...] = ()
