"""The same function on two sides, also where its file was renamed or its class is another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from perfkit.profiling.charging import Code

Pair = tuple[Code | None, Code | None]
"""A function on base and on head; None where a side has no such function."""


def match(base: Iterable[Code], head: Iterable[Code], renamed: Mapping[str, str]) -> list[Pair]:
    """Return every function of both sides once.

    Equal file and qualified name first, with base's file as git says it is called on head
    (``renamed``, old path -> new). Of what is left over, equal file and bare name where that is
    unique on both sides: the class of a method is the one it was seen with.
    """
    left = {_moved(code, renamed): code for code in base}
    right = list(head)
    pairs: list[Pair] = [(left.pop(code), code) for code in right if code in left]
    matched = {code for _, code in pairs}
    rest = [code for code in right if code not in matched]
    by_bare = _unique({code: code for code in rest})
    for key, former in _unique(left).items():
        if key in by_bare:
            pairs.append((former, by_bare[key]))
    used_base, used_head = ({pair[side] for pair in pairs} for side in (0, 1))
    pairs += [(code, None) for code in left.values() if code not in used_base]
    pairs += [(None, code) for code in rest if code not in used_head]
    return pairs


def _moved(code: Code, renamed: Mapping[str, str]) -> Code:
    return Code(renamed.get(code.path, code.path), code.name)


def _unique(codes: Mapping[Code, Code]) -> dict[tuple[str, str], Code]:
    """Return what each key's file and bare name stands for, where it stands for one thing."""
    found: dict[tuple[str, str], list[Code]] = defaultdict(list)
    for key, code in codes.items():
        found[key.path, key.bare].append(code)
    return {key: codes[0] for key, codes in found.items() if len(codes) == 1}
