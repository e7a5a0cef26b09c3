"""Copies of cached values, so that a caller who changes what it got changes nobody else's."""

import copy
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

How: TypeAlias = Literal["pickle", "deepcopy", "none"]

_UNCHANGING = frozenset({str, bytes, int, float, complex, bool, type(None)})
"""Types whose values nobody can change; they are given out as they are."""


class Frozen(NamedTuple):
    """A value that is put aside: ``thaw(kept)`` makes a copy of it."""

    thaw: Callable[[Any], Any]
    kept: Any


def freeze(value: object, how: How) -> Frozen | None:
    """Put a value aside; None where it cannot be copied.

    ``pickle`` is the quickest for most values; what it cannot do is left to ``deepcopy``. ``none``
    gives out the value itself, for values that nobody changes.
    """
    if how == "none" or type(value) in _UNCHANGING:
        return Frozen(_itself, value)
    if how == "pickle":
        import pickle

        try:
            return Frozen(
                pickle.loads, pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            )  # our own bytes
        except Exception:  # noqa: BLE001, S110  # a value may raise anything here; the next way is tried
            pass
    try:
        return Frozen(copy.deepcopy, copy.deepcopy(value))
    except Exception:  # noqa: BLE001  # as above
        return None


def _itself(value: object) -> object:
    return value
