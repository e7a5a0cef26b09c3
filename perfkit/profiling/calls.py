"""The calls of a recording from the top down, and the paths that lead to one function."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from perfkit.model import CallNode, CallPath, Function
from perfkit.profiling.recording import BUILT_IN, Stack
from perfkit.profiling.view import Lens, Place

SMALLEST_SHARE = 0.01
"""Share of the time below which a node is left out of the call tree."""

Samples = Iterable[tuple[Stack, float]]


@dataclass(slots=True)
class _Node:
    seconds: float = 0.0
    samples: int = 0
    children: dict[Function, "_Node"] = field(default_factory=dict)
    folded: set[Function] = field(default_factory=set)


def call_tree(
    samples: Samples,
    place: Place,
    *,
    smallest_share: float = SMALLEST_SHARE,
    lens: Lens | None = None,
    fold: bool = False,
    machinery: bool = False,
) -> tuple[CallNode, ...]:
    """Return the calls from the target down, compiled functions included.

    Repeated calls along one path are one node, and so is a function that calls itself directly.
    The frames of the import machinery are skipped unless ``machinery``. Nodes below
    ``smallest_share`` of the sampled time are left out, and their time is kept in
    ``hidden_seconds`` of the node above. With ``fold`` a library called by own code is one node,
    which says how many of its functions it stands for; ``lens`` knows the own code.
    """
    root = _merged(samples, lens if fold else None, machinery=machinery)
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
                    folded=len(node.folded),
                    own=lens is not None and lens.own(function),
                )
            )
            waiting += [(depth + 1, child, below) for child, below in shown]
    return tuple(found)


def _merged(samples: Samples, fold: Lens | None, *, machinery: bool) -> _Node:
    root = _Node()
    for stack, seconds in samples:
        node = root
        node.seconds += seconds
        caller = None
        for function, folded in _walked(stack, fold, machinery=machinery):
            if folded:
                node.folded.add(function)
                continue
            if function == caller:
                continue
            caller = function
            node = node.children.setdefault(function, _Node())
            node.seconds += seconds
            node.samples += 1
    return root


def _walked(stack: Stack, fold: Lens | None, *, machinery: bool) -> Iterator[tuple[Function, bool]]:
    if fold is not None:
        return fold.folded(stack)
    return (
        (function, False)
        for function in stack
        if machinery or not function.file.startswith("<frozen importlib")
    )


def _by_rising_time(node: _Node) -> Sequence[tuple[Function, _Node]]:
    return sorted(node.children.items(), key=lambda pair: (pair[1].seconds, pair[0]))


def call_paths(samples: Samples, place: Place, pattern: str) -> tuple[CallPath, ...]:
    """Return the call paths to every function that ``pattern`` names, the most time first.

    The pattern is the shell's, over the name with or without its class and over ``file:line``. A
    path ends where the function is first reached, so that its recursion counts once, and the
    paths of one function add up to its total time.
    """
    costs: dict[Stack, list[float]] = {}
    whole = 0.0
    for stack, seconds in samples:
        whole += seconds
        seen: set[Function] = set()
        for index, function in enumerate(stack):
            if function in seen or not _is_named(function, place, pattern):
                continue
            seen.add(function)
            cost = costs.setdefault(_without_repeats(stack[: index + 1]), [0.0, 0])
            cost[0] += seconds
            cost[1] += 1
    return tuple(
        CallPath(
            function=path[-1],
            place=place(path[-1]),
            callers=path[:-1],
            seconds=seconds,
            share=_share(seconds, whole),
            samples=int(count),
        )
        for path, (seconds, count) in sorted(costs.items(), key=lambda item: -item[1][0])
    )


def _is_named(function: Function, place: Place, pattern: str) -> bool:
    texts = (function.name, function.name.rpartition(".")[2], place(function))
    return any(fnmatchcase(text, pattern) for text in texts)


def _without_repeats(path: Stack) -> Stack:
    """Return a path without the import machinery, a function that calls itself once."""
    kept: list[Function] = []
    for function in path:
        if not (kept and kept[-1] == function) and (
            function is path[-1] or not function.file.startswith("<frozen importlib")
        ):
            kept.append(function)
    return tuple(kept)


def python_part(stack: Stack) -> Stack:
    """Return the Python functions of a stack, or its innermost one where all are compiled."""
    python = tuple(function for function in stack if function.file != BUILT_IN)
    return python or stack[-1:]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
