"""The name under which a living object is kept, found through the collector's referrers."""

import functools
import gc
import sys
from types import CellType, FrameType, FunctionType
from typing import Any

DEPTH = 5
"""Referrers followed outwards from an object before its name is given up."""

NAMELESS = "reached by no name"
"""The kind of place of an object that no module, class or function leads to."""

WIDTH = 50
"""Referrers followed at each depth."""


def place(found: object, unwanted: set[int]) -> tuple[str, str] | None:
    """Return name and kind of a container, such as ``pkg.mod.NAME`` and ``list, module global``.

    None for what is no place of its own: the inside of an ``lru_cache``, and what perfkit keeps.
    ``unwanted`` are identities of objects that are not to be followed.
    """
    kind = type(found).__name__
    if isinstance(found, _CACHE):
        return f"{found.__module__}.{found.__qualname__}", "functools.lru_cache"
    inner, suffixes = [found], [""]
    seen = {id(found), id(inner), *unwanted}
    for _ in range(DEPTH):
        outer: list[Any] = []
        outer_suffixes: list[str] = []
        seen.add(id(outer))
        for held, suffix in zip(inner, suffixes, strict=True):
            for referrer in gc.get_referrers(held):
                if id(referrer) in seen or isinstance(referrer, FrameType):
                    continue
                if isinstance(referrer, _CACHE) and not suffix:
                    return None
                seen.add(id(referrer))
                root = _root(referrer, held)
                if root is not None:
                    name, where = root
                    if name.startswith(f"{__package__}."):
                        return None
                    return f"{name}{suffix}", f"{kind}, {where}" if not suffix else kind
                outer.append(referrer)
                outer_suffixes.append(f"{_step(referrer, held)}{suffix}")
        inner, suffixes = outer[:WIDTH], outer_suffixes[:WIDTH]
        seen.add(id(inner))
    return f"a {kind}", NAMELESS


_CACHE = functools._lru_cache_wrapper  # noqa: SLF001 - the type has no other name


def _root(referrer: object, inner: object) -> tuple[str, str] | None:
    """Return the name of ``inner`` where ``referrer`` gives it one for good."""
    match referrer:
        case dict():
            return _module_global(referrer, inner) or _class_attribute(referrer, inner)
        case CellType():
            return _closure(referrer)
        case tuple():
            return _default(referrer)
        case _:
            return None


def _module_global(namespace: dict[Any, Any], inner: object) -> tuple[str, str] | None:
    name = namespace.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or _attributes_of(module) is not namespace:
        return None
    return f"{name}.{_key(namespace, inner)}", "module global"


def _class_attribute(namespace: dict[Any, Any], inner: object) -> tuple[str, str] | None:
    for owner in gc.get_referrers(namespace):
        if isinstance(owner, type):
            name = _key(dict(vars(owner)), inner)
            if name != _NO_KEY:
                return f"{owner.__module__}.{owner.__qualname__}.{name}", "class attribute"
    return None


def _closure(cell: CellType) -> tuple[str, str] | None:
    for closure in gc.get_referrers(cell):
        if isinstance(closure, tuple):
            for function in gc.get_referrers(closure):
                if isinstance(function, FunctionType) and function.__closure__ is closure:
                    names = zip(function.__code__.co_freevars, closure, strict=True)
                    name = next(name for name, found in names if found is cell)
                    return f"{name} in {function.__module__}.{function.__qualname__}", "closure"
    return None


def _default(values: tuple[Any, ...]) -> tuple[str, str] | None:
    for function in gc.get_referrers(values):
        if isinstance(function, FunctionType) and function.__defaults__ is values:
            return f"{function.__module__}.{function.__qualname__}", "default argument"
    return None


_NO_KEY = "?"


def _key(mapping: dict[Any, Any], value: object) -> str:
    """Return the key of a value, if it reads well as part of a name."""
    found = next((key for key, entry in mapping.items() if entry is value), None)
    return found if isinstance(found, str) else _NO_KEY


def _step(referrer: object, inner: object) -> str:
    """Return how ``inner`` is reached from ``referrer``: ``.name``, ``['key']`` or ``[...]``."""
    attributes = _attributes_of(referrer)
    if attributes is inner:
        return ""  # the step from the attributes to their value is already written
    if isinstance(attributes, dict) and (name := _key(attributes, inner)) != _NO_KEY:
        return f".{name}"
    if isinstance(referrer, dict):
        key = _key(referrer, inner)
        owned = any(_attributes_of(owner) is referrer for owner in gc.get_referrers(referrer))
        if key == _NO_KEY:
            return "[...]"
        return f".{key}" if owned else f"[{key!r}]"
    return "[...]"


def _attributes_of(owner: object) -> object:
    """Return an instance's ``__dict__`` without running code of its class; None without one."""
    try:
        return object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return None
