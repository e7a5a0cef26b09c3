"""Caches that are not the target's: emptied, or filled to their bound."""

import re
import struct
import sys

import pytest

from perfkit.memory.caches import clear_stdlib_caches, fill_numpy_cache
from perfkit.memory.totals import malloc_bytes


def test_the_standard_librarys_caches_are_emptied() -> None:
    pattern = re.compile("a pattern of this test")
    struct.calcsize("13s")
    assert re.compile("a pattern of this test") is pattern
    clear_stdlib_caches()
    assert re.compile("a pattern of this test") is not pattern


def test_a_full_cache_of_numpy_takes_nothing_more() -> None:
    numpy = pytest.importorskip("numpy")
    count = malloc_bytes()
    if count is None:
        pytest.skip("this malloc does not tell what it handed out")
    assert fill_numpy_cache()
    before = count()
    for size in range(1024):
        together = [numpy.empty(size, "u1") for _ in range(20)]
        together.clear()
    # An empty cache would keep 3.5 MiB now; malloc's own cache keeps a few chunks of each size.
    assert count() - before < 2**20


def test_without_numpy_there_is_nothing_to_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    assert not fill_numpy_cache()
    monkeypatch.setitem(sys.modules, "numpy", pytest)  # as while it is being imported
    assert not fill_numpy_cache()
