"""The calls of two sides in one tree, for a differential flame graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from perfkit.model import DifferenceNode
from perfkit.profiling.charging import Code, naming
from perfkit.profiling.difference import Profiled, Sides
from perfkit.profiling.recording import BUILT_IN, stacks

SMALLEST = 0.002
"""Part of base's time below which, on both sides, a node is left out: a fifth of a pixel row."""


@dataclass(slots=True)
class _Node:
    base: float = 0.0
    head: float = 0.0
    place: str = ""
    children: dict[Code, "_Node"] = field(default_factory=dict)


def difference_tree(sides: Sides) -> tuple[DifferenceNode, ...]:
    """Return every call path of both sides in pre-order, the larger calls first.

    Costs are per call, in units of base's whole time. A function that calls itself directly is one
    node.
    """
    root = _Node()
    for side, is_head in ((sides.base, False), (sides.head, True)):
        _grow(root, side, {} if is_head else sides.renamed, is_head=is_head)
    whole = root.base or 1.0
    found: list[DifferenceNode] = []
    waiting = [(0, Code("", "all calls"), root)]
    while waiting:  # no recursion: a stack may be deeper than Python allows
        depth, code, node = waiting.pop()
        found.append(
            DifferenceNode(
                depth=depth,
                function=code.name,
                place=node.place,
                base=node.base / whole,
                head=node.head / whole,
            )
        )
        waiting += [
            (depth + 1, below, child)
            for below, child in sorted(node.children.items(), key=lambda pair: _size(pair[1]))
            if _size(child) >= SMALLEST * whole
        ]
    return tuple(found)


def _size(node: _Node) -> float:
    return max(node.base, node.head)


def _grow(root: _Node, side: Profiled, renamed: Mapping[str, str], *, is_head: bool) -> None:
    for path, seconds in _paths(side, renamed):
        node = root
        _count(node, seconds, is_head=is_head)
        caller = None
        for code, place in path:
            if code == caller:
                continue
            caller = code
            node = node.children.setdefault(code, _Node())
            if is_head or not node.place:
                node.place = place
            _count(node, seconds, is_head=is_head)


def _count(node: _Node, seconds: float, *, is_head: bool) -> None:
    if is_head:
        node.head += seconds
    else:
        node.base += seconds


def _paths(
    side: Profiled, renamed: Mapping[str, str]
) -> Iterator[tuple[list[tuple[Code, str]], float]]:
    """Yield each sample's functions, outermost first, and its mean seconds per call."""
    for recording in side.recordings:
        code_of = naming(recording, side.sources)
        part = recording.calls * len(side.recordings)
        for stack, seconds in stacks(recording.session):
            path = []
            for function in stack:
                code = code_of(function)
                place = code.path if function.file == BUILT_IN else f"{code.path}:{function.line}"
                path.append((Code(renamed.get(code.path, code.path), code.name), place))
            yield path, seconds / part
