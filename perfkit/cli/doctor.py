"""``perfkit doctor``: what adds noise on this machine, what is missing, and what to do."""

import dataclasses
import math
import os
from pathlib import Path

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode


def doctor(context: typer.Context, json: options.Json = False) -> ExitCode:
    """Say what adds noise on this machine, what is missing, and what to do about each.

    Looks at the cores, load, CPU quota, clock, virtualisation, address layout, swap, the Python
    build, the tools on PATH, the asv suite and the configuration. It changes nothing, and exits 0
    whatever it finds: a diagnosis is no gate.
    """
    from perfkit.cli.settings import config_directory
    from perfkit.doctor.checks import diagnose
    from perfkit.doctor.project import read_project
    from perfkit.doctor.text import findings_text
    from perfkit.machine.facts import read_machine
    from perfkit.machine.interpreter import read_interpreter

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    machine, interpreter = read_machine(), read_interpreter()
    project = read_project(Path.cwd(), config_directory(invocation), environ=os.environ)
    findings = diagnose(machine, interpreter, project)
    facts = dataclasses.asdict(machine)
    if machine.quota_cores is not None and math.isinf(machine.quota_cores):
        facts["quota_cores"] = "Infinity"  # JSON has no such number; reports write it so too
    return invocation.finish(
        ExitCode.PASSED,
        text=findings_text(findings),
        values={
            "findings": [dataclasses.asdict(finding) for finding in findings],
            "machine": facts,
            "interpreter": dataclasses.asdict(interpreter),
        },
    )
