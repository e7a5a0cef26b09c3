"""The processes that a started process leaves behind: its group, ended together."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 2.0
"""What a process gets between SIGTERM and SIGKILL: time to close files, short for a person."""

POLL_SECONDS = 0.02


MOST_SECONDS = 1e6
"""Eleven days: what poll(2) can wait, in milliseconds of a C int, with room."""


def wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Return the exit code as soon as ``process`` ends; ``TimeoutExpired`` after ``seconds``.

    ``Popen.wait`` with a timeout looks every 50 ms, which adds up over many short processes.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a kernel before 5.3, a sandbox that forbids it
            ended = os.pidfd_open(process.pid)
            try:
                waiting = select.poll()
                waiting.register(ended, select.POLLIN)
                waiting.poll(min(seconds, MOST_SECONDS) * 1000)
            finally:
                os.close(ended)
            seconds = 0
    return process.wait(seconds)


def end_group(leader: subprocess.Popen[bytes]) -> None:
    """End every process of the group that ``leader`` leads: politely first, then for certain.

    ``leader`` was started with ``start_new_session``; it may have ended already.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, number)
        if gone(leader, within=GRACE_SECONDS):
            return


def end_stragglers(leader: subprocess.Popen[bytes]) -> bool:
    """End what outlived a ``leader`` that has ended, and return whether anything had to be ended.

    Processes that were about to end, such as multiprocessing's resource tracker, may do so.
    """
    if gone(leader, within=GRACE_SECONDS):
        return False
    end_group(leader)
    return True


def gone(leader: subprocess.Popen[bytes], *, within: float) -> bool:
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
        time.sleep(POLL_SECONDS)
