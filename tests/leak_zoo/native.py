"""Memory of a compiled extension; see extension.py beside this."""

import ctypes
import importlib.util
import itertools
import os
from typing import Any

from leak_zoo.case import innocent, leak
from leak_zoo.extension import EXTENSION


def _compiled() -> Any:  # noqa: ANN401
    spec = importlib.util.spec_from_file_location("compiled", os.environ[EXTENSION])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compiled = _compiled() if EXTENSION in os.environ else None
"""The extension; None in the process that only reads what the cases state."""

calls = itertools.count()


@leak()
def malloc_of_64() -> None:
    compiled.forget(64)


@leak()
def malloc_of_8() -> None:
    compiled.forget(8)


@leak()
def malloc_under_swings() -> None:
    compiled.use(1 + next(calls) * 7919 % 1_000_000)
    compiled.forget(48)


@leak()
def reference_never_given_back() -> None:
    compiled.keep_reference(next(calls))


@leak()
def realloc_that_grows() -> None:
    compiled.lengthen(32)


malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
malloc.argtypes = (ctypes.c_size_t,)


@leak(state="native")
def malloc_by_its_address() -> None:
    """memray patches the tables that libraries call through, which ctypes does not use."""
    malloc(200)


@innocent
def malloc_and_free() -> None:
    compiled.use(1 + next(calls) * 7919 % 1_000_000)


@innocent
def cache_of_the_extension() -> None:
    compiled.store(40)
