"""A process that faults are done to: started, killed, stopped, and ended for certain."""

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from perfkit.errors import MeasurementError, UsageError
from perfkit.process_group import end_group, end_stragglers
from perfkit.reliability.bound import bound_to_us
from perfkit.reliability.faults import Fault, FaultKind

STDERR = 2
"""The descriptor of standard error, whatever has replaced ``sys.stderr``."""


class Victim:
    """One command in a process group of its own; the group is ended on leaving.

    Where util-linux's setpriv is installed (Linux), the kernel ends the command when this process
    is killed.

    Args:
        command: The program and its arguments.
        environ: Its environment.
        cwd: Its working directory.
    """

    def __init__(self, command: Sequence[str], *, environ: Mapping[str, str], cwd: Path) -> None:
        self.command = tuple(command)
        self._environ, self._cwd = dict(environ), cwd
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        if self._process is None:
            raise RuntimeError("the process was not started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the command. Raises UsageError where it cannot be started."""
        try:
            self._process = subprocess.Popen(
                bound_to_us(self.command, environ=self._environ, cwd=self._cwd),
                env=self._environ,
                cwd=self._cwd,
                stdout=STDERR,  # stdout is the report's
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"{shlex.join(self.command)}: cannot be started: {error.strerror or error}"
            ) from error

    def kill(self) -> None:
        """SIGKILL the whole group, as a machine that loses power would."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGSTOP the whole group: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT the group."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """End the group; a stopped one is woken for it."""
        if self._process is None:
            return
        if self.running:
            self.go_on()
            end_group(self._process)
        else:
            end_stragglers(self._process)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self.running:
            raise MeasurementError(
                f"{shlex.join(self.command)}: ended by itself with {self.process.returncode}, so"
                " there is nothing to do a fault to"
            )
        os.killpg(self.process.pid, number)


def under(fault: Fault, command: Sequence[str], folder: Path, limited: Path) -> list[str]:
    """Return a command that runs ``command`` under a limit that holds from its start on.

    ``memory`` limits its address space (setrlimit(2), RLIMIT_AS). ``enospc`` mounts a file system
    of that size on ``folder``, in a mount namespace that ends with the command. The file
    ``limited`` is made between the two: where it is missing, the command was not started.

    Raises UsageError where this machine cannot, or there is no such command.
    """
    if shutil.which(command[0]) is None:
        raise UsageError(f"{shlex.join(command)}: cannot be started: no such program")
    if fault.kind is FaultKind.MEMORY:
        limit = (
            "import os, resource, sys; limit = 2 * (int(sys.argv[1]),);"
            " resource.setrlimit(resource.RLIMIT_AS, limit); open(sys.argv[2], 'w').close();"
            " os.execvp(sys.argv[3], sys.argv[3:])"
        )
        if 0 <= resource.getrlimit(resource.RLIMIT_AS)[1] < fault.size:
            raise UsageError("memory: the limit of this session is lower already")
        return [sys.executable, "-c", limit, str(fault.size), str(limited), *command]
    if shutil.which("unshare") is None:
        raise UsageError(
            "enospc needs unshare of util-linux, to mount a small disk for the command"
        )
    mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && : > "$3" && shift 3 && exec "$@"'
    shell = ["sh", "-c", mount, "sh", str(fault.size), str(folder), str(limited), *command]
    return ["unshare", "--user", "--map-root-user", "--mount", *shell]
