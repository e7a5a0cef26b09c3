"""From the configuration to attempts that can be run."""

from collections.abc import Sequence
from dataclasses import dataclass

from perfkit.config.components import Component, Probe
from perfkit.errors import UsageError
from perfkit.monitoring.probes.attempt import Attempt
from perfkit.monitoring.probes.command import CommandAttempt
from perfkit.monitoring.probes.function import FunctionAttempt
from perfkit.monitoring.probes.http import HttpAttempt
from perfkit.monitoring.probes.schedule import Timing


@dataclass(frozen=True, slots=True)
class Planned:
    """A probe of a component, ready to run."""

    component: str
    name: str
    kind: str
    timing: Timing
    attempt: Attempt


def planned_probes(components: Sequence[Component]) -> tuple[Planned, ...]:
    """Return every probe, in the order of the file.

    Raises:
        UsageError: no component has a probe, or one needs a package that is not installed.
    """
    found = tuple(
        Planned(
            component.name,
            probe.name,
            probe.kind,
            Timing(probe.interval, probe.timeout),
            attempt_of(component.name, probe),
        )
        for component in components
        for probe in component.probes
    )
    if not found:
        raise UsageError(
            "found no probe, wanted some under components of monitoring_config.yaml (probes)."
        )
    return found


def attempt_of(component: str, probe: Probe) -> Attempt:
    """Return how a probe looks.

    Raises:
        UsageError: it needs a package that is not installed.
    """
    match probe.kind:
        case "http":
            return HttpAttempt(
                probe.url or "",
                timeout=probe.timeout,
                status=probe.status,
                contains=probe.contains,
            )
        case "command":
            return CommandAttempt(
                probe.command, timeout=probe.timeout, exit_code=probe.exit_code or 0
            )
        case "python":
            return FunctionAttempt(probe.function or "", timeout=probe.timeout)
        case "mcp":
            try:
                from perfkit.monitoring.probes.mcp import McpAttempt
            except ModuleNotFoundError as error:
                raise UsageError(
                    f"{component}: the probe {probe.name!r} needs {error.name}: install the "
                    "package mcp, version 2."
                ) from error
            return McpAttempt(
                timeout=probe.timeout,
                url=probe.url,
                command=probe.command,
                tool=probe.tool,
                arguments=probe.arguments,
            )
