"""Whether a target can be there at all, before a process is started for it."""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.targets.spec import Target, TargetKind


def check_found(target: Target, cwd: Path) -> None:
    """Raise UsageError where no module of the callable's first name is seen from ``cwd``.

    Nothing is imported, so whether the module holds the callable is not known yet.
    """
    if target.kind is not TargetKind.CALLABLE:
        return
    top = target.name.partition(":")[0].partition(".")[0]
    if top in sys.modules or PathFinder.find_spec(top, [str(cwd)]) is not None:
        return
    if importlib.util.find_spec(top) is None:
        raise UsageError(
            f"{target}: there is no module {top} seen from {cwd}; check the name, "
            "or start perfkit where the module can be imported"
        )
