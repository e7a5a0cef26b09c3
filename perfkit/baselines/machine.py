"""Which machine a result belongs to: a fingerprint, with a readable name."""

import hashlib
import re

from perfkit.model import Environment

IDENTITY = ("cpu", "cores", "system", "libc", "governor", "quota_cores")
"""Facts that make one machine's timings another's; a host name is none of them."""


def machine_name(environment: Environment) -> str:
    """Return the folder name of a machine in the results: CPU, cores and a fingerprint.

    Two machines with equal facts share a name on purpose: their histories can be read as one. The
    host name is left out: hosted runners change it at every job, and it is nobody's business.
    """
    facts = "|".join(f"{name}={getattr(environment, name)}" for name in IDENTITY)
    fingerprint = hashlib.sha256(facts.encode()).hexdigest()[:8]
    cpu = re.sub(r"[^a-z0-9]+", "-", environment.cpu.lower()).strip("-")[:40] or "cpu"
    return f"{cpu}-{environment.cores}c-{fingerprint}"
