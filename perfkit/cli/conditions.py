"""Under which conditions measuring verbs measure: where, on which processors, and how quiet."""

from time import sleep
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from perfkit.benchmarking.quiet import Quiet
    from perfkit.model import Environment


def environment_here(cpu_affinity: str | None = None) -> "Environment":
    """Return this machine, with the processors that ``--cpu-affinity`` names.

    UsageError where it names none that may be used.
    """
    from dataclasses import replace

    from perfkit.machine.affinity import allowed_processors, chosen_processors
    from perfkit.machine.environment import read_environment

    found = read_environment()
    if cpu_affinity is None:
        return found
    return replace(found, affinity=chosen_processors(cpu_affinity, allowed_processors()))


def quiet_machine(
    invocation: Invocation, environment: "Environment", *, patience: float
) -> "Quiet":
    """Return what waits while other programs use the processors that are measured on.

    It says so on stderr. ``patience`` is in seconds.
    """
    from perfkit.benchmarking.quiet import Quiet
    from perfkit.cli.progress import saying
    from perfkit.machine.affinity import allowed_processors
    from perfkit.machine.load import read_cpu_time

    processors = environment.affinity or allowed_processors()
    return Quiet(
        read=lambda: read_cpu_time(processors),
        sleep=sleep,
        patience=patience,
        say=saying(invocation),
    )
