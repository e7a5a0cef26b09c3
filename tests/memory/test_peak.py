"""What one call holds at its peak, recorded by memray in real processes."""

from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.memory.changes import allocation_changes
from perfkit.memory.peak import peak_memory
from perfkit.model import Allocator, PeakMemory
from perfkit.profiling.capture import Where
from perfkit.targets.spec import parse_target

SOURCE = """
KEPT = bytearray(9_000_000)
def large():
    return bytearray(3_000_000)
def small():
    return bytearray(1_000_000)
def main():
    first = small()
    del first
    held = [large(), small()]
    return len(held)
"""


def test_the_peak_is_told_by_function(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    target = parse_target("app:main", cwd=tmp_path)
    where = Where(cwd=tmp_path)
    found = peak_memory(
        target,
        lambda child, request: where.run(target, request, 60, child=child),
        folders=[tmp_path],
    )
    assert [(one.function, one.place) for one in found.allocators[:2]] == [
        ("large", "app.py:4"),
        ("small", "app.py:6"),
    ]
    assert found.allocators[0].bytes == pytest.approx(3_000_000, abs=1000)
    assert found.allocators[1].bytes == pytest.approx(1_000_000, abs=1000)  # the first was freed
    # What was there before the call is no part of it.
    assert found.peak_bytes == pytest.approx(4_000_000, abs=100_000)
    missing = parse_target("app:absent", cwd=tmp_path)
    with pytest.raises(UsageError, match="app has no absent"):
        peak_memory(
            missing,
            lambda child, request: where.run(missing, request, 60, child=child),
            folders=[tmp_path],
        )


def peak(*held: tuple[str, str, int]) -> PeakMemory:
    return PeakMemory(
        target="app:main",
        peak_bytes=sum(size for _, _, size in held),
        allocators=tuple(
            Allocator(function=name, place=place, file="/x.py", bytes=size, blocks=1)
            for name, place, size in held
        ),
    )


def test_functions_of_two_sides_are_matched_wherever_they_moved() -> None:
    base = [peak(("grew", "app.py:4", size), ("gone", "app.py:9", 5000)) for size in (10, 20, 30)]
    head = [
        peak(("grew", "app.py:7", size), ("same", "app.py:1", 9), ("wild", "b.py:2", wild))
        for size, wild in ((90_000, 0), (91_000, 4000), (92_000, 8000))
    ]
    found = allocation_changes(base, head)
    assert [(one.function, one.place, one.before, one.after, one.apart) for one in found] == [
        ("grew", "app.py:7", 20, 91_000, True),
        ("gone", "app.py:9", 5000, 0, True),
        ("wild", "b.py:2", 0, 4000, False),
    ]
    assert allocation_changes(base, base) == ()
