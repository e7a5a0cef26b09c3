"""Facts in, findings out: what they mean for measuring, and what to do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perfkit.doctor.project import ProjectFacts
from perfkit.machine.facts import MachineFacts
from perfkit.machine.interpreter import InterpreterFacts

_BUSY: Final = 0.5
"""Load per usable core from which on a benchmark has to wait for others in most rounds."""
_STIRRING: Final = 0.2
"""Load per usable core below which a machine counts as idle; the doctor itself adds a little."""
_ENOUGH_CORES: Final = 4
"""With four, the benchmark, its parent, the system and one more each have their own."""
_PLAIN_BUILDS: Final = ("-O2", "-O3")


class FindingStatus(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Good to know; measurements can be trusted."""
    WARN = "warn"
    """Adds noise or bias that can change a verdict."""
    MISSING = "missing"
    """Something perfkit needs for one of its verbs is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One topic: what was found, and what to do about it (empty when nothing has to be done)."""

    topic: str
    status: FindingStatus
    found: str
    advice: str = ""


def diagnose(
    machine: MachineFacts, interpreter: InterpreterFacts, project: ProjectFacts
) -> tuple[Finding, ...]:
    """Every finding, the machine first, then the interpreter, then what the project offers."""
    return (
        _cores(machine),
        _load(machine),
        _quota(machine),
        _governor(machine),
        _turbo(machine),
        _virtualisation(machine),
        _aslr(machine),
        _swap(machine),
        _python(interpreter),
        *_tools(project),
        *_project(project),
    )


def _cores(machine: MachineFacts) -> Finding:
    usable = machine.usable_cores
    found = f"{usable} usable" + (f" of {machine.cores}" if usable != machine.cores else "")
    if usable == 1:
        return Finding(
            "cores",
            FindingStatus.WARN,
            found,
            "the benchmark shares its only core with everything else; give it a second one",
        )
    if usable < _ENOUGH_CORES:
        return Finding("cores", FindingStatus.NOTE, found, "keep other jobs away while measuring")
    return Finding("cores", FindingStatus.OK, found)


def _load(machine: MachineFacts) -> Finding:
    if machine.load is None:
        return _untold("load")
    per_core = machine.load / machine.usable_cores
    found = f"{machine.load:.2f} over the last minute, {per_core:.2f} per core"
    if per_core >= _BUSY:
        return Finding(
            "load", FindingStatus.WARN, found, "stop other programs, or wait until they are done"
        )
    if per_core >= _STIRRING:
        return Finding("load", FindingStatus.NOTE, found, "something else is running; see top(1)")
    return Finding("load", FindingStatus.OK, found)


def _quota(machine: MachineFacts) -> Finding:
    quota = machine.quota_cores
    if quota is None:
        return _untold("cpu quota")
    if math.isinf(quota):
        return Finding("cpu quota", FindingStatus.OK, "no limit")
    found = f"{quota:.2f} cores per scheduling period"
    if quota < machine.usable_cores:
        return Finding(
            "cpu quota",
            FindingStatus.WARN,
            found,
            "the kernel pauses the container once its share is used up; raise the limit to "
            f"{machine.usable_cores} cores or pin the container to fewer cores (--cpuset-cpus)",
        )
    return Finding("cpu quota", FindingStatus.OK, found)


def _governor(machine: MachineFacts) -> Finding:
    if machine.governor is None:
        if machine.virtual:
            return Finding(
                "governor", FindingStatus.NOTE, "decided by the host", "nothing to do inside"
            )
        return _untold("governor")
    if machine.governor == "performance":
        return Finding("governor", FindingStatus.OK, machine.governor)
    return Finding(
        "governor",
        FindingStatus.WARN,
        machine.governor,
        "the clock changes with the load: sudo cpupower frequency-set -g performance",
    )


def _turbo(machine: MachineFacts) -> Finding:
    match machine.turbo:
        case None:
            return _untold("turbo")
        case True:
            return Finding(
                "turbo",
                FindingStatus.NOTE,
                "on",
                "the clock falls as the chip warms up; for steadier rounds write 1 to "
                "/sys/devices/system/cpu/intel_pstate/no_turbo, or 0 to cpufreq/boost on AMD",
            )
        case False:
            return Finding("turbo", FindingStatus.OK, "off")


def _virtualisation(machine: MachineFacts) -> Finding:
    match machine.virtual:
        case None:
            return _untold("virtualisation")
        case True:
            return Finding(
                "virtualisation",
                FindingStatus.WARN,
                machine.hypervisor or "a hypervisor that does not tell its name",
                "neighbours on the host slow some rounds down; compare both sides on this machine "
                "in one run, as perfkit compare does, and never with figures of another one",
            )
        case False:
            return Finding("virtualisation", FindingStatus.OK, "none seen")


def _aslr(machine: MachineFacts) -> Finding:
    match machine.aslr:
        case None:
            return _untold("address layout")
        case True:
            # Mytkowicz et al., Producing wrong data without doing anything obviously wrong,
            # ASPLOS 2009: a fixed layout is a bias, a random one is noise that averages out.
            return Finding("address layout", FindingStatus.OK, "random for every process")
        case False:
            return Finding(
                "address layout",
                FindingStatus.WARN,
                "the same for every process",
                "one lucky layout can pass for a speed-up: write 2 to "
                "/proc/sys/kernel/randomize_va_space, or start perfkit without setarch -R",
            )


def _swap(machine: MachineFacts) -> Finding:
    used = machine.swap_used_bytes
    if used is None:
        return _untold("swap")
    if used == 0:
        return Finding("swap", FindingStatus.OK, "not in use")
    return Finding(
        "swap",
        FindingStatus.NOTE,
        f"{used / 2**20:.0f} MiB in use",
        "a page that has to come back from disk costs milliseconds: free memory, then "
        "sudo swapoff -a && sudo swapon -a",
    )


def _python(interpreter: InterpreterFacts) -> Finding:
    found = str(interpreter)
    slow = [
        reason
        for reason, holds in (
            ("a debug build", interpreter.debug),
            (
                f"built with {interpreter.optimisation}",
                interpreter.optimisation not in {None, *_PLAIN_BUILDS},
            ),
            ("in development mode", interpreter.dev_mode),
        )
        if holds
    ]
    if slow:
        return Finding(
            "python",
            FindingStatus.WARN,
            found,
            f"{' and '.join(slow)}: its proportions are not those of a release build; measure "
            "with the interpreter your users run",
        )
    if interpreter.jit or interpreter.free_threaded:
        return Finding(
            "python",
            FindingStatus.NOTE,
            found,
            "compare only with figures of the same kind of build",
        )
    if not interpreter.profile_guided:
        return Finding(
            "python",
            FindingStatus.NOTE,
            found,
            "the build shows no sign of profile-guided optimisation; if your users' Python has "
            "it, measure with theirs",
        )
    return Finding("python", FindingStatus.OK, found)


def _tools(project: ProjectFacts) -> Iterator[Finding]:
    yield _tool(
        "git", project.git, FindingStatus.MISSING, "install git: compare and check build commits"
    )
    yield _tool(
        "c compiler",
        project.compiler,
        FindingStatus.NOTE,
        "install gcc or clang if the measured project has extension modules to build",
    )
    yield _tool("uv", project.uv, FindingStatus.NOTE, "optional: only for interpreters without pip")
    if project.memray_problem is None:
        yield Finding("memray", FindingStatus.OK, "works")
    else:
        yield Finding(
            "memray",
            FindingStatus.MISSING,
            project.memray_problem,
            "perfkit leaks needs it: python -m pip install --force-reinstall memray",
        )


def _tool(topic: str, path: str | None, without: FindingStatus, advice: str) -> Finding:
    if path is None:
        return Finding(topic, without, "not on PATH", advice)
    return Finding(topic, FindingStatus.OK, path)


def _project(project: ProjectFacts) -> Iterator[Finding]:
    if project.suite_problem is None:
        yield Finding("asv suite", FindingStatus.OK, "found")
    else:
        yield Finding(
            "asv suite", FindingStatus.MISSING, project.suite_problem, "bench and compare need one"
        )
    if project.config_problem is not None:
        yield Finding(
            "configuration",
            FindingStatus.WARN,
            project.config_problem,
            "every verb that reads it will stop with exit code 2",
        )
    elif not project.configured:
        yield Finding(
            "configuration",
            FindingStatus.NOTE,
            "no file, so defaults hold",
            "perfkit init writes both files; perfkit config show prints what holds",
        )
    else:
        yield Finding("configuration", FindingStatus.OK, "valid")


def _untold(topic: str) -> Finding:
    return Finding(topic, FindingStatus.NOTE, "this system does not tell")
