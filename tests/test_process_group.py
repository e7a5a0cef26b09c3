"""Waiting for a process: at once, in time, and where the kernel does not help."""

import errno
import os
import subprocess
import sys

import pytest

from perfkit.process_group import wait


def forbidden(process: int) -> int:
    raise OSError(errno.ENOSYS, f"no descriptor for {process}")


@pytest.fixture(params=["with a descriptor", "without"])
def _kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.setattr(os, "pidfd_open", forbidden, raising=False)


@pytest.mark.usefixtures("_kernel")
@pytest.mark.parametrize("seconds", [60, 1e12])
def test_the_code_of_a_process_that_ends(seconds: float) -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        assert wait(process, seconds) == 3


@pytest.mark.usefixtures("_kernel")
def test_a_process_that_does_not_end_in_time() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            wait(process, 0.01)
        assert process.poll() is None
        process.kill()
