"""Numbers that a report cannot hold: infinite, below zero or above one where that means nothing.

A report read from a file may be a stranger's; what is possible, every rendering can show.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from perfkit.model import Interval, Report

Number = int | float


@dataclass(frozen=True, slots=True)
class Impossible:
    """A number in a report: its place (``comparisons.0.shift.floor``), it, and what was wanted."""

    place: str
    found: Number
    wanted: str


@dataclass(frozen=True, slots=True)
class _Range:
    low: Number
    high: Number
    wanted: str


_INFINITE = float("inf")
_LARGEST = sys.float_info.max
_COUNT = _Range(0, 2**53, "a whole number from 0 to 2**53")
"""Beyond it, floats do not hold every whole number, so no program that computed one wrote it."""
_ANY = _Range(-_LARGEST, _LARGEST, "a finite number")
_NOT_NEGATIVE = _Range(0, _LARGEST, "a finite number from 0 on")
_SHARE = _Range(0, 1, "a number from 0 to 1")
_FLOATS = {
    "alpha": _SHARE,
    "ceiling": _NOT_NEGATIVE,
    "floor": _NOT_NEGATIVE,
    "load": _NOT_NEGATIVE,
    "p_adjusted": _SHARE,
    "p_value": _SHARE,
    "quota_cores": _NOT_NEGATIVE,
    "seconds": _NOT_NEGATIVE,
    "smallest_visible_effect": _Range(0, _INFINITE, "a number from 0 on"),
    "threshold": _NOT_NEGATIVE,
}
"""By the name of the field; of others, any finite number may be."""


def impossible(report: Report) -> Impossible | None:
    """Return the first number of ``report`` that cannot be, None where all can."""
    return _within(report, "")


def _within(value: object, name: str) -> Impossible | None:
    """Return what is wrong with a value of the field ``name``, with its place below the field."""
    kind = type(value)
    if kind is float:
        return _checked(value, _FLOATS.get(name, _ANY))  # type: ignore[arg-type]  # a float
    if kind is int:
        return _checked(value, _COUNT)  # type: ignore[arg-type]  # an int
    if isinstance(value, tuple):
        return _first((str(index), name, one) for index, one in enumerate(value))
    # An interval may be unbounded, and has refused what else is wrong itself.
    if kind is Interval:
        return None
    names = getattr(kind, "__dataclass_fields__", ())
    return _first((name, name, getattr(value, name)) for name in names)


def _first(parts: Iterable[tuple[str, str, object]]) -> Impossible | None:
    for place, name, value in parts:
        if type(value) is not str and (wrong := _within(value, name)) is not None:
            below = f"{place}.{wrong.place}" if wrong.place else place
            return Impossible(below, wrong.found, wrong.wanted)
    return None


def _checked(number: Number, possible: _Range) -> Impossible | None:
    # NaN is in no range.
    if possible.low <= number <= possible.high:
        return None
    return Impossible("", number, possible.wanted)
