"""Which machine a result belongs to: a fingerprint, with a readable name."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from perfkit.model import Environment

IDENTITY = ("cpu", "cores", "system", "libc", "governor", "quota_cores")
"""Facts that make one machine's timings another's; a host name is none of them."""


def machine_name(environment: Environment) -> str:
    """Return the folder name of a machine in the results: CPU, cores and a fingerprint.

    Two machines with equal facts share a name on purpose: their histories can be read as one. The
    host name is left out: hosted runners change it at every job, and it is nobody's business.
    """
    facts = "|".join(f"{name}={getattr(environment, name)}" for name in IDENTITY)
    return _name(environment.cpu, environment.cores, facts)


def stored_environment(facts: Mapping[str, Any]) -> Environment:
    """Return the environment that a stored run names; facts that only a later version knows go.

    Raises TypeError where a fact is missing.
    """
    known = {field.name for field in fields(Environment)}
    found = {name: value for name, value in facts.items() if name in known}
    if isinstance(found.get("affinity"), list):
        found["affinity"] = tuple(found["affinity"])
    return Environment(**found)


def asv_machine_name(facts: Mapping[str, str]) -> str:
    """Return the name for a machine that asv described: CPU, cores and a fingerprint.

    asv's own name of it is a label: hosted runners get another one at every job, on a handful of
    CPU models. The kernel's version, which asv keeps in ``os``, and the size of the memory vary
    between equal runners and are left out. A machine of which asv knows no facts keeps its label.
    """
    cpu, cores = facts.get("cpu", ""), facts.get("num_cpu", "")
    if not cpu:
        return facts.get("machine") or "unknown"
    system = facts.get("os", "").split(" ")[0]
    text = "|".join((cpu, cores, facts.get("arch", ""), system))
    return _name(cpu, cores, text)


@lru_cache
def _name(cpu: str, cores: object, facts: str) -> str:
    fingerprint = hashlib.sha256(facts.encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", cpu.lower()).strip("-")[:40] or "cpu"
    return f"{slug}-{cores}c-{fingerprint}"
