"""What ``compare`` and ``check`` do after the verdict: name the functions behind a regression."""

from time import monotonic
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying

if TYPE_CHECKING:
    from perfkit.benchmarking.sides import Sides
    from perfkit.config.thresholds import Thresholds
    from perfkit.model import Report


def named(
    invocation: Invocation,
    report: "Report",
    sides: "Sides",
    thresholds: "Thresholds",
    *,
    culprits: bool,
    seed: int,
) -> "Report":
    """Return the report with culprits under its worst regressions, unless they are not wanted."""
    if not culprits:
        return report
    from perfkit.profiling.culprits import with_culprits

    return with_culprits(
        report,
        sides,
        thresholds.culprits,
        seed=seed,
        clock=monotonic,
        progress=saying(invocation),
    )
