"""The parent's side of measuring: a process of its own for every target."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import perfkit
from perfkit.errors import InterruptedMeasurementError, MeasurementError, UsageError

_log = logging.getLogger(__name__)

# The child imports this very perfkit, installed or not, and its sys.path keeps no trace of that:
# the path of the target's modules is set by `load`. -P keeps the working directory from shadowing
# what perfkit itself imports.
_BOOTSTRAP = """\
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
import perfkit
del sys.path[0]
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
_GRACE_SECONDS = 2.0
"""What a process gets between SIGTERM and SIGKILL: time to close files, short for a person."""
_POLL_SECONDS = 0.02
_STDERR = 2


def run_child(
    module: str,
    request: Mapping[str, Any],
    *,
    cwd: Path,
    name: str,
    timeout: float | None = None,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run ``python -m MODULE REQUEST.json RESULT.json`` and return the result.

    The module ends in :func:`perfkit.targets.serve.serve`. It runs in a session of its own, with
    stdin empty and both stdout and stderr on perfkit's stderr. Whatever way this function is
    left, no process of that session survives it.

    Args:
        module: The module to run as ``__main__``.
        request: JSON values.
        cwd: The child's working directory.
        name: The target as the user knows it, for error sentences.
        timeout: Seconds until the child is ended; None waits forever.
        python: The interpreter; it must be able to import what the module needs.
        environment: Variables set over the present ones.

    Raises:
        UsageError: The child could not use the target as named.
        MeasurementError: The target failed, was killed, ran out of time, or gave no result.
        RuntimeError: perfkit's part of the child failed; a bug.
        InterruptedMeasurementError: The user interrupted; the child has been ended.
    """
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        question, answer = Path(scratch, "request.json"), Path(scratch, "result.json")
        question.write_text(json.dumps(request), "utf-8")
        root = str(Path(perfkit.__file__).parents[1])
        command = [python, "-P", "-c", _BOOTSTRAP, root, module, str(question), str(answer)]
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=_STDERR,
            stderr=_STDERR,
            start_new_session=True,
        )
        try:
            status = _wait(process, timeout, name)
        except KeyboardInterrupt:
            raise InterruptedMeasurementError(
                f"interrupted while {name} ran; it was ended, and nothing of this run was kept"
            ) from None
        if answer.exists():
            return _read(answer, name)
        raise MeasurementError(_why_no_result(name, status, timeout))


def _wait(process: subprocess.Popen[bytes], timeout: float | None, name: str) -> int | None:
    """Return the exit status, or None when the time ran out; leave nothing running."""
    status = None
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout)
    finally:
        if status is None:
            _end_group(process)
    # Processes that were about to end, such as multiprocessing's resource tracker, may do so.
    if not _gone(process, within=_GRACE_SECONDS / 4):
        _log.warning("%s left processes running when it ended; they were ended too", name)
        _end_group(process)
    return status


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, number)
        if _gone(leader, within=_GRACE_SECONDS):
            return


def _gone(leader: subprocess.Popen[bytes], *, within: float) -> bool:
    """Whether no process of the leader's group is left after at most ``within`` seconds."""
    end = time.monotonic() + within
    while True:
        leader.poll()
        try:
            os.killpg(leader.pid, 0)
        except (ProcessLookupError, PermissionError):  # macOS forbids what is only a zombie
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_SECONDS)


def _read(path: Path, name: str) -> dict[str, Any]:
    answer = json.loads(path.read_text("utf-8"))
    match answer["end"]:
        case "measured":
            return dict(answer["value"])
        case "usage":
            raise UsageError(answer["why"])
        case "failed":
            raise MeasurementError(answer["why"])
        case _:
            message = f"measuring {name} failed inside perfkit: {answer['why']}"
            raise RuntimeError(message)


def _why_no_result(name: str, status: int | None, timeout: float | None) -> str:
    if status is None:
        return (
            f"{name} did not end within {timeout:g} s and was ended: "
            "raise --timeout, or give it less to do"
        )
    if status < 0:
        try:
            number = signal.Signals(-status).name
        except ValueError:
            number = f"signal {-status}"
        hint = (
            "the system may have run out of memory"
            if -status == signal.SIGKILL
            else "a crash in compiled code; run it under `python -X faulthandler`"
            if -status in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
            else "something sent it that signal"
        )
        return f"{name} was killed by {number}, so nothing was measured: {hint}"
    return (
        f"{name} ended its process with status {status} before it could be measured: it, or a "
        "library it uses, calls os._exit or replaces the process; make it return instead"
    )
