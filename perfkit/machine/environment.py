"""The model's :class:`~perfkit.model.Environment` of this machine and interpreter."""

import math
import os
import platform
from collections.abc import Mapping

from perfkit.machine.facts import MachineFacts, read_machine
from perfkit.machine.interpreter import (
    InterpreterFacts,
    installed_packages,
    packages_digest,
    read_interpreter,
)
from perfkit.model import Environment

UNKNOWN = "unknown"
"""What stands in a field of text for a fact that the system does not tell."""


def read_environment(label: str | None = None) -> Environment:
    """Read this machine and this interpreter; ``label`` is the host name by default."""
    return environment_of(
        read_machine(),
        read_interpreter(),
        packages=packages_digest(installed_packages()),
        label=label or platform.node() or UNKNOWN,
        image=runner_image(os.environ),
    )


def runner_image(variables: Mapping[str, str]) -> str | None:
    """Return the image that a hosted runner was started from, such as ``ubuntu24 20250105.1``.

    GitHub's runner images say so in ``ImageOS`` and ``ImageVersion``; None elsewhere.
    """
    words = [variables[name] for name in ("ImageOS", "ImageVersion") if variables.get(name)]
    return " ".join(words) or None


def environment_of(
    machine: MachineFacts,
    interpreter: InterpreterFacts,
    *,
    packages: str,
    label: str,
    image: str | None = None,
) -> Environment:
    """Return the facts in the model's words; ``packages`` is a digest.

    ``cores`` are those the process may run on. ``quota_cores`` is None without a limit, and also
    where no limit can be read.
    """
    quota = machine.quota_cores
    return Environment(
        label=label,
        cpu=machine.cpu or UNKNOWN,
        cores=machine.usable_cores,
        memory_bytes=machine.memory_bytes,
        system=machine.system,
        kernel=machine.kernel,
        libc=machine.libc or UNKNOWN,
        python=str(interpreter),
        governor=machine.governor,
        quota_cores=None if quota is None or math.isinf(quota) else quota,
        packages_digest=packages,
        load=machine.load,
        cpu_flags=machine.cpu_flags,
        image=image,
    )
