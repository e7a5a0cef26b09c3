"""What ``perfkit profile --import-time`` does: start the target anew several times."""

from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.targets.spec import Target


def started(
    invocation: Invocation, target: "Target", *, timeout: float | None, top: int
) -> ExitCode:
    """Report what the start of a target and its imports cost."""
    from dataclasses import asdict
    from time import perf_counter

    from perfkit.profiling.import_time import PROCESSES, import_times
    from perfkit.reporting.import_text import import_text

    saying(invocation)(f"starting {target} {2 * PROCESSES + 1} times, beside an empty interpreter")
    found = import_times(target, cwd=Path.cwd(), timeout=timeout, clock=perf_counter)
    return invocation.finish(
        ExitCode.PASSED, text=import_text(found, top=top), values={"start": asdict(found)}
    )
