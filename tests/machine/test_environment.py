import dataclasses
import hashlib
import math
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from perfkit.machine.environment import environment_of, read_environment, runner_image
from perfkit.machine.facts import read_machine
from perfkit.machine.interpreter import (
    InterpreterFacts,
    installed_packages,
    packages_digest,
    read_interpreter,
)

PLAIN = InterpreterFacts(
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


def test_a_build_is_told_in_words() -> None:
    assert str(PLAIN) == "3.14.1 (CPython, GCC 14, -O3, profile-guided)"
    odd = dataclasses.replace(
        PLAIN,
        optimisation=None,
        profile_guided=False,
        debug=True,
        jit=True,
        free_threaded=True,
        dev_mode=True,
    )
    assert str(odd) == "3.14.1 (CPython, GCC 14, debug, JIT, free-threaded, dev mode)"


def test_this_interpreter_is_read() -> None:
    facts = read_interpreter()
    assert facts.version.startswith(".".join(map(str, sys.version_info[:3])))
    assert facts.debug == hasattr(sys, "gettotalrefcount")


def test_development_mode_is_seen() -> None:
    script = "from perfkit.machine.interpreter import *; print(read_interpreter().dev_mode)"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_the_digest_knows_names_as_installers_do_and_no_order() -> None:
    expected = hashlib.sha256(b"a-b==1\nc==2").hexdigest()
    assert packages_digest([("C", "2"), ("A_.b", "1")]) == expected
    assert packages_digest([("c", "2"), ("a-b", "1.0")]) != expected


def test_installed_packages_are_those_of_this_interpreter() -> None:
    assert ("numpy", version("numpy")) in installed_packages()


def test_the_environment_says_what_was_read() -> None:
    machine = dataclasses.replace(
        read_machine(), cpu=None, libc=None, quota_cores=1.5, governor=None, load=None
    )
    environment = environment_of(machine, PLAIN, packages="abc", label="runner")
    assert (environment.cpu, environment.libc) == ("unknown", "unknown")
    assert environment.quota_cores == 1.5
    assert environment.cores == machine.usable_cores
    assert environment.python == str(PLAIN)
    assert (environment.packages_digest, environment.label) == ("abc", "runner")
    assert (environment.cpu_flags, environment.image) == (machine.cpu_flags, None)
    unlimited = dataclasses.replace(machine, quota_cores=math.inf)
    assert environment_of(unlimited, PLAIN, packages="", label="x").quota_cores is None


def test_a_hosted_runner_names_its_image() -> None:
    named = {"ImageOS": "ubuntu24", "ImageVersion": "20250105.1", "HOME": "/root"}
    assert runner_image(named) == "ubuntu24 20250105.1"
    assert runner_image({"ImageOS": "", "HOME": "/root"}) is None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"cpu_flags": "1f"}, False),
        ({"kernel": "7.0"}, False),
        ({"quota_cores": 0.25}, False),
        ({"python": "2.7 (CPython)"}, False),
        ({"label": "attic"}, True),
        ({"load": 99.0}, True),
        ({"packages_digest": "other"}, True),
        ({"image": "ubuntu24 1"}, True),
    ],
)
def test_the_fingerprint_knows_what_changes_timings(change: dict[str, Any], same: bool) -> None:
    one = read_environment("a")
    other = dataclasses.replace(one, **change)
    assert len(one.fingerprint) == 16
    assert (one.fingerprint == other.fingerprint) is same


def test_two_readings_differ_in_load_only() -> None:
    one, other = read_environment("a"), read_environment("a")
    assert dataclasses.replace(one, load=None) == dataclasses.replace(other, load=None)
