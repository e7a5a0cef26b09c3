"""The one thread that folds what a process has seen and writes it to the store, once a second."""

import atexit
import logging
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from perfkit.runtime.process import STATM, resident_bytes
from perfkit.runtime.series import RUNTIME, Collected
from perfkit.runtime.storable import storable
from perfkit.runtime.store import Batch, Store, StoreError, StoreFullError, UnstorableError
from perfkit.runtime.windows import Key

FOLD_SECONDS = 1.0
PRUNE_SECONDS = 600.0
MOST_BATCHES = 600
"""Folded seconds that wait for a store that cannot be written: ten minutes, then the oldest go."""

logger = logging.getLogger(RUNTIME)


class Recorder:
    """Collects from the application's threads and writes from its own.

    Nothing here raises into the application: a store that cannot be opened or written is told once
    to the logger ``perfkit.runtime``, tried again every second, and what was folded waits. ``off``
    is a list of one truth value, so that a tracked function can read it in a few nanoseconds.
    """

    def __init__(
        self,
        open_store: Callable[[Path], Store] = Store,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.off = [True]
        self.collected = Collected()
        self.trouble: str | None = None
        self._sampled: dict[Key, Callable[[], float]] = {}
        if STATM.exists():
            self.sample(Key("", "process.rss_bytes"), resident_bytes)
        self._open_store = open_store
        self._clock = clock
        self._path: Path | None = None
        self.component = "app"
        self._store: Store | None = None
        self._waiting: deque[Batch] = deque()
        self._since = int(clock())
        self._pruned = clock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._forking = False

    # For the application

    def start(self, path: str | PathLike[str], component: str = "app") -> None:
        """Begin to record into a store; a second call names another store or component."""
        self.stop()
        self._path, self.component = Path(path), storable(component)
        self.collected.clear()
        self._since = int(self._clock())
        self.off[0] = False
        self._run()

    def stop(self) -> None:
        """Write what waits and stop recording."""
        self.off[0] = True
        self._pause()
        if self._path is not None:
            self.tick()
            with self._writing:
                if self._waiting:
                    logger.warning("telemetry that could not be stored is lost at the end")
                if self._store is not None:
                    self._store.close()
                self._store = self._path = None
                self._waiting.clear()

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
        self._wake.clear()
        self._thread = threading.Thread(target=self._loop, name=RUNTIME, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is ending
            self._thread = None
            self._tell(f"recording only at the end of the process ({error})")

    def _pause(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._wake.set()
            thread.join()

    def _loop(self) -> None:
        while not self._wake.wait(FOLD_SECONDS - self._clock() % FOLD_SECONDS):
            self.tick()

    def tick(self) -> None:
        """Fold and write once. Called by the thread, and at the end by whoever ends it."""
        with self._writing:
            try:
                self._fold()
                self._write()
            except Exception as error:  # noqa: BLE001  # an application is never hurt by its telemetry
                self._tell(f"{type(error).__name__}: {error}")

    def _fold(self) -> None:
        now = self._clock()
        for key, read in list(self._sampled.items()):
            try:
                value = read()
            except Exception:  # noqa: BLE001  # what an application registered may raise anything
                value = math.nan  # counted as no value
            self.collected.value(key, value)
        # A second that jumped away belongs to the time in which it began.
        batch = Batch(self._since, *self.collected.drain(self.component))
        self._since = int(now)
        if batch:
            self._waiting.append(batch)
        while len(self._waiting) > MOST_BATCHES:
            self._waiting.popleft()
            self.collected.happened(Key(RUNTIME, "runtime.lost"))

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            if self._store is None:
                self._store = self._open_store(self._path)
            trouble = self._write_waiting(self._store)
            if self._clock() - self._pruned > PRUNE_SECONDS:
                self._pruned = self._clock()
                self._store.prune()
        except StoreError as error:
            trouble = str(error)
        if trouble is None:
            self.trouble = None
        else:
            self._tell(trouble)

    def _write_waiting(self, store: Store) -> str | None:
        """Write what waits; return why some of it was given up. Raises StoreError."""
        trouble: str | None = None
        while self._waiting:
            try:
                store.add(self._waiting[0])
            except StoreFullError as error:
                self._waiting.popleft()
                return str(error)
            except UnstorableError as error:
                # Whatever is beside the one row that fails is to be stored.
                failed = self._waiting.popleft()
                halves = failed.halves()
                self._waiting.extendleft(reversed(halves))
                if not halves:
                    trouble = f"{failed.names[0]} is left out: {error}"
                    self.collected.happened(Key(RUNTIME, "runtime.refused"))
            else:
                self._waiting.popleft()
        return trouble

    def _tell(self, trouble: str) -> None:
        """Say a trouble once, until it is over."""
        if self.trouble is None:
            logger.warning("telemetry is not stored: %s", trouble)
        self.trouble = trouble

    # Processes

    def before_fork(self) -> None:
        """Stop the thread, so that the child inherits no lock that is held and no open write."""
        self._forking = self.recording
        if self._forking:
            self._pause()
            self._writing.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._forking:
            self._writing.release()
            self._run()

    def after_fork_in_child(self) -> None:
        """Begin anew with a connection of its own; what waited is the parent's to write."""
        if self._forking:
            self._writing = threading.Lock()
            _INHERITED.append(self._store)
            self._store = None
            self._waiting.clear()
            self.collected.clear()
            self._since = int(self._clock())
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
