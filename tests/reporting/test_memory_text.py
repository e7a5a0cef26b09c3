from io import StringIO

from rich.console import Console, RenderableType

from perfkit.model import AllocationChange, Allocator, PeakMemory
from perfkit.reporting.memory_text import allocation_text, peak_text


def lines(what: RenderableType) -> list[str]:
    console = Console(file=StringIO(), width=120)
    console.print(what)
    assert isinstance(console.file, StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_the_functions_that_hold_the_peak() -> None:
    held = Allocator(function="<h\x1b>", place="app.py:3", file="/app.py", bytes=1536, blocks=1200)
    found = lines(
        peak_text(PeakMemory(target="app", peak_bytes=2048, allocators=(held, held)), top=1)
    )
    assert "Memory: peak 2.000 KiB of one call; 1 of 2 functions, by what they held then" in found
    assert r"1.500 KiB 75.0% 1,200 <h\u001b> app.py:3" in found
    nothing = lines(peak_text(PeakMemory(target="app", peak_bytes=0, allocators=())))
    assert any("peak 0 B of one call; 0 of 0" in line for line in nothing)


def test_what_two_sides_hold() -> None:
    more = AllocationChange(
        function="grow", place="app.py:3", before=1024, after=4096,
        before_range=(1024, 1024), after_range=(4096, 4096),
    )  # fmt: skip
    less = AllocationChange(
        function="free", place="b.py:3", before=4096, after=0,
        before_range=(0, 4096), after_range=(0, 0),
    )  # fmt: skip
    found = lines(allocation_text([more, less], sessions=3))
    assert "1.000 KiB 4.000 KiB +3.000 KiB + grow app.py:3" in found
    assert any(
        "-4.000 KiB - free b.py:3; not apart: runs of one side differ as much" in line
        for line in found
    )
    assert any(
        "no function differs by 1 KiB" in line for line in lines(allocation_text([], sessions=3))
    )
