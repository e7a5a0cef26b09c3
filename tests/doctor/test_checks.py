import dataclasses
import math
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from perfkit.doctor.checks import Finding, FindingStatus, diagnose
from perfkit.doctor.project import ProjectFacts
from perfkit.doctor.text import findings_text, headline
from perfkit.machine.facts import MachineFacts
from perfkit.machine.interpreter import InterpreterFacts

OK, NOTE, WARN, MISSING = FindingStatus

QUIET_MACHINE = MachineFacts(
    system="Linux",
    kernel="6.12",
    libc="glibc 2.41",
    cpu="Fast 9000",
    cpu_flags="0f0f",
    cores=8,
    usable_cores=8,
    memory_bytes=2**34,
    load=0.4,
    governor="performance",
    turbo=False,
    virtual=False,
    hypervisor=None,
    aslr=True,
    swap_used_bytes=0,
    quota_cores=math.inf,
)
RELEASE_BUILD = InterpreterFacts(
    version="3.14.1",
    implementation="CPython",
    compiler="GCC 14",
    debug=False,
    optimisation="-O3",
    profile_guided=True,
    jit=False,
    free_threaded=False,
    dev_mode=False,
)
READY_PROJECT = ProjectFacts(
    git="/usr/bin/git",
    compiler="/usr/bin/cc",
    uv="/usr/bin/uv",
    memray_problem=None,
    suite_problem=None,
    config_problem=None,
    configured=True,
)
NOISY_MACHINE = dataclasses.replace(
    QUIET_MACHINE,
    cores=4,
    usable_cores=2,
    load=1.5,
    governor="powersave",
    turbo=True,
    virtual=True,
    hypervisor="KVM",
    aslr=False,
    swap_used_bytes=300 * 2**20,
    quota_cores=1.5,
)
BARE_PROJECT = ProjectFacts(
    git=None,
    compiler=None,
    uv=None,
    memray_problem="memray cannot be imported: no module",
    suite_problem="no asv.conf.json",
    config_problem=None,
    configured=False,
)


def _by_topic(
    machine: MachineFacts = QUIET_MACHINE,
    interpreter: InterpreterFacts = RELEASE_BUILD,
    project: ProjectFacts = READY_PROJECT,
) -> dict[str, Finding]:
    return {finding.topic: finding for finding in diagnose(machine, interpreter, project)}


def test_a_quiet_machine_has_nothing_to_do() -> None:
    findings = diagnose(QUIET_MACHINE, RELEASE_BUILD, READY_PROJECT)
    assert {finding.status for finding in findings} == {OK}
    assert {finding.advice for finding in findings} == {""}
    assert headline(findings) == "Ready to measure"


def test_what_is_not_told_is_a_note_and_never_ok() -> None:
    unknown = dataclasses.replace(
        QUIET_MACHINE,
        load=None,
        governor=None,
        turbo=None,
        virtual=None,
        aslr=None,
        swap_used_bytes=None,
        quota_cores=None,
    )
    untold = {
        topic
        for topic, finding in _by_topic(unknown).items()
        if finding == Finding(topic, NOTE, "this system does not tell")
    }
    assert untold == {
        "load",
        "cpu quota",
        "governor",
        "turbo",
        "virtualisation",
        "address layout",
        "swap",
    }


@pytest.mark.parametrize(("usable", "status"), [(1, WARN), (2, NOTE), (3, NOTE), (4, OK)])
def test_fewer_cores_more_noise(usable: int, status: FindingStatus) -> None:
    machine = dataclasses.replace(QUIET_MACHINE, usable_cores=usable, load=0.0)
    assert _by_topic(machine)["cores"].status is status


@pytest.mark.parametrize(
    ("load", "status"), [(0.0, OK), (1.59, OK), (1.6, NOTE), (3.99, NOTE), (4.0, WARN)]
)
def test_load_counts_per_core(load: float, status: FindingStatus) -> None:
    assert _by_topic(dataclasses.replace(QUIET_MACHINE, load=load))["load"].status is status


@pytest.mark.parametrize(("quota", "status"), [(7.99, WARN), (8.0, OK), (math.inf, OK)])
def test_a_quota_matters_below_the_usable_cores(quota: float, status: FindingStatus) -> None:
    machine = dataclasses.replace(QUIET_MACHINE, quota_cores=quota)
    assert _by_topic(machine)["cpu quota"].status is status


def test_a_guest_cannot_see_its_governor() -> None:
    guest = dataclasses.replace(QUIET_MACHINE, governor=None, virtual=True)
    assert _by_topic(guest)["governor"].found == "decided by the host"


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"debug": True}, WARN, "a debug build"),
        ({"optimisation": "-O0"}, WARN, "built with -O0"),
        ({"debug": True, "optimisation": "-Og"}, WARN, "a debug build and built with -Og"),
        ({"dev_mode": True}, WARN, "in development mode"),
        ({"jit": True}, NOTE, "same kind of build"),
        ({"free_threaded": True}, NOTE, "same kind of build"),
        ({"profile_guided": False}, NOTE, "profile-guided"),
        ({"optimisation": None}, OK, ""),
    ],
)
def test_an_unusual_interpreter_is_told(
    changes: dict[str, object], status: FindingStatus, reason: str
) -> None:
    finding = _by_topic(interpreter=dataclasses.replace(RELEASE_BUILD, **changes))["python"]
    assert finding.status is status
    assert reason in finding.advice


def test_a_wrong_configuration_is_told_with_its_sentence() -> None:
    project = dataclasses.replace(READY_PROJECT, config_problem="config/x.yaml:1:1: found a")
    finding = _by_topic(project=project)["configuration"]
    assert (finding.status, finding.found) == (WARN, "config/x.yaml:1:1: found a")


def test_the_headline_names_what_is_missing_first() -> None:
    findings = diagnose(NOISY_MACHINE, RELEASE_BUILD, BARE_PROJECT)
    assert headline(findings) == (
        "3 missing: git, memray, asv suite; 5 to mind: load, cpu quota, governor, virtualisation, "
        "address layout"
    )
    noted = dataclasses.replace(QUIET_MACHINE, turbo=True)
    findings = diagnose(noted, RELEASE_BUILD, READY_PROJECT)
    assert headline(findings) == "Ready to measure; 1 to note"


@pytest.mark.parametrize(
    ("name", "machine", "project"),
    [("quiet", QUIET_MACHINE, READY_PROJECT), ("noisy", NOISY_MACHINE, BARE_PROJECT)],
)
def test_what_people_see(name: str, machine: MachineFacts, project: ProjectFacts) -> None:
    stream = StringIO()
    console = Console(file=stream, width=120, highlight=False)
    console.print(findings_text(diagnose(machine, RELEASE_BUILD, project)))
    shown = "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())
    golden = Path(__file__).parent / "golden" / f"{name}.txt"
    assert shown == golden.read_text(encoding="utf-8")
