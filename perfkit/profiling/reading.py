"""A recording read: hotspots over all call paths, the call tree, and what to doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from perfkit.model import CallNode, Function, Hotspot, Profile
from perfkit.profiling.recording import BUILT_IN, Recording, Stack, stacks

FEW_SAMPLES = 100
"""Below this a share of one half has a standard error above 5 points, sqrt(p(1 - p) / n)."""
UNSEEN_SHARE = 0.05
"""Time outside the profile, of the profiled time, that is worth a warning."""
SMALLEST_SHARE = 0.01
"""Share of the time below which a node is left out of the call tree."""


def read(recording: Recording) -> Profile:
    """Return what a recording says."""
    place = Places(recording.cwd, recording.session["sys_path"])
    return Profile(
        target=recording.target,
        timing=recording.timing,
        seconds=recording.seconds,
        calls=recording.calls,
        warmup=recording.warmup,
        interval=recording.interval,
        samples=recording.samples,
        hotspots=hotspots(recording.session, place),
        tree=call_tree(recording.session, place),
        warnings=tuple(_doubts(recording)),
    )


class Places:
    """Writes files as a person would: relative to the project, else to the import path."""

    def __init__(self, cwd: str, import_path: Iterable[str]) -> None:
        self._project = PurePath(cwd)
        self._roots = sorted((PurePath(path) for path in import_path), key=_depth, reverse=True)

    def __call__(self, function: Function) -> str:
        """Return ``file:line``, or the bare file of compiled code."""
        if function.line == 0:
            return function.file
        return f"{self._short(PurePath(function.file))}:{function.line}"

    def _short(self, file: PurePath) -> PurePath:
        if file.is_relative_to(self._project) and "site-packages" not in file.parts:
            return file.relative_to(self._project)
        for root in self._roots:
            if root.is_absolute() and file.is_relative_to(root):
                return file.relative_to(root)
        return file


def _depth(path: PurePath) -> int:
    return len(path.parts)


@dataclass(slots=True)
class _Cost:
    own: float = 0.0
    total: float = 0.0
    samples: int = 0


def hotspots(session: Mapping[str, Any], place: Places) -> tuple[Hotspot, ...]:
    """Return the cost of every Python function, the largest self time first.

    Bottom-up over all call paths. The self times add up to the sampled time. A stack of compiled
    code only is charged to its innermost function.
    """
    costs: dict[Function, _Cost] = {}
    seen = 0.0
    for stack, seconds in stacks(session):
        python = python_part(stack)
        seen += seconds
        leaf = costs.setdefault(python[-1], _Cost())
        leaf.own += seconds
        leaf.samples += 1
        for function in dict.fromkeys(python):  # a recursive function counts once
            costs.setdefault(function, _Cost()).total += seconds
    found = (
        Hotspot(
            function=function,
            place=place(function),
            self_seconds=cost.own,
            total_seconds=cost.total,
            self_share=_share(cost.own, seen),
            total_share=_share(cost.total, seen),
            samples=cost.samples,
        )
        for function, cost in costs.items()
    )
    return tuple(sorted(found, key=lambda hot: (-hot.self_seconds, -hot.total_seconds, hot.place)))


def python_part(stack: Stack) -> Stack:
    """Return the Python functions of a stack, or its innermost one where all are compiled."""
    python = tuple(function for function in stack if function.file != BUILT_IN)
    return python or stack[-1:]


@dataclass(slots=True)
class _Node:
    seconds: float = 0.0
    samples: int = 0
    children: dict[Function, "_Node"] = field(default_factory=dict)


def call_tree(
    session: Mapping[str, Any], place: Places, *, smallest_share: float = SMALLEST_SHARE
) -> tuple[CallNode, ...]:
    """Return the calls from the target down, compiled functions included.

    Repeated calls along one path are one node, and so is a function that calls itself directly.
    The frames of the import machinery are skipped. Nodes below ``smallest_share`` of the sampled
    time are left out, and their time is kept in ``hidden_seconds`` of the node above.
    """
    root = _merged(stacks(session))
    found: list[CallNode] = []
    waiting = [(0, function, node) for function, node in _by_rising_time(root)]
    while waiting:  # no recursion: a stack may be deeper than Python allows
        depth, function, node = waiting.pop()
        children = _by_rising_time(node)
        shown = [
            pair for pair in children if _share(pair[1].seconds, root.seconds) >= smallest_share
        ]
        hidden = sum(child.seconds for _, child in children) - sum(c.seconds for _, c in shown)
        if _share(node.seconds, root.seconds) >= smallest_share:
            found.append(
                CallNode(
                    depth=depth,
                    function=function,
                    place=place(function),
                    seconds=node.seconds,
                    share=_share(node.seconds, root.seconds),
                    samples=node.samples,
                    hidden_seconds=max(hidden, 0.0),
                )
            )
            waiting += [(depth + 1, child, below) for child, below in shown]
    return tuple(found)


def _merged(samples: Iterable[tuple[Stack, float]]) -> _Node:
    root = _Node()
    for stack, seconds in samples:
        node = root
        node.seconds += seconds
        caller = None
        for function in stack:
            if function == caller or function.file.startswith("<frozen importlib"):
                continue
            caller = function
            node = node.children.setdefault(function, _Node())
            node.seconds += seconds
            node.samples += 1
    return root


def _by_rising_time(node: _Node) -> Sequence[tuple[Function, _Node]]:
    return sorted(node.children.items(), key=lambda pair: (pair[1].seconds, pair[0]))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _doubts(recording: Recording) -> Iterable[str]:
    if recording.samples < FEW_SAMPLES:
        yield (
            f"{recording.samples} samples only, so shares are rough: "
            "measure with --repeat auto for at least 1000"
        )
    # Between start and stop up to one interval is lost, which is much of a short recording only.
    sampled = sum(seconds for _, seconds in recording.session["frame_records"])
    unseen = 1 - _share(sampled, recording.seconds)
    if unseen > UNSEEN_SHARE and recording.samples >= FEW_SAMPLES:
        yield (
            f"{unseen:.0%} of the profiled time has no sample: the target seems to have replaced "
            "the profiler with one of its own (sys.setprofile)"
        )
    elsewhere = {
        "other threads": recording.other_threads_seconds,
        "processes that the target started": recording.other_processes_seconds,
    }
    for where, seconds in elsewhere.items():
        if _share(seconds, recording.seconds) > UNSEEN_SHARE:
            yield (
                f"{where} used {seconds:.3g} s of processor time that is not in this profile: "
                "it shows the main thread only"
            )
