"""The parent's side of measuring: a process of its own for every target."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import perfkit
from perfkit.errors import (
    InterruptedMeasurementError,
    MeasurementError,
    OutOfTimeError,
    UsageError,
)
from perfkit.process_group import end_group, end_stragglers

_log = logging.getLogger(__name__)

# The child imports this very perfkit, installed or not, and its sys.path keeps no trace of that:
# the path of the target's modules is set by `load`. -P keeps the working directory from shadowing
# what perfkit itself imports. What `serve` does not answer is perfkit's fault, or the fault of an
# interpreter that lacks what the module imports, and never the target's.
_BOOTSTRAP = """\
import runpy, sys
root, module, _, result = sys.argv[1:]
del sys.argv[1:3]
sys.path.insert(0, root)
import perfkit
del sys.path[0]
try:
    runpy.run_module(module, run_name="__main__")
except Exception as error:
    import json, traceback
    traceback.print_exc()
    with open(result, "w") as file:
        json.dump({"end": "bug", "why": f"{type(error).__name__}: {error}"}, file)
"""
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
    grace: float | None = None,
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
        grace: Seconds that the child has, after the time is over and SIGTERM has told it, to answer
            with what it has; such an answer has a key ``late``. None ends it at once.

    Raises:
        UsageError: The child could not use the target as named.
        OutOfTimeError: The time was over and there is no result.
        MeasurementError: The target failed, was killed, or gave no result.
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
            status, late = _wait(process, timeout, grace, name, answer)
        except KeyboardInterrupt:
            raise InterruptedMeasurementError(
                f"interrupted while {name} ran; it was ended, and nothing of this run was kept"
            ) from None
        try:
            if answer.exists():
                return _read(answer, name) | ({"late": True} if late else {})
        except MeasurementError:
            if not late:  # else it failed because it was told to end
                raise
        if late:
            raise OutOfTimeError(
                f"{name} did not end within {timeout:g} s and was ended: "
                "raise --timeout, or give it less to do"
            )
        raise MeasurementError(_why_no_result(name, status))


def _wait(
    process: subprocess.Popen[bytes],
    timeout: float | None,
    grace: float | None,
    name: str,
    answer: Path,
) -> tuple[int, bool]:
    """Return the exit status, and whether there was no answer in time; leave nothing running."""
    status, late = None, False
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout)
        if status is None:
            late = not answer.exists()
            if late and grace is not None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(grace)
    finally:
        if status is None:
            end_group(process)
    if end_stragglers(process) and not late:
        _log.warning("%s left processes running when it ended; they were ended too", name)
    return process.wait(), late


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


def _why_no_result(name: str, status: int) -> str:
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
