"""Commands that the kernel ends together with this process, however it ends."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def bound_to_us(command: Sequence[str], *, environ: Mapping[str, str], cwd: Path) -> list[str]:
    """Return ``command`` so that it gets SIGKILL when the thread that starts it ends.

    With util-linux's setpriv (Linux, prctl(2), PR_SET_PDEATHSIG); without it, the command as it is.
    What the command itself starts is not reached.
    """
    program = command[0]
    # A command that is not there has to be an error of its start.
    there = (
        os.access(cwd / program, os.X_OK)
        if os.sep in program
        else shutil.which(program, path=environ.get("PATH"))
    )
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    before = [setpriv, "--pdeathsig", "KILL", "--"] if there and setpriv else []
    return [*before, *command]
