"""The one thread that folds what a process has seen and writes it to the store, once a second."""

import atexit
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from perfkit.runtime.batch import Batch
from perfkit.runtime.bounds import Bounds
from perfkit.runtime.process import STATM, ProcessName, resident_bytes
from perfkit.runtime.pruning import Pruning
from perfkit.runtime.series import RUNTIME, Collected
from perfkit.runtime.storable import labels_text, storable
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Key
from perfkit.runtime.writing import Writing

FOLD_SECONDS = 1.0

TRIES, LAST_TRIES = 40, 10
"""Tries for a store that another process holds, some 50 ms apart: in the thread, and at the end."""

BUSY_SECONDS = 0.02
"""How long SQLite itself waits for another process; a fork may wait for that."""

PATIENCE_SECONDS = 0.5
"""How long a fork or a stop waits for the thread, and then for its write: a gauge may take long to
read, and a disk to answer."""

logger = logging.getLogger(RUNTIME)


def open_bounded(path: Path, bounds: Bounds) -> Store:
    """Open a store for a recorder."""
    return Store(
        path,
        max_bytes=bounds.max_bytes,
        on_full=bounds.on_full,
        retention=bounds.retention,
        busy_seconds=BUSY_SECONDS,
    )


class Recorder:
    """Collects from the application's threads and writes from its own.

    Nothing here raises into the application: a store that cannot be opened or written is told once
    to the logger ``perfkit.runtime``, tried again every second, and what was folded waits. ``off``
    is a list of one truth value, so that a tracked function can read it in a few nanoseconds.
    ``clock`` is Unix time, ``monotonic`` only goes forward, ``open_store`` opens it for writing.
    """

    def __init__(
        self,
        open_store: Callable[[Path, Bounds], Store] = open_bounded,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.off = [True]
        self.collected = Collected()
        self._sampled: dict[Key, Callable[[], float]] = {}
        self._process: ProcessName | None = None
        self._clock = clock
        self.component = "app"
        self._pruning = Pruning(clock, monotonic)
        self._open_store = open_store
        self.writing = Writing(open_store, self._pruning, self._count)
        self._since = int(clock())
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._lock = threading.Lock()  # of the folding, the writing and all that SQLite does
        self._forking = self._locked = False

    # For the application

    def start(
        self, path: str | PathLike[str], component: str = "app", bounds: Bounds | None = None
    ) -> None:
        """Begin to record into a store; a second call names another store or component."""
        self.stop()
        self.component = storable(component)
        self.writing.path, self.writing.bounds = Path(path), bounds or Bounds()
        self._process = ProcessName(Path(path)) if STATM.exists() else None
        self.collected.clear()
        self._since = int(self._clock())
        self.off[0] = False
        self._run()

    def stop(self) -> None:
        """Write what waits and stop recording; within some two seconds, whatever the store does."""
        self.off[0] = True
        self._pause()
        if self.writing.path is None:
            return
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            logger.warning("telemetry is lost at the end: the store does not answer")
            # These two are the thread's, for as long as it takes.
            self._lock = threading.Lock()
            self.writing = Writing(self._open_store, self._pruning, self._count)
            return
        try:
            self._flush(threading.Event(), LAST_TRIES)
            self.writing.close()
            self.writing.path = None
            if self._process is not None:
                self._process.end()
        finally:
            self._lock.release()

    @property
    def trouble(self) -> str | None:
        """Why something is not stored; None where everything is."""
        return self.writing.trouble

    @property
    def recording(self) -> bool:
        """Whether calls are recorded."""
        return not self.off[0]

    def event(
        self, name: str, component: str = "", labels: Mapping[str, object] | None = None
    ) -> None:
        """Count an event, where recording is on."""
        if not self.off[0]:
            self.collected.happened(self.collected.key(component, name, labels))

    def value(
        self,
        name: str,
        value: float,
        component: str = "",
        labels: Mapping[str, object] | None = None,
    ) -> None:
        """Note a value, where recording is on."""
        if not self.off[0]:
            self.collected.value(self.collected.key(component, name, labels), value)

    def sample(self, key: Key, read: Callable[[], float]) -> None:
        """Note what ``read`` returns once a second; ``runtime.invalid_value`` where it raises."""
        self._sampled[key] = read

    # The thread

    def _run(self) -> None:
        # Each thread has its own signal: one that is late must not take the next one's for its own.
        self._wake = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, args=(self._wake,), name=RUNTIME, daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is ending
            self._thread = None
            self.writing.tell(f"recording only at the end of the process ({error})")

    def _pause(self) -> None:
        """End the thread; one that reads a slow gauge ends later, by itself."""
        thread, self._thread = self._thread, None
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(PATIENCE_SECONDS)

    def _loop(self, wake: threading.Event) -> None:
        while not wake.wait(FOLD_SECONDS - self._clock() % FOLD_SECONDS):
            self.tick(wake)

    def tick(self, hurry: threading.Event | None = None) -> None:
        """Read the gauges, fold and write once; ``hurry`` ends the waiting for a busy store."""
        for key, read in list(self._sampled.items()):
            try:
                value = read()
            except Exception:  # noqa: BLE001  # what an application registered may raise anything
                value = math.nan  # counted as no value
            self.collected.value(key, value)
        with self._lock:
            self._flush(hurry or self._wake, TRIES)

    def _flush(self, hurry: threading.Event, tries: int) -> None:
        try:
            self._note_memory()
            # A second that jumped away belongs to the time in which it began.
            since, self._since = self._since, int(self._clock())
            self.writing.put(Batch(since, *self.collected.drain(self.component)))
            self.writing.write(hurry, tries)
        except Exception as error:  # noqa: BLE001  # an application is never hurt by its telemetry
            self.writing.tell(f"{type(error).__name__}: {error}")

    def _note_memory(self) -> None:
        """Note this process's memory under its name: a leak of one must not hide behind another."""
        if self._process is not None:
            try:
                labels = labels_text({"process": self._process()})
            except OSError:
                return  # nor does such a place take a store, which is told
            self.collected.value(Key("", "process.rss_bytes", labels), resident_bytes())

    def _count(self, event: str) -> None:
        self.collected.happened(Key(RUNTIME, event))

    # Processes

    def before_fork(self) -> None:
        """Stop the thread, so that the child inherits no lock that is held and no open write.

        Waits for neither a store that another process holds nor for a gauge. A write that
        lasts is waited for a moment: its child cannot know what SQLite was doing.
        """
        self._forking = self.recording
        if self._forking:
            self._pause()
            self._locked = self._lock.acquire(timeout=PATIENCE_SECONDS)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._forking:
            if self._locked:
                self._lock.release()
            self._run()

    def after_fork_in_child(self) -> None:
        """Begin anew with a connection of its own; what waited is the parent's to write."""
        if self._forking:
            self._lock = threading.Lock()
            _INHERITED.append(self.writing.forget())
            self.collected.clear()
            self._since = int(self._clock())
            if not self._locked:
                self.off[0], self.writing.path = True, None
                logger.warning(
                    "process %d records nothing: it was forked while a write lasted", os.getpid()
                )
                return
            self._run()
            if "multiprocessing.util" in sys.modules:
                # Such a child ends without atexit; its own list of last things is made later.
                from multiprocessing import util

                util.register_after_fork(self, _flush_at_end)


_INHERITED: list[Store | None] = []
"""Connections of a parent: SQLite forbids a child to use them, even to close them."""


def _flush_at_end(recorder: Recorder) -> None:
    from multiprocessing import util

    util.Finalize(recorder, recorder.stop, exitpriority=0)


RECORDER = Recorder()
"""The recorder of this process."""

os.register_at_fork(
    before=RECORDER.before_fork,
    after_in_parent=RECORDER.after_fork_in_parent,
    after_in_child=RECORDER.after_fork_in_child,
)
atexit.register(RECORDER.stop)
