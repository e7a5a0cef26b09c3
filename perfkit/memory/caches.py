"""Caches of the standard library that fill as a program runs and are bounded or meant to be kept.

They belong to the interpreter, not to the target; cleared before memory is looked at, they
neither hide nor imitate a leak. The list follows what CPython's own leak hunter clears
(``test.libregrtest.utils.clear_caches``), without what only its test suite fills.
"""

import functools
import gc
import sys
import sysconfig
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

LruCache: TypeAlias = "functools._lru_cache_wrapper[Any]"  # noqa: SLF001 - the type has no other name

_CLEARING = {
    "_strptime": "_regex_cache.clear",
    "filecmp": "clear_cache",
    "linecache": "clearcache",
    "re": "purge",
    "struct": "_clearcache",
    "xml.etree.ElementPath": "_cache.clear",
}
"""Module -> what to call in it. Not ctypes: clearing its pointer types changes what a program
does, for types made before and after are not the same."""


def clear_stdlib_caches() -> None:
    """Empty the caches of those standard library modules that the program has imported."""
    for module, path in _CLEARING.items():
        if module in sys.modules:
            found: object = sys.modules[module]
            for name in path.split("."):
                found = getattr(found, name, None)
            if callable(found):
                found()
    clear_internal: Callable[[], None] | None = getattr(
        sys, "_clear_internal_caches", getattr(sys, "_clear_type_cache", None)
    )
    if clear_internal is not None:
        clear_internal()


_NUMPY_SIZES = 1024
_NUMPY_EACH = 16
_NUMPY_DIMENSIONS = 8
"""numpy keeps the data of up to 7 freed arrays of each size below 1024 bytes, and up to 15 freed
shapes of each length (``alloc.c`` of numpy, ``NBUCKETS`` and ``NCACHE``)."""


def fill_numpy_cache() -> bool:
    """Fill numpy's cache of small buffers to its bound; False where numpy is not imported.

    Arrays of ever other sizes would go on filling it for tens of thousands of calls. There is no
    way to empty it.
    """
    numpy = sys.modules.get("numpy")
    empty = getattr(numpy, "empty", None)
    if empty is None:
        return False
    for size in range(_NUMPY_SIZES):
        together = [empty(size, "u1") for _ in range(_NUMPY_EACH)]
        together.clear()
    for length in range(1, _NUMPY_DIMENSIONS + 1):
        together = [empty((1,) * length, "u1") for _ in range(_NUMPY_EACH)]
        together.clear()
    return True


def lru_caches() -> tuple[list[LruCache], list[LruCache]]:
    """Return every ``functools.lru_cache`` there is: the standard library's, and the others.

    Walks all tracked objects, so it is called once and outside the loop.
    """
    folder = sysconfig.get_path("stdlib")
    stdlib: list[LruCache] = []
    others: list[LruCache] = []
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper):  # noqa: SLF001 - the type has no other name
            (stdlib if _is_stdlib(found, folder) else others).append(found)
    return stdlib, others


def _is_stdlib(cache: LruCache, folder: str) -> bool:
    code = getattr(getattr(cache, "__wrapped__", None), "__code__", None)
    file: str = getattr(code, "co_filename", "")
    return file.startswith(folder) and "site-packages" not in file
