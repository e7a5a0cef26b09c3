"""One measured process: started, bounded in time, ended as a group, read back."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perfkit.errors import MeasurementError
from perfkit.machine.memory_kills import memory_kills
from perfkit.process_group import end_group, end_stragglers, wait

log = logging.getLogger("perfkit.bench")

CHILD = Path(__file__).with_name("child.py")

OUT_OF_MEMORY = re.compile(r"[\w.]*MemoryError\b")
"""The last line of a traceback: Python's MemoryError, or numpy's."""

LAST_LINES = 12
"""Lines of a failed process's output that are kept; the end of a traceback fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What runs a side: the interpreter, and the folder its build was installed into.

    ``site`` is put in front of the import path; None measures what ``python`` has installed.
    """

    python: Path = Path(sys.executable)
    site: Path | None = None


class ProcessFailedError(MeasurementError):
    """A measured process crashed, timed out or answered nothing.

    ``output`` holds the last lines that it printed.
    """

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def call_child(
    request: Mapping[str, object],
    *,
    interpreter: Interpreter,
    folder: Path,
    timeout: float,
    hash_seed: int | None = None,
    kills: Callable[[], int | None] = memory_kills,
) -> dict[str, object]:
    """Return the child's answer to ``request``; ``folder`` is its working directory.

    ``timeout`` is in seconds. ``kills`` counts what the kernel ended for lack of memory. Raises
    :class:`ProcessFailedError` when there is no answer. The child leads a process group of its
    own, which is gone when this function returns or raises.
    """
    environment = dict(os.environ)
    if interpreter.site is not None:
        inherited = environment.get("PYTHONPATH")
        entries = [str(interpreter.site), *([inherited] if inherited else [])]
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    if hash_seed is not None:
        environment["PYTHONHASHSEED"] = str(hash_seed)
    with TemporaryDirectory(prefix="perfkit-") as scratch:
        question, answer = Path(scratch, "request.json"), Path(scratch, "result.json")
        printed = Path(scratch, "output")
        before = kills()
        question.write_text(json.dumps({**request, "site": str(interpreter.site or "")}))
        with printed.open("wb") as sink:
            process = subprocess.Popen(
                [str(interpreter.python), str(CHILD), str(question), str(answer)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = wait(process, timeout)
            except subprocess.TimeoutExpired as error:
                end_group(process)
                raise ProcessFailedError(
                    f"did not finish within {timeout:g} s", _tail(printed)
                ) from error
            except BaseException:
                end_group(process)
                raise
            if end_stragglers(process):
                log.warning("a benchmark left processes running when it ended; they were ended too")
        if not answer.exists():
            if code == -signal.SIGKILL:
                raise ProcessFailedError(_killed(before, kills()), _tail(printed))
            raise ProcessFailedError(_reason(code, _tail(printed)), _tail(printed))
        decoded: dict[str, object] = json.loads(answer.read_text(encoding="utf-8"))
        return decoded


def _tail(path: Path) -> str:
    """Return the last lines of a possibly huge file."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 16_384))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(line[:400] for line in lines[-LAST_LINES:])


def _killed(before: int | None, after: int | None) -> str:
    """Return what is known of a process that was killed; the kernel counts its own kills."""
    if before is not None and after is not None and after > before:
        return "killed by the kernel (SIGKILL), as memory ran out"
    return "killed (SIGKILL), often by the kernel for lack of memory"


def _reason(code: int, output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    if code < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"killed by {known.get(-code, f'signal {-code}')}"
    if code == 0:
        return "ended without a result (did it call os._exit?)"
    last = lines[-1].strip() if lines else ""
    if OUT_OF_MEMORY.match(last):
        return f"ran out of memory: {last}"
    return last or f"exited with {code}"
