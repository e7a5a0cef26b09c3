"""Looking by a command: its exit code, and how long it takes."""

import subprocess
from collections.abc import Sequence

from perfkit.monitoring.probes.attempt import ProbeFailedError
from perfkit.process_group import end_group, wait


class CommandAttempt:
    """Runs a command, never through a shell; what it prints is thrown away."""

    def __init__(self, command: Sequence[str], *, timeout: float, exit_code: int = 0) -> None:
        self._command = list(command)
        self._timeout = timeout
        self._wanted = exit_code
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Run it to its end, or until its time is over; its whole process group is ended then.

        Raises:
            ProbeFailedError: it cannot be started, takes too long, or ends with another code.
        """
        code = self.run()
        if code != self._wanted:
            raise ProbeFailedError("exit", f"ended with {code}, wanted {self._wanted}")

    def run(self, *, pass_fds: Sequence[int] = ()) -> int:
        """Return the exit code.

        Raises:
            ProbeFailedError: it cannot be started, or takes too long.
        """
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise ProbeFailedError(
                "error", f"{self._command[0]} cannot be started ({error.strerror})"
            ) from error
        self._process = process
        try:
            return wait(process, self._timeout)
        except subprocess.TimeoutExpired as error:
            raise ProbeFailedError("timeout", f"took more than {self._timeout:g} s") from error
        finally:
            self._process = None
            end_group(process)

    def stop(self) -> None:
        """End the process and its group."""
        process = self._process
        if process is not None:
            end_group(process)
