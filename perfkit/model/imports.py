"""What the start of a program costs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCost:
    """One imported module; seconds, medians over processes.

    ``total_seconds`` holds what it imported first; ``total_range`` is the least and the largest
    of it. A tree is its nodes in pre-order, the costly ones first; ``depth`` 0 is the outermost.
    """

    module: str
    depth: int
    self_seconds: float
    total_seconds: float
    total_range: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTimes:
    """The start of a target in fresh processes; wall-clock seconds of whole processes.

    ``first_seconds`` is the first start, which may have written bytecode; ``start_seconds`` are
    those after it, ``empty_seconds`` those of an interpreter that does nothing. ``imports`` come
    from processes of their own, slowed a little by the logging.
    """

    target: str
    first_seconds: float
    start_seconds: tuple[float, ...]
    empty_seconds: tuple[float, ...]
    imports: tuple[ImportCost, ...]
