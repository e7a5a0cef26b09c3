"""The frames between perfkit's own loop and the target."""

import runpy
import threading
from functools import cache
from pathlib import Path

from perfkit import targets
from perfkit.targets.blame import is_of_pytest

_HERE = Path(__file__).parent
_FILES = {runpy.__file__, "<frozen runpy>"} | {
    str(_HERE / name) for name in ("everywhere.py", "limits.py", "processes.py", "sampler.py")
}
_FOLDER = str(Path(targets.__file__).parent)


def is_stem(file: str) -> bool:
    """Whether a frame of this file, next to the profiler's start, only leads to the target."""
    return file in _FILES or file.startswith(_FOLDER) or is_of_pytest(file)


def is_own_work(file: str) -> bool:
    """Whether a frame of this file, next to the stem, is the sampling's own: no target is in it."""
    return file in _own_work()


@cache
def _own_work() -> frozenset[str]:
    from pyinstrument import profiler, stack_sampler  # what is only timed goes without it

    return frozenset((str(_HERE / "dither.py"), profiler.__file__, stack_sampler.__file__))


def is_stem_of_thread(file: str) -> bool:
    """Whether a frame of this file, at the start of a thread, only leads to its work."""
    return file == threading.__file__
