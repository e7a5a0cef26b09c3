"""Records the processes that a target starts: each keeps a file of its samples as it ends."""

import atexit
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfkit.profiling.packing import packed, unpacked
from perfkit.profiling.sampler import Record, Sampler
from perfkit.profiling.termination import before_termination

VARIABLE = "PERFKIT_PROFILE_PROCESSES"
"""What a started Python process reads at its start, see ``startup/sitecustomize.py``."""
_STARTUP = str(Path(__file__).with_name("startup"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSamples:
    """What one process of the target left.

    ``threads`` has the samples of each of its threads. ``before_seconds`` is its processor time
    until it was recorded, most of it the start of Python.
    """

    pid: int
    before_seconds: float
    start_stack: list[str]
    threads: list[list[Record]]


def follow(sampler: Sampler, folder: Path, *, interval: float, threads: bool) -> Callable[[], None]:
    """Record each process that this one forks or starts from now on; return what ends that.

    A started process takes part when it is Python with pyinstrument, and gets the environment
    variables of this one. What it did before it was killed by anything but SIGTERM is lost.
    """
    process = _Process(sampler, folder, own=False)
    process.watch_for_ends()
    settings = {"folder": str(folder), "interval": interval, "threads": threads}
    before = {name: os.environ.get(name) for name in (VARIABLE, "PYTHONPATH")}
    os.environ[VARIABLE] = json.dumps(settings)
    inherited = before["PYTHONPATH"]
    os.environ["PYTHONPATH"] = os.pathsep.join([_STARTUP, *([inherited] if inherited else [])])

    def end() -> None:
        process.active = False
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    return end


def join(settings: str) -> None:
    """Record this process, which the target started, from now on to its end."""
    if any("multiprocessing.resource_tracker" in word for word in sys.orig_argv):
        return  # Python's own, which does nothing of the target's
    values = json.loads(settings)
    sampler = Sampler(values["interval"], threads=values["threads"])
    process = _Process(sampler, Path(values["folder"]), own=True)
    process.watch_for_ends()
    sampler.watch()
    process.before_seconds = time.process_time()
    sampler.begin()


class _Process:
    """This process, and what it does when it ends.

    ``own`` is whether it was started by the target; the target's process itself answers elsewhere,
    and only what is forked from it keeps a file.
    """

    def __init__(self, sampler: Sampler, folder: Path, *, own: bool) -> None:
        self.active = True
        self.before_seconds = 0.0
        self._sampler = sampler
        self._folder = folder
        self._own = own
        self._kept = False
        # SIGTERM may come while the file is written: its thread waits here before it ends the rest.
        self._turn = threading.Lock()

    def watch_for_ends(self) -> None:
        """Notice a fork, and every end that leaves time to write: multiprocessing's too."""
        leave = os._exit

        def keep_and_leave(status: int) -> None:
            self._keep()
            leave(status)

        os._exit = keep_and_leave  # type: ignore[assignment]  # it returns as little
        atexit.register(self._keep)
        os.register_at_fork(after_in_child=self._forked)
        if self._own:
            before_termination(self._keep)

    def _forked(self) -> None:
        if self.active:
            self._own = True
            self._turn = threading.Lock()
            self.before_seconds = 0.0
            self._sampler.begin_after_fork()
            before_termination(self._keep)

    def _keep(self) -> None:
        with self._turn:
            if self._own and not self._kept:
                self._kept = True
                self.active = False
                self._write(self._sampler.stop())

    def _write(self, threads: list[list[Record]]) -> None:
        values = packed(
            {
                "before_seconds": self.before_seconds,
                "start_stack": self._sampler.start_stack,
                "lengths": [len(records) for records in threads],
                "frame_records": [record for records in threads for record in records],
            }
        )
        count = sum(map(len, threads))
        path = self._folder / f"{os.getpid()}-{time.monotonic_ns()}-{count}.json"
        partial = path.with_suffix(".part")
        try:
            partial.write_text(json.dumps(values), "utf-8")
            partial.replace(path)
        except FileNotFoundError:
            return  # perfkit has gone, or the target emptied the folder: told as not recorded


def kept_count(folder: Path) -> int:
    """Return how many samples the files of ``folder`` hold; reads their names only."""
    return sum(int(path.stem.rpartition("-")[2]) for path in folder.glob("*.json"))


def kept(folder: Path) -> Iterator[ProcessSamples]:
    """Yield what each ended process has kept."""
    for path in sorted(folder.glob("*.json")):
        values: dict[str, Any] = unpacked(json.loads(path.read_text("utf-8")))
        records = iter(values["frame_records"])
        yield ProcessSamples(
            pid=int(path.stem.partition("-")[0]),
            before_seconds=values["before_seconds"],
            start_stack=values["start_stack"],
            threads=[[next(records) for _ in range(length)] for length in values["lengths"]],
        )
